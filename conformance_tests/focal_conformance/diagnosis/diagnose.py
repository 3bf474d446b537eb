"""From a session whose checks have run to a diagnosis."""

from collections.abc import Sequence

import numpy as np

from focal_conformance.deviations import CATALOGUE, CONDUCTS, FORMULA
from focal_conformance.deviations.deviation import Deviation
from focal_conformance.diagnosis.asked import MOST_CLASSES, Asked, gather
from focal_conformance.diagnosis.behaviour import behaviours
from focal_conformance.diagnosis.explain import cause, numbers, where
from focal_conformance.diagnosis.search import Candidate, candidate, mends, searched
from focal_conformance.report import FAILED, Cause, Diagnosis, Report
from focal_conformance.session import Session

ANSWERS = 3
ANSWERS_FROM = 0.97
"""Share of the results that an answer explains: where a formula is near nan or 0, codes of one formula differ."""
NUMERIC = (
    "hard_values", "hard_gradients", "soft_values", "soft_gradients", "soft_rules", "detached_modulator", "saturation",
    "gamma_zero", "gamma_below_one", "alpha_edges", "alpha_off", "alpha_per_class", "fresh_parameters",
)  # fmt: skip
"""Checks that the formula alone can fail; halves are another matter."""


def diagnose(session: Session, report: Report) -> Diagnosis:
    """The deviations that reproduce what the port gave, the best answer first."""
    failed = {check.check for check in report.checks if check.verdict == FAILED}
    asked, precise = _where_wrong(session)
    others = behaviours(session, report)
    if not asked:
        message = "; ".join(found.sentence for found in others) or "it gave nothing that could be compared"
        return Diagnosis(message, others[:ANSWERS])
    specification = candidate(asked, (), precise)
    diagnosis = Diagnosis("", asked=specification.explains.size, right=specification.count)
    ranked = [specification]
    if failed & {*NUMERIC, *SEEN_IN_FORMULA}:
        ranked = searched(asked, _catalogue(session, asked), precise)
    fitting = [c for c in ranked if c.changes and _fits(c, specification)]
    if fitting:
        diagnosis.causes = _answers(fitting, ranked, asked, session)
        # What the formula does not show stands beside the best answer; what it may have caused does not.
        diagnosis.causes = [_joined(diagnosis.causes[0], _certain(others)), *diagnosis.causes[1:]]
    else:
        # Beside wrong elements most checks of conduct fail, whatever the conduct.
        diagnosis.causes = (others if specification.count == specification.explains.size else _certain(others))[
            :ANSWERS
        ]
    _conclude(diagnosis, ranked, asked, report)
    return diagnosis


def _where_wrong(session: Session) -> tuple[list[Asked], bool]:
    """Answers in which the port is not right, and whether they must be looked at precisely: the cheapest first."""
    first = gather(session)
    for classes, precise in ((MOST_CLASSES, False), (MOST_CLASSES, True), *(((10, False),) if session.rows else ())):
        asked = first if classes == MOST_CLASSES else gather(session, classes)
        specification = candidate(asked, (), precise)
        if specification.count < specification.explains.size:
            return asked, precise
    return first, False


def _certain(causes: list[Cause]) -> list[Cause]:
    return [c for c in causes if not any(name in CONDUCTS and CONDUCTS[name].alone for name in c.deviations)]


SEEN_IN_FORMULA = ("low_precision", "limits")


def _catalogue(session: Session, asked: Sequence[Asked]) -> list[Deviation]:
    """Those that the port's loss has and its answers can show."""
    dialect = session.port.dialect
    declared = "" if dialect.soft_targets_argument is not None else dialect.soft_targets or ""
    balanced = any(np.any(part.questions.balanced) for part in asked)
    return [
        d
        for d in FORMULA.values()
        if session.port.loss in d.losses and not (d.rule and d.rule == declared) and (balanced or d.topic != "alpha")
    ]


def _fits(found: Candidate, specification: Candidate) -> bool:
    """Nearly everything, and most of what the specification does not explain."""
    enough = found.count >= ANSWERS_FROM * found.explains.size and found.count > specification.count
    return bool(enough and mends(found, specification))


def _answers(
    fitting: list[Candidate], ranked: list[Candidate], asked: Sequence[Asked], session: Session
) -> list[Cause]:
    answers = []
    for found in fitting[:ANSWERS]:
        rival = next((c for c in ranked if c is not found and np.any(found.explains & ~c.explains)), None)
        answers.append(cause(found, rival, asked, session.port))
    return answers


def _joined(best: Cause, others: list[Cause]) -> Cause:
    """The best answer for the elements together with what is wrong elsewhere."""
    for other in others:
        best.deviations += [name for name in other.deviations if name not in best.deviations]
        best.sentence += f"; and {other.sentence}"
        best.change += f"; {other.change}" if other.change else ""
        best.links += [link for link in other.links if link not in best.links]
        best.parameters |= other.parameters
    return best


def _conclude(diagnosis: Diagnosis, ranked: list[Candidate], asked: Sequence[Asked], report: Report) -> None:
    unexplained = diagnosis.right < diagnosis.asked and not any(cause.explained for cause in diagnosis.causes)
    if diagnosis.causes and not unexplained:
        best = diagnosis.causes[0]
        diagnosis.message = f"{' + '.join(best.deviations)}: {best.sentence}"
        return
    nearest = next((c for c in ranked if c.changes), None)
    near = ""
    if nearest is not None and nearest.count > diagnosis.right:
        near = f"; the nearest, {' + '.join(nearest.names)}, explains {nearest.count} of {diagnosis.asked} results"
    if diagnosis.right == diagnosis.asked:
        near = f"; the {diagnosis.asked} results of single elements that were asked for are right"
    diagnosis.message = f"none of the {len(CATALOGUE)} known deviations, alone or in pairs, reproduces it{near}"
    if diagnosis.causes:
        diagnosis.message += "; beside that: " + "; ".join(cause.sentence for cause in diagnosis.causes)
    first = next(check for check in report.checks if check.verdict == FAILED)
    diagnosis.smallest = smallest_failing(asked) or f"{first.check}: {first.failures[0]}"


def smallest_failing(asked: Sequence[Asked]) -> str:
    """The failing point with the simplest numbers; nothing where no single point is wrong."""
    best: tuple[float, str] | None = None
    for part in asked:
        explains = candidate([part], (), precise=True).explains
        first = int(np.count_nonzero(part.answered))
        for offset, places, quantity, got in (
            (0, np.flatnonzero(part.answered), "value", part.value),
            (first, np.flatnonzero(part.sloped), "gradient", part.gradient),
        ):
            if got is None:
                continue
            for i in places[~explains[offset : offset + len(places)]]:
                weight = _complexity(part, int(i))
                if best is None or weight < best[0]:
                    text = f"{quantity} {numbers(got[i])} at {where(part, int(i))} ({part.names[i]})"
                    best = (weight, text)
    return "" if best is None else best[1]


def _complexity(part: Asked, i: int) -> float:
    """Short decimals and small logits are simple, and so are the usual parameters."""
    values = [*np.ravel(part.questions.logits[i]), *np.ravel(part.questions.targets[i]), part.questions.gamma[i]]
    digits = sum(len(f"{value:.6g}") for value in values)
    unusual = (part.questions.gamma[i] != 2.0) + (
        part.questions.balanced[i] and np.max(part.questions.alpha[i]) != 0.25
    )
    return digits + 2.0 * unusual + float(np.max(np.abs(part.questions.logits[i]))) * 0.1
