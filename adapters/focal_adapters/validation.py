"""Values inside arrays, checked where that waits for no device, or where it was asked for."""

from typing import Any

from focal_adapters.backend import Backend
from focal_ref.checks import check_all_in_unit_interval, check_class_indices, check_rows_sum_to_one
from focal_ref.losses import Loss

Array = Any


def is_read(backend: Backend, array: Array, validate: bool | None) -> bool:
    """Whether the values of an array are to be looked at; ValueError where they must be and have none."""
    if validate is None:
        return backend.readable(array)
    if validate and backend.traced(array):
        raise ValueError("validate=True reads the values of arrays, which have none while a function is traced")
    return bool(validate)


def validate_targets(
    backend: Backend, loss: Loss, logits: Array, targets: Array, mask: Array | None, validate: bool | None
) -> None:
    """Targets in [0, 1], rows that sum to 1, indices within the classes, where the mask counts them."""
    # A shape may hold None or a symbol under tracing; there nothing is read.
    if not is_read(backend, targets, validate) or 0 in tuple(targets.shape) or 0 in tuple(logits.shape):
        return
    # Targets may have values where a mask has none, as in vmap over masks.
    if mask is not None and not is_read(backend, mask, validate):
        return
    xp = backend.xp
    if len(targets.shape) < len(logits.shape):
        rows = mask if mask is None or loss.consumes_classes else xp.any(mask, axis=-1)
        counted = targets if rows is None else xp.where(rows, targets, xp.zeros_like(targets))
        smallest, largest = _extremes(counted, xp)
        check_class_indices(int(smallest), int(largest), logits.shape[loss.axis], not loss.consumes_classes)
        return
    kind = backend.kind(targets)
    if kind != "bool":
        per_logit = None if mask is None else loss.spread(mask, xp)
        counted = targets if per_logit is None else xp.where(per_logit, targets, xp.zeros_like(targets))
        smallest, largest = _extremes(counted, xp)
        check_all_in_unit_interval(float(smallest), float(largest))
    if loss.consumes_classes:
        # Halves overflow or lose the sum of many.
        wide = targets if kind == "floating" and "16" not in str(targets.dtype) else xp.astype(targets, xp.float32)
        sums = xp.sum(wide, axis=loss.axis)
        sums = sums if mask is None else xp.where(mask, sums, xp.ones_like(sums))
        check_rows_sum_to_one(float(xp.min(sums)), float(xp.max(sums)))


def _extremes(array: Array, xp: Any) -> tuple[Any, Any]:
    """The smallest and the largest number, in one pass where a framework has it."""
    if hasattr(xp, "min_and_max"):
        return xp.min_and_max(array)
    return xp.min(array), xp.max(array)
