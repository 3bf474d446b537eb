"""Random points and whole dtypes, judged by the oracle."""

from collections.abc import Callable

from focal_conformance.fuzz.batches import batches
from focal_conformance.fuzz.exhaust import half_dtypes, patterns
from focal_conformance.fuzz.run import results
from focal_conformance.fuzz.truth import source_of_truth
from focal_conformance.report import CheckResult
from focal_conformance.session import Session


def fuzzed(
    session: Session, count: int, seed: int, progress: Callable[[str], None] = lambda label: None
) -> list[CheckResult]:
    """The checks of ``count`` random points a dtype."""
    return results(
        session,
        "fuzz",
        "random points",
        lambda dtype: batches(session, dtype, count, seed),
        session.dtypes,
        f"{_verify(session)} --fuzz {count} --seed {seed}",
        progress,
    )


def exhausted(session: Session, progress: Callable[[str], None] = lambda label: None) -> list[CheckResult]:
    """The checks of every bit pattern of the half types that the port claims."""
    return results(
        session,
        "exhaust",
        "every bit pattern of the half types",
        lambda dtype: patterns(session, dtype),
        half_dtypes(session),
        f"{_verify(session)} --exhaust",
        progress,
    )


def fuzz_note(session: Session, count: int, seed: int, exhaust: bool) -> str:
    """What was asked beside the golden points, and who knows what is right."""
    words = [f"{count} random {'rows' if session.rows else 'points'} a dtype, seed {seed}"] if count else []
    if exhaust:
        words.append(f"every bit pattern of {' and '.join(half_dtypes(session)) or 'no half type: none is claimed'}")
    return f"{', '.join(words)}; {source_of_truth()}"


def _verify(session: Session) -> str:
    port, device = session.port, session.driver.device
    flags = port.flags + ("" if device == "cpu" else f" --device {device}")
    level = "" if session.level == "required" else f" --level {session.level}"
    return f"focal-ref verify {port.name}{flags}{level}"
