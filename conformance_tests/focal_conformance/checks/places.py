"""A golden point in words: where it is, how wrong a number is there, which of many to show."""

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import Float64
from focal_conformance.report import Point
from focal_conformance.vectors.case import Case

Bool = npt.NDArray[np.bool_]
Place = tuple[int, ...]


def worst_place(sizes: Float64) -> Place:
    """Where the largest is, nan before all."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(np.nan_to_num(sizes, nan=np.inf))), sizes.shape))


def describe_error(quantity: str, got: float, exact: float, case: Case, place: Place) -> str:
    """What kind of wrong a number is, in the words of training."""
    alpha_t = float(case.alpha_t[place[0]])
    where = where_is(case, place)
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


def where_is(case: Case, place: Place) -> str:
    """Input and parameters of a number, for messages."""
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
    with np.errstate(over="ignore"):
        return float(np.abs(finite[0])) if case.logits.ndim == 1 else float(finite.max() - finite.min())


def gravest(wrong: Bool, size: Float64, case: Case) -> list[Place]:
    """The one worst point of a case, the smallest logit among equals: a case that fails fails in many."""
    if not np.any(wrong):
        return []
    sizes = np.where(wrong, np.nan_to_num(size, nan=np.inf, posinf=np.inf), -1.0)
    worst = [tuple(int(i) for i in place) for place in np.argwhere(sizes == np.max(sizes))]
    return [min(worst, key=lambda place: _size(case, place))]


def gravity(excess: float, case: Case, place: Place) -> float:
    """Nan before anything else, the smallest logit first; then by how far beyond the tolerance."""
    if not np.isfinite(excess):
        return 1e6 - _size(case, place)
    return 10.0 + float(np.log10(max(excess, 1.0)))


def targets_of(case: Case, wrong: Bool) -> tuple[str, ...]:
    """Which targets the wrong elements have: of what is wrong on one side only, the other is another mistake."""
    if case.logits.ndim > 1:
        return ()
    targets = case.targets[wrong]
    found = (("t=0", targets == 0.0), ("t=1", targets == 1.0), ("0<t<1", (targets > 0.0) & (targets < 1.0)))
    return tuple(name for name, there in found if np.any(there))


def point_at(case: Case, quantity: str, place: Place, got: Float64, ulp: Float64) -> Point:
    """A number for the report; of a row with the logit and target of its class."""
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
