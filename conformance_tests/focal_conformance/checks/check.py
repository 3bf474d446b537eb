"""What a check is, and how it collects its outcome."""

import shlex
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from focal_conformance.dialect import NotClaimed
from focal_conformance.failure_kinds import kinds_of, text_of
from focal_conformance.formats import Float64
from focal_conformance.report import FAILED, NOT_CLAIMED, PASSED, CheckResult, Point
from focal_conformance.session import Session, raised


class Check(Protocol):
    """A property of a port."""

    @property
    def name(self) -> str:
        """As reports and flags name it."""

    @property
    def title(self) -> str:
        """What it is about, for the progress bar."""

    @property
    def level(self) -> str:
        """Lowest level at which it is asked for."""

    def run(self, session: Session, outcome: "Outcome") -> None:
        """Judge the port; report to ``outcome``, or raise NotClaimed."""


def applies(check: Check, session: Session) -> bool:
    """Whether a check makes sense for the port's framework and mode: what does not is absent from its report.

    A check says so by a method ``applies(session) -> bool``; without one it makes sense everywhere.
    """
    rule = getattr(check, "applies", None)
    return rule is None or bool(rule(session))


@dataclass
class Outcome:
    """Collects what a check finds."""

    judged: int = 0
    flushed: int = 0
    max_ulp: float | None = None
    worst: Point | None = None
    failures: list[tuple[float, str, Point | None]] = field(default_factory=list)
    targets: list[tuple[str, ...]] = field(default_factory=list)
    """Of each failure the targets where it is, for the kind of failure that a file of known failures lists."""
    unclaimed: list[str] = field(default_factory=list)

    def fail(
        self, message: str, gravity: float = 1.0, point: Point | None = None, targets: tuple[str, ...] = ()
    ) -> None:
        """One reason for failing; the gravest is shown first."""
        self.failures.append((gravity, message, point))
        self.targets.append(targets)

    def expect(self, holds: bool, message: str) -> None:
        """Count one judgement."""
        self.judged += 1
        if not holds:
            self.fail(message)

    def see(self, ulp: float, point: Point) -> None:
        """An error, large or small: the largest is always printed."""
        if self.max_ulp is None or not ulp <= self.max_ulp:
            self.max_ulp, self.worst = ulp, point


def perform(check: Check, session: Session) -> CheckResult:
    """Run a check; an exception of the port is a failure of the check that met it."""
    outcome = Outcome()
    started = time.monotonic()
    try:
        check.run(session, outcome)
    except NotClaimed as reason:
        outcome.unclaimed.append(str(reason))
    except Exception as error:  # whatever a port raises is its answer, and is reported as such
        outcome.fail(raised(error), gravity=2.0)
    result = _result(check, session, outcome)
    result.seconds = time.monotonic() - started
    return result


def _result(check: Check, session: Session, outcome: Outcome) -> CheckResult:
    failures = sorted(outcome.failures, key=lambda failure: -failure[0])
    verdict = FAILED if failures else PASSED if outcome.judged else NOT_CLAIMED
    messages = [message for _, message, _ in failures] or ([] if outcome.judged else outcome.unclaimed)
    point = next((point for _, _, point in failures if point is not None), None) or outcome.worst
    return CheckResult(
        check=check.name,
        title=check.title,
        level=check.level,
        verdict=verdict,
        judged=outcome.judged,
        max_ulp=outcome.max_ulp,
        worst=point,
        failures=list(dict.fromkeys(messages))[:8] or ([] if outcome.judged else ["nothing of it is claimed"]),
        flushed=outcome.flushed,
        rerun=rerun_line(check, session, point),
        signature=text_of(kinds_of(outcome.failures, outcome.targets)),
    )


def rerun_line(check: Check, session: Session, point: Point | None) -> str:
    """The command that shows the worst point, or runs the check alone."""
    port = session.port
    flags = port.flags + ("" if session.driver.device == "cpu" else f" --device {session.driver.device}")
    name = shlex.quote(port.name)
    if point is not None and point.case:
        return f"focal-ref show '{point.case}' --port {name}{flags}"
    return f"focal-ref verify {name} --check {check.name}{flags}"


def agree(got: Float64, exact: Float64, tolerance: Float64) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Within the tolerance; nan never is."""
    with np.errstate(all="ignore"):
        return np.asarray((got == exact) | (np.abs(got - exact) <= tolerance))
