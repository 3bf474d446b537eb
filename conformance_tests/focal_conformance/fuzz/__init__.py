"""Random points, judged by the oracle."""

from focal_conformance.report import CheckResult
from focal_conformance.session import Session


def fuzzed(session: Session, count: int, seed: int) -> list[CheckResult]:
    """The checks of ``count`` random points a dtype."""
    raise NotImplementedError
