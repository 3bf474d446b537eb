"""The array-API functions that focal_ref uses, for TensorFlow.

Names and signatures are the standard's, so that ``array_api_compat.tensorflow`` can take this
module's place once it exists (proposed in data-apis/array-api-compat#441). Operators need nothing:
TensorFlow's promote no dtypes, and focal_ref mixes arrays of one dtype with Python floats only.
"""

import builtins
from typing import Any

import numpy as np
import tensorflow as tf

from focal_adapters.tensorflow_internals import compiled_by_xla

Tensor = Any

bool = tf.bool
int32 = tf.int32
int64 = tf.int64
float32 = tf.float32
float64 = tf.float64

abs = tf.math.abs
exp = tf.math.exp
expm1 = tf.math.expm1
isfinite = tf.math.is_finite
isnan = tf.math.is_nan
log = tf.math.log
log1p = tf.math.log1p
maximum = tf.math.maximum
minimum = tf.math.minimum
pow = tf.math.pow
reciprocal = tf.math.reciprocal
sqrt = tf.math.sqrt
where = tf.where


def finfo(dtype: tf.DType) -> Any:
    """Limits of a floating dtype, as Python and NumPy numbers."""
    return np.finfo(dtype.as_numpy_dtype)


def astype(x: Tensor, dtype: tf.DType) -> Tensor:
    """Convert to another dtype; the same tensor if it has it already."""
    return tf.cast(x, dtype)


def clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """``x`` within bounds, of which None is no bound; nan stays nan."""
    # Not clip_by_value: two passes also for one bound.
    x = x if min is None else tf.math.maximum(x, min)
    return x if max is None else tf.math.minimum(x, max)


def zeros_like(x: Tensor, *, dtype: tf.DType | None = None) -> Tensor:
    """Zeros in the shape of ``x``."""
    return tf.zeros_like(x, dtype=dtype)


def ones_like(x: Tensor, *, dtype: tf.DType | None = None) -> Tensor:
    """Ones in the shape of ``x``."""
    return tf.ones_like(x, dtype=dtype)


def full_like(x: Tensor, value: float, *, dtype: tf.DType | None = None) -> Tensor:
    """One number in the shape of ``x``, which a traced function may not know yet."""
    return tf.fill(tf.shape(x), tf.constant(value, dtype or x.dtype))


def broadcast_to(x: Tensor, shape: Any) -> Tensor:
    """``x`` in a shape that it can be broadcast to."""
    # A shape with unknown sizes can be compared, but not be broadcast to.
    return x if tuple(x.shape) == tuple(shape) else tf.broadcast_to(x, shape)


def asarray(values: Any, *, dtype: tf.DType | None = None, device: Any = None) -> Tensor:
    """Numbers as a tensor; TensorFlow places it."""
    return tf.convert_to_tensor(values, dtype=dtype)


def arange(stop: int, *, dtype: tf.DType | None = None, device: Any = None) -> Tensor:
    """0, 1, ... stop - 1; TensorFlow places it."""
    return tf.range(stop, dtype=dtype)


def isdtype(dtype: tf.DType, kind: Any) -> Any:
    """Whether a dtype is of a kind, or of one of several: "bool", "integral", "real floating", "complex floating"."""
    kinds = (kind,) if isinstance(kind, str) else kind
    names = {
        "bool": "is_bool",
        "integral": "is_integer",
        "real floating": "is_floating",
        "complex floating": "is_complex",
    }
    return builtins.any(getattr(dtype, names[one]) for one in kinds)


def expand_dims(x: Tensor, *, axis: int) -> Tensor:
    """One more axis, of length 1."""
    return tf.expand_dims(x, axis=axis)


def moveaxis(x: Tensor, source: int, destination: int) -> Tensor:
    """One axis moved, the others in their order."""
    axes = list(range(x.shape.rank))
    axes.insert(destination % len(axes), axes.pop(source))
    return tf.transpose(x, axes)


def sum(x: Tensor, *, axis: int | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Sum over an axis, or over all."""
    if axis is None and x.dtype == float32 and len(x.shape) > 1 and compiled_by_xla():
        # XLA on CPU adds one after the other: of 40 million float32 the third digit would be lost.
        rows = tf.math.reduce_sum(x, axis=-1, keepdims=keepdims)
        return tf.cast(tf.math.reduce_sum(tf.cast(rows, float64), keepdims=keepdims), float32)
    return tf.math.reduce_sum(x, axis=axis, keepdims=keepdims)


def min(x: Tensor, *, axis: int | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Smallest over an axis, or of all."""
    return tf.math.reduce_min(x, axis=axis, keepdims=keepdims)


def max(x: Tensor, *, axis: int | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Largest over an axis, or of all."""
    return tf.math.reduce_max(x, axis=axis, keepdims=keepdims)


def all(x: Tensor, *, axis: int | None = None) -> Tensor:
    """Whether all are true, over an axis or altogether."""
    return tf.math.reduce_all(x, axis=axis)


def any(x: Tensor, *, axis: int | None = None) -> Tensor:
    """Whether any is true, over an axis or altogether."""
    return tf.math.reduce_any(x, axis=axis)


def count_nonzero(x: Tensor, *, axis: int | None = None) -> Tensor:
    """How many are not zero, int64."""
    return tf.math.count_nonzero(x, axis=axis)
