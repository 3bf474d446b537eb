"""The one place that knows array-api-compat."""

from types import ModuleType
from typing import Any

import array_api_compat
import array_api_compat.numpy
import numpy as np

numpy_namespace: ModuleType = array_api_compat.numpy


def namespace_of(*arrays: Any) -> ModuleType:
    """Array-API namespace of the arrays; NumPy for Python numbers and nested lists.

    No ``api_version`` is asked for: JAX raises for any version but its own.
    """
    foreign = [a for a in arrays if not isinstance(a, np.ndarray) and array_api_compat.is_array_api_obj(a)]
    if not foreign:
        return numpy_namespace
    return array_api_compat.array_namespace(*(a for a in arrays if array_api_compat.is_array_api_obj(a)))


def is_numpy(xp: Any) -> bool:
    """Whether a namespace is NumPy's, wrapped or plain."""
    return xp is np or xp is numpy_namespace
