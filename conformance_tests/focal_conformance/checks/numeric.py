"""Agreement with the golden vectors, each point judged by the one check that it says most about."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from focal_conformance.bounds import bound
from focal_conformance.checks.check import Check, Outcome, agree
from focal_conformance.errors import flushed, required_tolerance, ulp_errors
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.report import Point
from focal_conformance.session import Evaluation, Session
from focal_conformance.vectors.load import Case

Bool = npt.NDArray[np.bool_]

SATURATED_FROM = 15.0
SECOND = ("curvature", "product")


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
        """Judge the points that are ``mine``; of a row each class whose exact number is known."""
        case, quantity = evaluation.case, evaluation.quantity
        exact, fmt = case.exact[quantity], case.format
        alpha_t, ordinary = case.alpha_t, np.full(case.alpha_t.shape, case.ordinary)
        if exact.ndim > 1:
            alpha_t, ordinary = (np.broadcast_to(a[:, None], exact.shape) for a in (alpha_t, ordinary))
            mine = mine[:, None] & case.known
        ulp = ulp_errors(got, exact, case.scale[quantity], fmt)
        is_flushed = flushed(got, exact, fmt) & session.flushes
        ulp = np.where(is_flushed, 0.0, ulp)
        outcome.judged += int(np.count_nonzero(mine))
        outcome.flushed += int(np.count_nonzero(mine & is_flushed))
        worst = _place(np.where(mine, ulp, -1.0))
        outcome.see(float(ulp[worst]), _point(case, quantity, worst, got, ulp))
        if quantity in ("value", "gradient"):
            tolerance = required_tolerance(exact, alpha_t, fmt)
            wrong = mine & ordinary & ~agree(got, exact, tolerance)
            with np.errstate(all="ignore"):
                excess = np.abs(got - exact) / np.maximum(tolerance, 1e-300)
            for place in _gravest(wrong, excess, case):
                message = describe_error(quantity, float(got[place]), float(exact[place]), case, place)
                outcome.fail(
                    message, _gravity(float(excess[place]), case, place), _point(case, quantity, place, got, ulp)
                )
        if session.level == "recommended":
            limit = bound(case.loss, session.backend, quantity, case.dtype, case.gamma)
            for place in _gravest(mine & ~(ulp <= limit), ulp, case):
                text = f"{quantity} off by {ulp[place]:.3g} ULP of {case.dtype}, bound {limit:g}"
                outcome.fail(f"{text}, {_where(case, place)}", 1.0, _point(case, quantity, place, got, ulp))


def case_is_soft(case: Case) -> Bool:
    """Which points have targets between 0 and 1."""
    if case.target_kind == "indices":
        return np.zeros(len(case.logits), dtype=bool)
    with np.errstate(invalid="ignore"):
        soft = (case.targets > 0.0) & (case.targets < 1.0)
    return np.asarray(soft if soft.ndim == 1 else np.any(soft, axis=-1))


def owners(case: Case, quantity: str, session: Session | None = None) -> "npt.NDArray[np.str_]":
    """Name of the check that judges each point of a case."""
    names = np.full(len(case.logits), f"hard_{quantity}s", dtype="<U24")
    names[case_is_soft(case)] = f"soft_{quantity}s"
    names[_saturated(case)] = "saturation"
    usual_off = case.loss != "sigmoid_focal"
    if case.alpha is None and not usual_off:
        names[:] = "alpha_off"
    elif isinstance(case.alpha, tuple):
        names[:] = "alpha_per_class"
    elif case.alpha in (0.0, 1.0) or (usual_off and case.alpha is not None):
        names[:] = "alpha_edges"
    if case.gamma == 0.0:
        names[:] = "gamma_zero"
    elif case.gamma < 1.0:
        names[:] = "gamma_below_one"
    if case.format.is_half:
        names[:] = "low_precision"
    if quantity in SECOND:
        names[:] = "second_derivative"
    if not case.ordinary:
        names[:] = "limits"
    # What only some ports have words for stands apart, so that the rest of a check is not mixed with it.
    if case.soft_targets != "linear" and (session is None or session.port.dialect.soft_targets_argument is not None):
        names[:] = "soft_rules"
    if case.detach_modulator:
        names[:] = "detached_modulator"
    return names


def _saturated(case: Case) -> Bool:
    with np.errstate(invalid="ignore"):
        if case.logits.ndim == 1:
            return np.asarray(np.abs(case.logits) >= SATURATED_FROM)
        finite = np.isfinite(case.logits)
        largest = np.max(case.logits, axis=-1, where=finite, initial=-np.inf)
        smallest = np.min(case.logits, axis=-1, where=finite, initial=np.inf)
        return np.asarray(largest - smallest >= SATURATED_FROM)


Place = tuple[int, ...]


def _place(sizes: Float64) -> Place:
    """Where the largest is, nan before all."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(np.nan_to_num(sizes, nan=np.inf))), sizes.shape))


def describe_error(quantity: str, got: float, exact: float, case: Case, place: Place) -> str:
    """What kind of wrong a number is, in the words of training."""
    alpha_t = float(case.alpha_t[place[0]])
    where = _where(case, place)
    if np.isnan(got) or np.isinf(got):
        return f"{quantity} is {got} where {exact:.6g} is exact, {where}"
    if alpha_t == 0.0:
        return f"{quantity} is {got:.6g} where alpha_t = 0 makes it exactly 0, {where}"
    if quantity == "gradient" and abs(exact) > alpha_t / 10.0 and got * exact < 0.0:
        return f"reversed gradient: {got:.6g} where {exact:.6g} is exact, {where}"
    if quantity == "gradient" and abs(exact) > alpha_t / 10.0 and abs(got) < abs(exact) / 2.0:
        return f"dead gradient: {got:.6g} where {exact:.6g} is exact, {where}"
    relative = f" ({abs(got - exact) / abs(exact):.2g} relative)" if exact else ""
    return f"{quantity} is {got:.6g} where {exact:.6g} is exact{relative}, {where}"


def _where(case: Case, place: Place) -> str:
    rule = "" if case.soft_targets == "linear" else f", rule {case.soft_targets!r}"
    detached = ", modulator detached" if case.detach_modulator else ""
    alpha = "per class" if isinstance(case.alpha, tuple) else case.alpha
    return f"at {_input(case, place)}, alpha {alpha}, gamma {case.gamma:.6g}{rule}{detached}, {case.dtype}"


def _input(case: Case, place: Place) -> str:
    row = place[0]
    if case.logits.ndim == 1:
        return f"logit {case.logits[row]:.6g}, target {case.targets[row]:.4g}"
    chosen = place[1] if len(place) > 1 else int(np.argmax(np.nan_to_num(case.logits[row], nan=np.inf)))
    target = case.targets[row] if case.target_kind == "indices" else f"{case.targets[row][chosen]:.4g}"
    of = "class" if case.target_kind == "indices" else "target"
    classes, logit = case.logits.shape[-1], case.logits[row][chosen]
    return f"row {case.indices[row]} of {classes} classes, logit {logit:.6g} of class {chosen}, {of} {target}"


def _size(case: Case, place: Place) -> float:
    """How far out a point is: its logit, or the spread of its row."""
    logits = np.atleast_1d(case.logits[place[0]])
    finite = logits[np.isfinite(logits)]
    if not finite.size:
        return float("inf")
    return float(np.abs(finite[0])) if case.logits.ndim == 1 else float(finite.max() - finite.min())


def _gravest(wrong: Bool, size: Float64, case: Case) -> list[Place]:
    """The one worst point of a case, the smallest logit among equals: a case that fails fails in many."""
    if not np.any(wrong):
        return []
    sizes = np.where(wrong, np.nan_to_num(size, nan=np.inf, posinf=np.inf), -1.0)
    worst = [tuple(int(i) for i in place) for place in np.argwhere(sizes == np.max(sizes))]
    return [min(worst, key=lambda place: _size(case, place))]


def _gravity(excess: float, case: Case, place: Place) -> float:
    """Nan before anything else, the smallest logit first; then by how far beyond the tolerance."""
    if not np.isfinite(excess):
        return 1e6 - _size(case, place)
    return 10.0 + float(np.log10(max(excess, 1.0)))


def _point(case: Case, quantity: str, place: Place, got: Float64, ulp: Float64) -> Point:
    row = place[0]
    logit, target = case.logits[row], case.targets[row]
    label = ""
    if case.logits.ndim > 1:
        chosen = place[1] if len(place) > 1 else int(np.argmax(np.nan_to_num(case.logits[row], nan=np.inf)))
        logit, target = case.logits[row][chosen], target if case.target_kind == "indices" else target[chosen]
        label = f"class {chosen} of {case.logits.shape[-1]}"
    return Point(
        case=f"{case.point_id(row)}/{quantity}",
        logit=float(logit),
        target=float(target),
        exact=float(case.exact[quantity][place]),
        got=float(got[place]),
        ulp=float(ulp[place]),
        label=label,
    )


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
