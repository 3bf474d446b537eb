"""Agreement with the golden vectors, each point judged by the one check that it says most about."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from focal_conformance.bounds import bound
from focal_conformance.checks.check import Check, Outcome, agree
from focal_conformance.checks.ownership import SECOND, owners
from focal_conformance.checks.places import (
    describe_error,
    gravest,
    gravity,
    point_at,
    targets_of,
    where_is,
    worst_place,
)
from focal_conformance.errors import flushed, required_tolerance, ulp_errors
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.session import Evaluation, Session
from focal_conformance.vectors.case import case_is_soft

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NumericCheck:
    """The points and quantities of one property."""

    name: str
    title: str
    level: str
    quantities: tuple[str, ...]
    losses: tuple[str, ...] = ()
    """Losses that it is about; empty: all."""

    def applies(self, session: Session) -> bool:
        """Half types only where the framework has them; second derivatives of the kind that the loss has."""
        if self.name == "low_precision":
            return any(FORMATS[dtype].is_half for dtype in session.driver.dtypes)
        if self.name == "second_derivative" and not session.differentiates_twice:
            return False
        return not self.losses or session.port.loss in self.losses

    def run(self, session: Session, outcome: Outcome) -> None:
        """Judge every point that belongs here."""
        for case in session.cases():
            for quantity in self.quantities:
                # The diagonal of a row's Hessian is nothing that autodiff gives.
                if quantity not in case.exact or (session.rows and quantity == "curvature"):
                    continue
                # Second derivatives have bounds, and no tolerance of the required level.
                if quantity in SECOND and not (session.level == "recommended" and session.differentiates_twice):
                    continue
                mine = owners(case, quantity, session) == self.name
                if not np.any(mine):
                    continue
                reason = session.unclaimed(case)
                if reason:
                    outcome.unclaimed.append(reason)
                    continue
                if not session.claims_soft(case):
                    soft = case_is_soft(case)
                    if np.any(mine & soft):
                        outcome.unclaimed.append(_soft_reason(session))
                    mine = mine & ~soft
                if not np.any(mine):
                    continue
                evaluation = session.evaluate(case, quantity)
                if evaluation.got is None:
                    self._without_result(evaluation, outcome)
                else:
                    judge(session, evaluation, evaluation.got, mine, outcome)

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


def judge(
    session: Session,
    evaluation: Evaluation,
    got: Float64,
    mine: Bool,
    outcome: Outcome,
    allowance: Float64 | None = None,
) -> None:
    """Judge the points that are ``mine``; of a row each class whose exact number is known.

    ``allowance`` is taken off each error first: what underflow excuses, and how far the exact numbers
    themselves may be off where they are not proven.
    """
    case, quantity = evaluation.case, evaluation.quantity
    exact, fmt = case.exact[quantity], case.format
    excused = np.zeros(exact.shape) if allowance is None else allowance
    alpha_t, ordinary = case.alpha_t, np.full(case.alpha_t.shape, case.ordinary)
    if exact.ndim > 1:
        alpha_t, ordinary = (np.broadcast_to(a[:, None], exact.shape) for a in (alpha_t, ordinary))
        mine = mine[:, None] & case.known
    ulp = ulp_errors(got, exact, case.scale[quantity], fmt)
    with np.errstate(all="ignore"):
        without = np.maximum(ulp - excused / fmt.ulp(np.minimum(case.scale[quantity], fmt.largest)), 0.0)
    ulp = np.where(np.isfinite(ulp), without, ulp)
    is_flushed = flushed(got, exact, fmt) & session.flushes
    ulp = np.where(is_flushed, 0.0, ulp)
    outcome.judged += int(np.count_nonzero(mine))
    outcome.flushed += int(np.count_nonzero(mine & is_flushed))
    worst = worst_place(np.where(mine, ulp, -1.0))
    outcome.see(float(ulp[worst]), point_at(case, quantity, worst, got, ulp))
    if quantity in ("value", "gradient"):
        tolerance = required_tolerance(exact, alpha_t, fmt) + excused
        # A backend that flushes gives 0 for a subnormal at every level.
        wrong = mine & ordinary & ~agree(got, exact, tolerance) & ~is_flushed
        with np.errstate(all="ignore"):
            excess = np.abs(got - exact) / np.maximum(tolerance, 1e-300)
        for place in gravest(wrong, excess, case):
            message = describe_error(quantity, float(got[place]), float(exact[place]), case, place)
            point = point_at(case, quantity, place, got, ulp)
            outcome.fail(message, gravity(float(excess[place]), case, place), point, targets_of(case, wrong))
    if session.level == "recommended":
        limit = bound(case.loss, session.backend, quantity, case.dtype, case.gamma)
        for place in gravest(mine & ~(ulp <= limit), ulp, case):
            text = f"{quantity} off by {ulp[place]:.3g} ULP of {case.dtype}, bound {limit:g}"
            outcome.fail(f"{text}, {where_is(case, place)}", 1.0, point_at(case, quantity, place, got, ulp))


def _soft_reason(session: Session) -> str:
    rule = session.port.dialect.soft_targets
    if rule is None:
        return "soft targets: its documentation admits hard targets only"
    return f"its rule for soft targets is {rule!r}"


BOTH = ("value", "gradient")
ALL = (*BOTH, *SECOND)
NUMERIC_CHECKS: tuple[Check, ...] = (
    NumericCheck("hard_values", "values, hard targets", "required", ("value",)),
    NumericCheck("hard_gradients", "gradients, hard targets", "required", ("gradient",)),
    NumericCheck("soft_values", "values, soft targets", "required", ("value",)),
    NumericCheck("soft_gradients", "gradients, soft targets", "required", ("gradient",)),
    NumericCheck("soft_rules", "the other rules for soft targets", "required", ALL),
    NumericCheck("detached_modulator", "modulator as a constant", "required", ALL),
    NumericCheck("saturation", "logits beyond 15", "required", BOTH),
    NumericCheck("gamma_zero", "gamma = 0", "required", BOTH),
    NumericCheck("gamma_below_one", "gamma in (0, 1)", "required", BOTH),
    NumericCheck("alpha_edges", "alpha 0 and 1; of rows one number", "required", BOTH),
    NumericCheck("alpha_off", "alpha off", "required", BOTH, ("sigmoid_focal",)),
    NumericCheck("alpha_per_class", "one alpha a class", "required", BOTH, ("softmax_focal",)),
    NumericCheck("low_precision", "float16, bfloat16", "required", BOTH),
    NumericCheck("second_derivative", "second derivative", "recommended", ("curvature", "product")),
    NumericCheck("limits", "infinite, largest, nan logits", "recommended", ALL),
)
