"""Agreement with the golden vectors, each point judged by the one check that it says most about."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from focal_conformance.bounds import bound
from focal_conformance.checks.check import Check, Outcome, agree
from focal_conformance.dialect import NotClaimed
from focal_conformance.errors import flushed, required_tolerance, ulp_errors
from focal_conformance.formats import Float64
from focal_conformance.report import Point
from focal_conformance.session import Evaluation, Session
from focal_conformance.vectors.load import Case

Bool = npt.NDArray[np.bool_]

SATURATED_FROM = 15.0


@dataclass(frozen=True)
class NumericCheck:
    """The points and quantities of one property."""

    name: str
    title: str
    level: str
    quantities: tuple[str, ...]

    def run(self, session: Session, outcome: Outcome) -> None:
        """Judge every point that belongs here."""
        for case in session.cases():
            for quantity in self.quantities:
                mine = owners(case, quantity) == self.name
                if not np.any(mine):
                    continue
                if session.port.dialect.soft_targets != "linear":
                    hard = (case.targets == 0.0) | (case.targets == 1.0)
                    if np.any(mine & ~hard):
                        outcome.unclaimed.append(_soft_reason(session))
                    mine = mine & hard
                evaluation = session.evaluate(case, quantity)
                if evaluation.got is None:
                    self._without_result(evaluation, outcome)
                elif np.any(mine):
                    self._judge(session, evaluation, evaluation.got, mine, outcome)

    def _without_result(self, evaluation: Evaluation, outcome: Outcome) -> None:
        if evaluation.not_claimed:
            outcome.unclaimed.append(f"{evaluation.quantity}: {evaluation.error}")
        else:
            case = evaluation.case
            outcome.judged += 1
            outcome.fail(
                f"{evaluation.quantity}, {case.dtype}, alpha={case.alpha}, gamma={case.gamma:.6g}: {evaluation.error}",
                3.0,
            )

    def _judge(self, session: Session, evaluation: Evaluation, got: Float64, mine: Bool, outcome: Outcome) -> None:
        case, quantity = evaluation.case, evaluation.quantity
        exact, fmt = case.exact[quantity], case.format
        ulp = ulp_errors(got, exact, case.scale[quantity], fmt)
        is_flushed = flushed(got, exact, fmt) & session.flushes
        ulp = np.where(is_flushed, 0.0, ulp)
        outcome.judged += int(np.count_nonzero(mine))
        outcome.flushed += int(np.count_nonzero(mine & is_flushed))
        worst = int(np.argmax(np.where(mine, ulp, -1.0)))
        outcome.see(float(ulp[worst]), _point(case, quantity, worst, got, ulp))
        if quantity != "curvature":
            tolerance = required_tolerance(exact, case.alpha_t, fmt)
            wrong = mine & case.ordinary & ~agree(got, exact, tolerance)
            with np.errstate(all="ignore"):
                excess = np.abs(got - exact) / np.maximum(tolerance, 1e-300)
            for index in _gravest(wrong, excess, case):
                message = describe_error(quantity, float(got[index]), float(exact[index]), case, index)
                outcome.fail(
                    message, _gravity(float(excess[index]), case, index), _point(case, quantity, index, got, ulp)
                )
        if session.level == "recommended":
            limit = bound(case.loss, session.backend, quantity, case.dtype, case.gamma)
            for index in _gravest(mine & ~(ulp <= limit), ulp, case):
                text = f"{quantity} off by {ulp[index]:.3g} ULP of {case.dtype}, bound {limit:g}"
                outcome.fail(f"{text}, {_where(case, index)}", 1.0, _point(case, quantity, index, got, ulp))


def owners(case: Case, quantity: str) -> "npt.NDArray[np.str_]":
    """Name of the check that judges each point of a case."""
    names = np.full(case.logits.shape, f"hard_{quantity}s", dtype="<U24")
    soft = (case.targets > 0.0) & (case.targets < 1.0)
    names[soft] = f"soft_{quantity}s"
    names[np.abs(case.logits) >= SATURATED_FROM] = "saturation"
    if case.alpha is None:
        names[:] = "alpha_off"
    elif case.alpha in (0.0, 1.0):
        names[:] = "alpha_edges"
    if case.gamma == 0.0:
        names[:] = "gamma_zero"
    elif case.gamma < 1.0:
        names[:] = "gamma_below_one"
    if case.format.is_half:
        names[:] = "low_precision"
    if quantity == "curvature":
        names[:] = "second_derivative"
    if not case.ordinary:
        names[:] = "limits"
    return names


def describe_error(quantity: str, got: float, exact: float, case: Case, index: int) -> str:
    """What kind of wrong a number is, in the words of training."""
    alpha_t = float(case.alpha_t[index])
    place = _where(case, index)
    if np.isnan(got) or np.isinf(got):
        return f"{quantity} is {got} where {exact:.6g} is exact, {place}"
    if alpha_t == 0.0:
        return f"{quantity} is {got:.6g} where alpha_t = 0 makes it exactly 0, {place}"
    if quantity == "gradient" and abs(exact) > alpha_t / 10.0 and got * exact < 0.0:
        return f"reversed gradient: {got:.6g} where {exact:.6g} is exact, {place}"
    if quantity == "gradient" and abs(exact) > alpha_t / 10.0 and abs(got) < abs(exact) / 2.0:
        return f"dead gradient: {got:.6g} where {exact:.6g} is exact, {place}"
    relative = f" ({abs(got - exact) / abs(exact):.2g} relative)" if exact else ""
    return f"{quantity} is {got:.6g} where {exact:.6g} is exact{relative}, {place}"


def _where(case: Case, index: int) -> str:
    return (
        f"at logit {case.logits[index]:.6g}, target {case.targets[index]:.4g}, alpha {case.alpha}, "
        f"gamma {case.gamma:.6g}, {case.dtype}"
    )


def _gravest(wrong: Bool, size: Float64, case: Case) -> list[int]:
    """The one worst point of a case, the smallest logit among equals: a case that fails fails in many."""
    if not np.any(wrong):
        return []
    sizes = np.where(wrong, np.nan_to_num(size, nan=np.inf, posinf=np.inf), -1.0)
    worst = np.flatnonzero(sizes == np.max(sizes))
    return [int(worst[np.argmin(np.abs(case.logits[worst]))])]


def _gravity(excess: float, case: Case, index: int) -> float:
    """Nan before anything else, the smallest logit first; then by how far beyond the tolerance."""
    if not np.isfinite(excess):
        return 1e6 - abs(float(case.logits[index]))
    return 10.0 + float(np.log10(max(excess, 1.0)))


def _point(case: Case, quantity: str, index: int, got: Float64, ulp: Float64) -> Point:
    return Point(
        case=f"{case.point_id(index)}/{quantity}",
        logit=float(case.logits[index]),
        target=float(case.targets[index]),
        exact=float(case.exact[quantity][index]),
        got=float(got[index]),
        ulp=float(ulp[index]),
    )


def _soft_reason(session: Session) -> str:
    rule = session.port.dialect.soft_targets
    if rule is None:
        return "soft targets: its documentation admits hard targets only"
    return f"soft targets: it follows the rule {rule!r}, for which there are no vectors yet"


def claim_soft(session: Session) -> None:
    """NotClaimed unless the port declares the linear rule."""
    if session.port.dialect.soft_targets != "linear":
        raise NotClaimed(_soft_reason(session))


BOTH = ("value", "gradient")
NUMERIC_CHECKS: tuple[Check, ...] = (
    NumericCheck("hard_values", "values, hard targets", "required", ("value",)),
    NumericCheck("hard_gradients", "gradients, hard targets", "required", ("gradient",)),
    NumericCheck("soft_values", "values, soft targets", "required", ("value",)),
    NumericCheck("soft_gradients", "gradients, soft targets", "required", ("gradient",)),
    NumericCheck("saturation", "logits beyond 15", "required", BOTH),
    NumericCheck("gamma_zero", "gamma = 0", "required", BOTH),
    NumericCheck("gamma_below_one", "gamma in (0, 1)", "required", BOTH),
    NumericCheck("alpha_edges", "alpha 0 and 1", "required", BOTH),
    NumericCheck("alpha_off", "alpha off", "required", BOTH),
    NumericCheck("low_precision", "float16, bfloat16", "required", BOTH),
    NumericCheck("second_derivative", "second derivative", "recommended", ("curvature",)),
    NumericCheck("limits", "infinite, largest, nan logits", "recommended", ("value", "gradient", "curvature")),
)
