"""Ask a port all questions, collect what it is worth, reduce its failures."""

from collections.abc import Callable, Iterator

from focal_conformance.checks.check import Outcome, perform
from focal_conformance.fuzz.ask import Outcomes, cases_of, judged
from focal_conformance.fuzz.case import RandomCase
from focal_conformance.fuzz.pool import all_answered
from focal_conformance.fuzz.shrink import shrunk
from focal_conformance.fuzz.truth import Question
from focal_conformance.report import FAILED, CheckResult, Point
from focal_conformance.session import PAIR, Session

ENOUGH_FAILURES = 40
"""Failing sets of points of a dtype after which the rest of them is left out."""
FOREMOST = 1e9
"""Gravity of the reduced failure: it is shown first."""
Failing = dict[str, tuple[float, RandomCase, int]]
"""Quantity -> the gravest failing point with its gravity."""


class Found:
    """A check whose outcome is known, for the report."""

    level = "required"

    def __init__(self, name: str, title: str, outcome: Outcome) -> None:
        self.name, self.title, self._outcome = name, title, outcome

    def run(self, session: Session, outcome: Outcome) -> None:
        """Hand over what was found."""
        vars(outcome).update(vars(self._outcome))


def results(
    session: Session,
    prefix: str,
    title: str,
    questions: Callable[[str], Iterator[Question]],
    dtypes: tuple[str, ...],
    command: str,
    progress: Callable[[str], None],
) -> list[CheckResult]:
    """The checks ``prefix_values`` and ``prefix_gradients`` of the questions of each dtype.

    ``command`` runs them again where no single point stands for a failure.
    """
    outcomes: Outcomes = {quantity: Outcome() for quantity in PAIR}
    gravest: Failing = {}
    stopped = []
    for dtype in dtypes:
        if not _all_judged(session, questions(dtype), outcomes, gravest, progress):
            stopped.append(dtype)
    found = []
    for quantity, outcome in outcomes.items():
        if quantity in gravest:
            progress(f"reducing a failing {quantity}")
            _reduce(session, gravest[quantity], quantity, outcome)
        if outcome.failures and stopped:
            outcome.fail(f"{', '.join(stopped)}: the rest was left out after {ENOUGH_FAILURES} failing sets", -1.0)
        result = perform(Found(f"{prefix}_{quantity}s", f"{title}, {quantity}s", outcome), session)
        if result.worst is None or (result.verdict == FAILED and all(p is None for _, _, p in outcome.failures)):
            result.rerun = command
        found.append(result)
    return found


def _all_judged(
    session: Session,
    questions: Iterator[Question],
    outcomes: Outcomes,
    gravest: Failing,
    progress: Callable[[str], None],
) -> bool:
    """Judge until the end, or until enough has failed: False."""
    failing = done = 0
    for question, truths in all_answered(questions):
        before = sum(len(outcome.failures) for outcome in outcomes.values())
        for case in cases_of(question, truths):
            counts = {quantity: len(outcome.failures) for quantity, outcome in outcomes.items()}
            judged(session, case, outcomes)
            for quantity, outcome in outcomes.items():
                _remember(gravest, quantity, outcome.failures[counts[quantity] :], case)
        done += len(question.logits)
        progress(f"{question.dtype}: {done} random points")
        failing += sum(len(outcome.failures) for outcome in outcomes.values()) > before
        if failing >= ENOUGH_FAILURES:
            return False
    return True


def _remember(
    gravest: Failing, quantity: str, failures: list[tuple[float, str, Point | None]], case: RandomCase
) -> None:
    for gravity, _, point in failures:
        if point is not None and (quantity not in gravest or gravity > gravest[quantity][0]):
            names = [f"{case.point_id(row)}/{quantity}" for row in range(len(case.logits))]
            gravest[quantity] = (gravity, case, names.index(point.case))


def _reduce(session: Session, failing: tuple[float, RandomCase, int], quantity: str, outcome: Outcome) -> None:
    """Put the smallest failing point first."""
    _, case, row = failing
    smallest = shrunk(session, case, row, quantity)
    if smallest is None:
        # It fails among others only: what the message of the whole set says.
        outcome.fail(f"{case.point_id(row)} fails beside others, and not alone", FOREMOST / 2.0)
        return
    judgement, _ = smallest
    _, message, point = max(judgement.failures, key=lambda each: each[0])
    outcome.fail(f"smallest failing input: {message}", FOREMOST, point)
