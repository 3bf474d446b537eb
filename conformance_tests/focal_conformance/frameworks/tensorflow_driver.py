"""TensorFlow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import DTYPES, DeviceMissing, Function, NoDerivative


def driver(name: str, device: str) -> "TensorFlowDriver":
    """Driver on a device: 'cpu', 'cuda', 'cuda:0'."""
    return TensorFlowDriver(device)


class TensorFlowDriver:
    """Eager by default; mode 'function' is tf.function, mode 'xla' tf.function(jit_compile=True)."""

    name = "tensorflow"
    differentiates = True
    dtypes = DTYPES
    flushes_subnormals = True
    compiles_each_shape = False
    modes = ("eager", "function", "xla")

    def __init__(self, device: str) -> None:
        self.device = device
        kind, _, index = device.partition(":")
        self._placement = f"/{'GPU' if kind == 'cuda' else kind.upper()}:{index or 0}"
        if kind not in ("cpu", "cuda") or (kind == "cuda" and not tf.config.list_physical_devices("GPU")):
            raise DeviceMissing(f"tensorflow has no device {device!r} here")

    def array(self, values: Any, dtype: str) -> Any:
        with tf.device(self._placement):
            return tf.cast(tf.constant(np.asarray(values)), getattr(tf, dtype))

    def strided(self, values: Any, dtype: str) -> Any:
        return self.array(values, dtype)

    def numbers(self, array: Any) -> Float64:
        return np.asarray(tf.cast(array, tf.float64).numpy())

    def is_array(self, value: Any) -> bool:
        return isinstance(value, tf.Tensor)

    def dtype_of(self, array: Any) -> str:
        return str(array.dtype.name)

    def device_of(self, array: Any) -> str:
        return "cuda" if "GPU" in array.device else "cpu"

    def value(self, function: Function, logits: Any, targets: Any) -> Any:
        with tf.device(self._placement):
            return function(logits, targets)

    def gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any = None) -> tuple[Any, Any]:
        with tf.device(self._placement), tf.GradientTape() as tape:
            tape.watch(logits)
            value = function(logits, targets)
        return value, self._derivative(tape, value, logits, cotangent)

    def hessian_product(self, function: Function, logits: Any, targets: Any, vector: Any) -> Any:
        with tf.device(self._placement), tf.GradientTape() as outer:
            outer.watch(logits)
            with tf.GradientTape() as inner:
                inner.watch(logits)
                value = function(logits, targets)
            gradient = self._derivative(inner, value, logits, None)
        return self._derivative(outer, gradient, logits, vector)

    def _derivative(self, tape: Any, value: Any, logits: Any, cotangent: Any) -> Any:
        if not isinstance(value, tf.Tensor):
            raise NoDerivative(f"the result is a {type(value).__name__}, not a tensor")
        seed = None if cotangent is None else tf.cast(cotangent, value.dtype)
        result = tape.gradient(value, logits, output_gradients=seed)
        if result is None:
            raise NoDerivative("tf.GradientTape.gradient gave None: the result is not connected to the logits")
        return tf.convert_to_tensor(result)

    def in_mode(self, call: Callable[..., Any], mode: str, thorough: bool) -> Callable[..., Any]:
        return call if mode == "eager" else tf.function(call, jit_compile=mode == "xla")

    def global_state(self) -> Any:
        return (tf.executing_eagerly(), tf.keras.backend.floatx())

    def versions(self) -> dict[str, str]:
        return {"tensorflow": tf.__version__}
