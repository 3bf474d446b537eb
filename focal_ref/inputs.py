"""Lists and NumPy arrays in: what the reference accepts, checked."""

from typing import Any

import numpy as np
import numpy.typing as npt

from focal_ref.checks import check_fits, check_kind, check_same_shape, describe

KINDS = {"f": "floating", "i": "integer", "u": "integer", "b": "bool", "c": "complex"}


def as_array(name: str, value: Any) -> npt.NDArray[Any]:
    """A NumPy array of numbers, not copied where it is one already."""
    if hasattr(value, "__array_namespace__") or isinstance(value, (np.ndarray, np.generic, list, tuple, int, float)):
        array = np.asarray(value)
        if array.dtype.kind in KINDS or array.dtype.name == "bfloat16":
            return array
    raise TypeError(
        f"{name} must be a NumPy array, a number or a nested list of numbers, got {describe(value)}; "
        "tensors of a framework belong to focal_adapters"
    )


def kind_of(array: npt.NDArray[Any]) -> str:
    """'floating', 'integer', 'bool' or 'complex'; bfloat16 is a foreign dtype to NumPy."""
    return KINDS.get(array.dtype.kind, "floating")


def checked_inputs(logits: Any, targets: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Logits (floating) and targets (floating, integer or bool) of one shape.

    An integer array of logits is refused; a list has no dtype, so ``[1, -2]`` is a list of numbers.
    """
    x = as_array("logits", logits)
    if not isinstance(logits, (np.ndarray, np.generic)) and kind_of(x) == "integer":
        x = x.astype(np.float64)
    t = as_array("targets", targets)
    check_kind("logits", kind_of(x), ("floating",), x.dtype)
    check_kind("targets", kind_of(t), ("floating", "integer", "bool"), t.dtype)
    check_same_shape(x.shape, t.shape)
    return x, t


def checked_weight(weight: Any, shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """Real weights that fit the logits."""
    if weight is None:
        return None
    array = as_array("weight", weight)
    check_kind("weight", kind_of(array), ("floating", "integer", "bool"), array.dtype)
    check_fits("weight", array.shape, shape)
    return array


def checked_mask(mask: Any, shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """A bool mask that fits the logits; True counts."""
    if mask is None:
        return None
    array = as_array("mask", mask)
    check_kind("mask", kind_of(array), ("bool",), array.dtype)
    check_fits("mask", array.shape, shape)
    return array
