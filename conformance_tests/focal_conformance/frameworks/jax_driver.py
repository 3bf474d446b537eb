"""JAX, with float64 switched on: the driver's choice, never an adapter's."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import DTYPES, DeviceMissing, Function, NoDerivative


def driver(name: str, device: str) -> "JaxDriver":
    """Driver on a device: 'cpu', 'cuda', 'cuda:0'."""
    return JaxDriver(device)


class JaxDriver:
    """Op by op by default; mode 'jit' is jax.jit."""

    name = "jax"
    differentiates = True
    dtypes = DTYPES
    flushes_subnormals = True
    compiles_each_shape = True
    modes = ("eager", "jit")

    def __init__(self, device: str) -> None:
        self.device = device
        jax.config.update("jax_enable_x64", True)
        kind, _, index = device.partition(":")
        try:
            self._device = jax.devices(kind)[int(index or 0)]
        except (RuntimeError, IndexError, ValueError) as error:
            raise DeviceMissing(f"jax has no device {device!r} here: {str(error).splitlines()[0]}") from error

    def array(self, values: Any, dtype: str) -> Any:
        return jax.device_put(np.asarray(values).astype(jnp.dtype(dtype)), self._device)

    def strided(self, values: Any, dtype: str) -> Any:
        return self.array(values, dtype)

    def numbers(self, array: Any) -> Float64:
        return np.asarray(array).astype(np.float64)

    def is_array(self, value: Any) -> bool:
        return isinstance(value, jax.Array)

    def dtype_of(self, array: Any) -> str:
        return str(array.dtype)

    def device_of(self, array: Any) -> str:
        return "cpu" if array.device.platform == "cpu" else "cuda"

    def value(self, function: Function, logits: Any, targets: Any) -> Any:
        return function(logits, targets)

    def gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any = None) -> tuple[Any, Any]:
        try:
            value, pullback = jax.vjp(lambda x: function(x, targets), logits)
        except TypeError as error:
            raise NoDerivative(str(error).splitlines()[0]) from error
        seed = jnp.ones_like(value) if cotangent is None else cotangent.astype(value.dtype)
        return value, pullback(seed)[0]

    def hessian_product(self, function: Function, logits: Any, targets: Any, vector: Any) -> Any:
        def gradient(x: Any) -> Any:
            value, pullback = jax.vjp(lambda y: function(y, targets), x)
            return pullback(jnp.ones_like(value))[0]

        _, pullback = jax.vjp(gradient, logits)
        return pullback(vector)[0]

    def in_mode(self, call: Callable[..., Any], mode: str, thorough: bool) -> Callable[..., Any]:
        if mode == "eager":
            return call
        compiled: dict[Any, Any] = {}

        def in_jit(logits: Any, targets: Any, keywords: Any) -> Any:
            # Parameters are static, as alpha and gamma are in a user's own jit; arrays are traced.
            arrays = {name: value for name, value in keywords.items() if isinstance(value, jax.Array)}
            static = {name: value for name, value in keywords.items() if name not in arrays}
            key = repr(sorted(static.items(), key=lambda item: item[0]))
            if key not in compiled:
                compiled[key] = jax.jit(lambda x, t, more: call(x, t, {**static, **more}))
            return compiled[key](logits, targets, arrays)

        return in_jit

    def global_state(self) -> Any:
        return (jax.config.jax_enable_x64, jax.config.jax_debug_nans)

    def versions(self) -> dict[str, str]:
        return {"jax": jax.__version__}
