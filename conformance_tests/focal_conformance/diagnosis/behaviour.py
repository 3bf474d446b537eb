"""Deviations that no single element shows: reductions, arguments, state."""

from focal_conformance.report import Cause, Report
from focal_conformance.session import Session


def behaviours(session: Session, report: Report) -> list[Cause]:
    """What the failing checks and a few calls more say."""
    return []
