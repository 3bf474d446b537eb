"""Libraries without autodiff: NumPy, and array-api-strict in its place for the array-API adapter.

A port's gradient comes from a companion function, which the ports module binds.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import DTYPES, DeviceMissing, Function, NoDerivative


def driver(name: str, device: str) -> "NumpyDriver":
    """Driver of 'numpy' or 'array_api_strict', on the CPU."""
    if device != "cpu":
        raise DeviceMissing(f"{name} has no device {device!r}")
    return NumpyDriver(name)


class NumpyDriver:
    """Values only; derivatives are there for companions, of (value, gradient) and of a Hessian product."""

    differentiates = False
    flushes_subnormals = False
    compiles_each_shape = False
    device = "cpu"
    modes = ("eager",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.xp = import_module(name)
        # array-api-strict has what the standard has, and that is no half types.
        self.dtypes = DTYPES if name == "numpy" else DTYPES[:2]

    def array(self, values: Any, dtype: str) -> Any:
        if self.name == "numpy":
            return np.asarray(values).astype(numpy_dtype(dtype))
        return self.xp.asarray(np.asarray(values).astype(dtype))

    def strided(self, values: Any, dtype: str) -> Any:
        doubled = np.repeat(np.asarray(values), 2, axis=-1)
        return self.array(doubled, dtype)[..., ::2]

    def numbers(self, array: Any) -> Float64:
        return np.asarray(array).astype(np.float64)

    def is_array(self, value: Any) -> bool:
        own = (np.ndarray, np.generic) if self.name == "numpy" else type(self.xp.asarray(0.0))
        return isinstance(value, own)

    def dtype_of(self, array: Any) -> str:
        return str(array.dtype).removeprefix("array_api_strict.")

    def device_of(self, array: Any) -> str:
        return "cpu"

    def value(self, function: Function, logits: Any, targets: Any) -> Any:
        return function(logits, targets)

    def gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any = None) -> tuple[Any, Any]:
        companion = getattr(function, "companion", None)
        if companion is None or cotangent is not None:
            raise NoDerivative(f"{self.name} has no autodiff")
        value, gradient = companion(logits, targets)
        return value, gradient

    def hessian_product(self, function: Function, logits: Any, targets: Any, vector: Any) -> Any:
        companion = getattr(function, "second_companion", None)
        if companion is None:
            raise NoDerivative(f"{self.name} has no autodiff")
        return companion(logits, targets, vector)

    def in_mode(self, call: Callable[..., Any], mode: str, thorough: bool) -> Callable[..., Any]:
        return call

    def global_state(self) -> Any:
        # The legacy global generator is what a careless port would draw from.
        return (np.geterr(), str(np.random.get_state(legacy=False)["state"]))  # noqa: NPY002

    def versions(self) -> dict[str, str]:
        return {self.name: str(self.xp.__version__)}


def numpy_dtype(dtype: str) -> Any:
    """NumPy's dtype of a name; bfloat16 is that of ml_dtypes."""
    if dtype == "bfloat16":
        try:
            return np.dtype(import_module("ml_dtypes").bfloat16)
        except ImportError as error:
            raise TypeError("NumPy knows bfloat16 only through ml_dtypes") from error
    return np.dtype(dtype)
