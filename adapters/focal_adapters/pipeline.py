"""What every adapter does around a loss: checks, dtypes, mask, weight, reduction. Knows no framework.

Only the element losses need a derivative of their own; all that surrounds them is made of the
framework's own casts, `where`, products and sums, whose derivatives the framework knows.
"""

from dataclasses import dataclass
from typing import Any

from focal_adapters.backend import Backend
from focal_adapters.validation import is_read, validate_targets
from focal_ref.checks import (
    check_fits,
    check_ignore_index_fits,
    check_kind,
    check_reduction,
    checked_ignore_index,
    checked_normalizer,
    checked_validate,
)
from focal_ref.losses import Loss
from focal_ref.reduction import counted, denominator, masked_inputs, reduced, weighted

Array = Any
LARGEST_INDEX = 2**31 - 1


@dataclass(frozen=True)
class Given:
    """What was given, checked: the framework's arrays in the dtypes they came in."""

    loss: Loss
    logits: Array
    targets: Array
    """Of the shape of the logits, or class indices."""
    indices: bool
    weight: Array | None
    mask: Array | None
    """Of what counts, `ignore_index` included."""
    reduction: str
    normalizer: Any
    dtype: Any
    """The dtype to compute in."""


@dataclass(frozen=True)
class Inputs:
    """What a loss is computed of; ``x``, ``t`` and ``weight`` in the compute dtype, harmless where masked.

    Class indices are integers still.
    """

    loss: Loss
    x: Array
    t: Array
    weight: Array | None
    mask: Array | None
    divisor: Any
    reduction: str
    dtype: Any
    """The dtype of the logits."""


def checked(
    backend: Backend,
    loss: Loss,
    logits: Any,
    targets: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    ignore_index: int | None = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Given:
    """All that can be wrong with a call is told here."""
    xp = backend.xp
    check_reduction(reduction, normalizer)
    ignore_index, validate = checked_ignore_index(ignore_index), checked_validate(validate)
    logits = backend.as_array("logits", logits, None)
    check_kind("logits", backend.kind(logits), ("floating",), logits.dtype)
    targets = _operand(backend, "targets", targets, logits, ("floating", "integer", "bool"))
    shape = tuple(logits.shape)
    loss.check_shapes(shape, tuple(targets.shape), backend.kind(targets))
    indices = len(targets.shape) < len(shape)
    check_ignore_index_fits(ignore_index, loss.consumes_classes, indices)
    if backend.kind(targets) == "integer":
        # Narrow integers hold neither every class nor every ignore_index.
        targets = _index(targets, xp)
    elif ignore_index is not None and backend.kind(targets) == "bool":
        # TensorFlow compares no bool with a number.
        targets = xp.astype(targets, xp.int32)
    if reduction == "sum_classes" and len(shape) == 0:
        raise ValueError("reduction='sum_classes' sums over the last axis: logits must have one, got shape ()")
    losses_shape = loss.losses_shape(shape)
    if weight is not None:
        weight = _operand(backend, "weight", weight, logits, ("floating", "integer", "bool"))
        check_fits("weight", tuple(weight.shape), losses_shape, loss.losses_name)
    if mask is not None:
        mask = _operand(backend, "mask", mask, logits, ("bool",))
        check_fits("mask", tuple(mask.shape), losses_shape, loss.losses_name)
    dtype = backend.compute_dtype(logits)
    normalizer = _checked_normalizer(backend, normalizer, logits, validate, dtype)
    mask = counted(loss, targets, indices, mask, ignore_index, xp)
    validate_targets(backend, loss, logits, targets, mask, validate)
    return Given(loss, logits, targets, indices, weight, mask, reduction, normalizer, dtype)


def prepared(backend: Backend, given: Given) -> Inputs:
    """All that comes before the mathematics."""
    xp, loss, indices, mask, dtype = backend.xp, given.loss, given.indices, given.mask, given.dtype
    x = _cast(given.logits, dtype, xp)
    t = given.targets if indices else _cast(given.targets, dtype, xp)
    x, t = masked_inputs(loss, x, t, indices, mask, xp)
    divisor = denominator(loss, x, t, indices, mask, given.reduction, given.normalizer, xp)
    if given.reduction in ("mean", "mean_positives"):
        divisor = xp.astype(divisor, dtype)
    weight = None if given.weight is None else _cast(given.weight, dtype, xp)
    return Inputs(loss, x, t, weight, mask, divisor, given.reduction, given.logits.dtype)


def apply(backend: Backend, loss: Loss, logits: Any, targets: Any, **options: Any) -> Array:
    """Reduced loss of a backend's arrays; the adapters' functions document the arguments."""
    return computed(backend, checked(backend, loss, logits, targets, **options))


def computed(backend: Backend, given: Given) -> Array:
    """The reduced loss of what was given."""
    inputs = prepared(backend, given)
    return finished(backend, inputs, backend.elements(inputs.loss, inputs.x, inputs.t))


def finished(backend: Backend, inputs: Inputs, elements: Array) -> Array:
    """All that comes after: weight, mask and reduction of the element losses."""
    elements = weighted(elements, inputs.weight, inputs.mask, backend.xp)
    result = reduced(inputs.loss, elements, inputs.divisor, inputs.reduction, backend.xp)
    # A reduced value of half inputs stays float32: a sum soon leaves the half range.
    unreduced = inputs.reduction == "none" or (inputs.reduction == "sum_classes" and inputs.loss.consumes_classes)
    return _cast(result, inputs.dtype, backend.xp) if unreduced else result


def _index(targets: Array, xp: Any) -> Array:
    # Narrow integers may not hold the number of classes, and unsigned ones lack operations in some.
    if targets.dtype in (xp.int32, xp.int64):
        return targets
    if "uint32" in str(targets.dtype) or "uint64" in str(targets.dtype):
        # What int32 does not hold must not wrap around to a class, or to the ignore_index.
        targets = xp.minimum(targets, xp.full_like(targets, LARGEST_INDEX))
    return xp.astype(targets, xp.int32)


def _cast(array: Array, dtype: Any, xp: Any) -> Array:
    # The array-API astype copies by default, also what has the dtype already.
    return array if array.dtype == dtype else xp.astype(array, dtype)


def _operand(backend: Backend, name: str, value: Any, logits: Array, kinds: tuple[str, ...]) -> Array:
    array = backend.as_array(name, value, logits)
    check_kind(name, backend.kind(array), kinds, array.dtype)
    backend.refuse_derivative(name, array)
    return array


def _checked_normalizer(backend: Backend, normalizer: Any, logits: Array, validate: bool | None, dtype: Any) -> Any:
    if normalizer is None:
        return None
    smallest = float(backend.xp.finfo(dtype).smallest_normal)
    if isinstance(normalizer, (bool, int, float, str)):
        return checked_normalizer(normalizer, smallest)
    array = _operand(backend, "normalizer", normalizer, logits, ("floating", "integer"))
    if tuple(array.shape) != ():
        raise ValueError(f"normalizer must be one number, got shape {tuple(array.shape)}")
    if is_read(backend, array, validate):
        checked_normalizer(float(array), smallest)
    return backend.xp.astype(array, dtype)
