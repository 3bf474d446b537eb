"""A port's answer to random points, and what it is worth."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from focal_conformance.checks.check import Outcome
from focal_conformance.checks.numeric import judge
from focal_conformance.dialect import NotClaimed
from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import NoDerivative
from focal_conformance.fuzz.case import RandomCase, random_case
from focal_conformance.fuzz.truth import Question, Truths, oracle_installed, reference_errors
from focal_conformance.fuzz.underflow import underflow_errors
from focal_conformance.session import PAIR, Evaluation, Session, case_parameters, raised
from focal_conformance.vectors.load import in_required_range

Outcomes = dict[str, Outcome]
"""One for each quantity."""


def cases_of(question: Question, truths: Truths) -> list[RandomCase]:
    """Ordinary points and the others apart, as a port is given them."""
    finite = in_required_range(question.logits, question.dtype)
    usual = finite if finite.ndim == 1 else np.all(finite, axis=-1)
    scale = truths.gradient_scale
    return [
        random_case(
            question.loss,
            question.dtype,
            question.parameters,
            question.logits[chosen],
            question.targets[chosen],
            Truths(truths.value[chosen], truths.gradient[chosen], scale[chosen] if scale.size else scale),
        )
        for chosen in (usual, ~usual)
        if np.any(chosen)
    ]


def answers(session: Session, case: RandomCase) -> list[Evaluation]:
    """Value and gradient of a case; without a gradient the value alone, and why."""
    try:
        numbers = session.results(case.logits, case.targets, case.dtype, case_parameters(case), *PAIR)
        return [Evaluation(case, quantity, got) for quantity, got in zip(PAIR, numbers, strict=True)]
    except NotClaimed as reason:
        return [Evaluation(case, quantity, None, str(reason), not_claimed=True) for quantity in PAIR]
    except NoDerivative as reason:
        refused = not session.driver.differentiates
        return [_value(session, case), Evaluation(case, "gradient", None, str(reason), not_claimed=refused)]
    except Exception as error:  # whatever a port raises is its answer, and is reported as such
        return [Evaluation(case, quantity, None, raised(error)) for quantity in PAIR]


def _value(session: Session, case: RandomCase) -> Evaluation:
    try:
        (got,) = session.results(case.logits, case.targets, case.dtype, case_parameters(case), "value")
    except NotClaimed as reason:
        return Evaluation(case, "value", None, str(reason), not_claimed=True)
    except Exception as error:  # as above
        return Evaluation(case, "value", None, raised(error))
    return Evaluation(case, "value", got)


def judged(session: Session, case: RandomCase, outcomes: Outcomes) -> None:
    """Ask the port and judge what it gives."""
    for evaluation in answers(session, case):
        outcome = outcomes[evaluation.quantity]
        if evaluation.got is not None:
            everything = np.ones(len(case.logits), dtype=bool)
            judge(
                session, evaluation, evaluation.got, everything, outcome, allowance(session, case, evaluation.quantity)
            )
        elif evaluation.not_claimed:
            outcome.unclaimed.append(f"{evaluation.quantity}: {evaluation.error}")
        else:
            _refused(session, evaluation, case, outcome)


def allowance(session: Session, case: RandomCase, quantity: str) -> Float64:
    """What underflow excuses, and how far what passes for exact may be off where it is not proven."""
    underflow = underflow_errors(case, quantity, session.flushes)
    if oracle_installed():
        return underflow
    return underflow + reference_errors(case.loss, quantity, case.gamma, case.scale[quantity])


def part_of(case: RandomCase, chosen: "slice | npt.NDArray[np.int64]") -> RandomCase:
    """The case with some of its points."""
    per_point = ("logits", "targets", "alpha_t", "known")
    return replace(
        case,
        **{name: getattr(case, name)[chosen] for name in per_point},
        exact={name: numbers[chosen] for name, numbers in case.exact.items()},
        scale={name: numbers[chosen] for name, numbers in case.scale.items()},
        flags=case.flags[: len(case.logits[chosen])],
        indices=np.arange(len(case.logits[chosen])),
    )


def _refused(session: Session, evaluation: Evaluation, case: RandomCase, outcome: Outcome) -> None:
    """An error instead of numbers: the first point that alone is answered so, if there is one."""
    while len(case.logits) > 1:
        half = len(case.logits) // 2
        parts = (part_of(case, slice(None, half)), part_of(case, slice(half, None)))
        guilty = next((part for part in parts if _error(session, part, evaluation.quantity)), None)
        if guilty is None:
            break
        case = guilty
    quantity, many = evaluation.quantity, len(case.logits)
    error = _error(session, case, quantity) or evaluation.error
    outcome.judged += 1
    where = case.point_id(0) if many == 1 else f"{many} points together, {case.group}"
    outcome.fail(f"{quantity}, {where}: {error}", 3.0)


def _error(session: Session, case: RandomCase, quantity: str) -> str:
    evaluation = next(each for each in answers(session, case) if each.quantity == quantity)
    return "" if evaluation.got is not None or evaluation.not_claimed else evaluation.error
