"""Lists and NumPy arrays in: what the reference accepts, checked."""

from typing import Any

import numpy as np
import numpy.typing as npt

from focal_ref.blocks import extremes
from focal_ref.checks import (
    check_all_in_unit_interval,
    check_class_indices,
    check_fits,
    check_kind,
    check_rows_sum_to_one,
    describe,
)
from focal_ref.losses.loss import Loss

KINDS = {"f": "floating", "i": "integer", "u": "integer", "b": "bool", "c": "complex"}


def as_array(name: str, value: Any) -> npt.NDArray[Any]:
    """A NumPy array of numbers, not copied where it is one already."""
    if hasattr(value, "__array_namespace__") or isinstance(value, (np.ndarray, np.generic, list, tuple, int, float)):
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name} must have rows of one length, got {describe(value)}") from error
        if array.dtype.kind in KINDS or array.dtype.name == "bfloat16":
            return array
    raise TypeError(
        f"{name} must be a NumPy array, a number or a nested list of numbers, got {describe(value)}; "
        "tensors of a framework belong to focal_adapters"
    )


def kind_of(array: npt.NDArray[Any]) -> str:
    """'floating', 'integer', 'bool' or 'complex'; bfloat16 is a foreign dtype to NumPy."""
    return KINDS.get(array.dtype.kind, "floating")


def checked_inputs(loss: Loss, logits: Any, targets: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Logits (floating) and targets (floating, integer or bool) whose shapes belong together.

    An integer array of logits is refused; a list has no dtype, so ``[1, -2]`` is a list of numbers.
    """
    x = as_array("logits", logits)
    if not isinstance(logits, (np.ndarray, np.generic)) and kind_of(x) == "integer":
        x = x.astype(np.float64)
    t = as_array("targets", targets)
    check_kind("logits", kind_of(x), ("floating",), x.dtype)
    check_kind("targets", kind_of(t), ("floating", "integer", "bool"), t.dtype)
    loss.check_shapes(x.shape, t.shape, kind_of(t))
    return x, t


def check_targets(loss: Loss, x: npt.NDArray[Any], t: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None) -> None:
    """Values of the targets that the mask, of the shape of the losses or broadcast to it, counts."""
    if t.size == 0 or not (mask is None or mask.any()):
        return
    counted = None if mask is None else np.broadcast_to(mask, loss.losses_shape(x.shape))
    if t.ndim < x.ndim:
        chosen = t
        if counted is not None:
            chosen = t[counted if loss.consumes_classes else counted.any(axis=-1)]
        smallest, largest = extremes(chosen)
        background = not loss.consumes_classes
        check_class_indices(int(smallest), int(largest), x.shape[loss.axis], background)
        return
    if t.dtype.kind != "b":
        smallest, largest = extremes(t) if counted is None else _extremes_where(t, loss.spread(counted, np))
        check_all_in_unit_interval(float(smallest), float(largest))
    if loss.consumes_classes:
        with np.errstate(all="ignore"):
            sums = np.asarray(np.sum(t, axis=loss.axis, dtype=np.float64))
        check_rows_sum_to_one(*map(float, extremes(sums if counted is None else sums[counted])))


def _extremes_where(t: npt.NDArray[Any], counted: npt.NDArray[np.bool_]) -> tuple[Any, Any]:
    where = np.broadcast_to(counted, t.shape)
    return np.min(t, where=where, initial=1), np.max(t, where=where, initial=0)


def checked_weight(weight: Any, loss: Loss, logits_shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """Real weights that fit the losses."""
    if weight is None:
        return None
    array = as_array("weight", weight)
    check_kind("weight", kind_of(array), ("floating", "integer", "bool"), array.dtype)
    check_fits("weight", array.shape, loss.losses_shape(logits_shape), loss.losses_name)
    return array


def checked_mask(mask: Any, loss: Loss, logits_shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """A bool mask that fits the losses; True counts."""
    if mask is None:
        return None
    array = as_array("mask", mask)
    check_kind("mask", kind_of(array), ("bool",), array.dtype)
    check_fits("mask", array.shape, loss.losses_shape(logits_shape), loss.losses_name)
    return array
