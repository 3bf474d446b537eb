"""What the checks need of a framework."""

from collections.abc import Callable
from typing import Any, Protocol

from focal_conformance.formats import Float64

DTYPES = ("float32", "float64", "float16", "bfloat16")

Function = Callable[[Any, Any], Any]
"""A port with its parameters bound: (logits, targets) -> losses."""


class NoDerivative(Exception):
    """The framework's autodiff found no derivative; the message says what it found."""


class DeviceMissing(Exception):
    """The asked-for device is not on this machine."""


class Driver(Protocol):
    """Arrays, derivatives and modes of one framework on one device."""

    name: str
    device: str
    differentiates: bool
    dtypes: tuple[str, ...]
    """What the framework has."""
    flushes_subnormals: bool
    compiles_each_shape: bool
    """Whether even single operations are compiled for each new shape."""
    modes: tuple[str, ...]

    def array(self, values: Any, dtype: str) -> Any:
        """Array on the driver's device; dtype 'float32', ..., 'int64' or 'bool'."""

    def strided(self, values: Any, dtype: str) -> Any:
        """The same values in memory that is not contiguous, where the framework knows such a thing."""

    def numbers(self, array: Any) -> Float64:
        """Values as NumPy float64."""

    def is_array(self, value: Any) -> bool:
        """Whether a result is the framework's own array."""

    def dtype_of(self, array: Any) -> str:
        """Name of the dtype, as in `array`."""

    def device_of(self, array: Any) -> str:
        """Name of the device."""

    def value(self, function: Function, logits: Any, targets: Any) -> Any:
        """Plain call."""

    def gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any = None) -> tuple[Any, Any]:
        """Value, and the derivative of sum(cotangent * value) with respect to the logits."""

    def hessian_product(self, function: Function, logits: Any, targets: Any, vector: Any) -> Any:
        """Derivative of the sum of gradient times vector."""

    def in_mode(self, call: Callable[..., Any], mode: str, thorough: bool) -> Callable[..., Any]:
        """``call(logits, targets, keywords)`` compiled, or as it is for the mode 'eager'.

        Unless ``thorough``, with as few compilations as the framework allows.
        """

    def global_state(self) -> Any:
        """Settings that a loss has no business to change, comparable with ==."""

    def versions(self) -> dict[str, str]:
        """Versions of the framework."""
