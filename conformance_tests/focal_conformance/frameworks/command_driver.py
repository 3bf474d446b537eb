"""Ports that are no Python: their arrays are NumPy's on this side, their derivatives their own."""

from typing import Any

import numpy as np

from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import DTYPES, DeviceMissing, Function, NoDerivative
from focal_conformance.frameworks.numpy_driver import NumpyDriver, numpy_dtype


def driver(name: str, device: str) -> "CommandDriver":
    """Driver of 'command' or 'results'."""
    if device != "cpu":
        raise DeviceMissing(f"--device {device}: such a port chooses its device itself, and declares it")
    return CommandDriver(name)


class CommandDriver(NumpyDriver):
    """What goes into messages and comes out of them."""

    in_process = False
    """A call can change nothing here."""

    def __init__(self, name: str) -> None:
        self.name, self.dtypes = name, DTYPES

    def array(self, values: Any, dtype: str) -> Any:
        return np.asarray(values).astype(numpy_dtype(dtype))

    def is_array(self, value: Any) -> bool:
        return isinstance(value, np.ndarray)

    def dtype_of(self, array: Any) -> str:
        return str(array.dtype)

    def numbers(self, array: Any) -> Float64:
        return np.asarray(array).astype(np.float64)

    def gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any = None) -> tuple[Any, Any]:
        companion = getattr(function, "companion", None)
        if companion is None or cotangent is not None:
            raise NoDerivative("it declares no gradient")
        value, gradient = companion(logits, targets)
        return value, gradient

    def hessian_product(self, function: Function, logits: Any, targets: Any, vector: Any) -> Any:
        companion = getattr(function, "second_companion", None)
        if companion is None:
            raise NoDerivative("it declares no second derivative")
        return companion(logits, targets, vector)

    def global_state(self) -> Any:
        return None

    def versions(self) -> dict[str, str]:
        return {}
