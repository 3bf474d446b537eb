"""The one place that knows array-api-compat."""

from types import ModuleType
from typing import Any

import array_api_compat

numpy_namespace: ModuleType
"""NumPy as a namespace of the standard. Loaded on first use: all of NumPy's modules come with it."""


def __getattr__(name: str) -> Any:
    """``numpy_namespace``."""
    if name == "numpy_namespace":
        return _numpy_namespace()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _numpy_namespace() -> ModuleType:
    import array_api_compat.numpy

    return array_api_compat.numpy


def namespace_of(*arrays: Any) -> ModuleType:
    """Array-API namespace of the arrays; NumPy for Python numbers and nested lists.

    No ``api_version`` is asked for: JAX raises for any version but its own.
    """
    import numpy as np

    foreign = [a for a in arrays if not isinstance(a, np.ndarray) and array_api_compat.is_array_api_obj(a)]
    if not foreign:
        return _numpy_namespace()
    return array_api_compat.array_namespace(*(a for a in arrays if array_api_compat.is_array_api_obj(a)))


def array_like(values: Any, like: Any, xp: Any, *, dtype: Any = None) -> Any:
    """Numbers or an array, as an array on the device and, unless told otherwise, of the dtype of ``like``."""
    return xp.asarray(values, dtype=like.dtype if dtype is None else dtype, device=_device(like, xp))


def class_numbers(like: Any, dtype: Any, xp: Any) -> Any:
    """0, 1, ... K-1 for the last axis of ``like``, on its device."""
    return xp.arange(like.shape[-1], dtype=dtype, device=_device(like, xp))


def _device(array: Any, xp: Any) -> Any:
    # What JAX makes while it traces is on no device, and what it makes without a name goes to its user.
    return None if array_api_compat.is_jax_namespace(xp) else array_api_compat.device(array)


def is_numpy(xp: Any) -> bool:
    """Whether a namespace is NumPy's, wrapped or plain."""
    return getattr(xp, "__name__", "") in ("numpy", "array_api_compat.numpy")
