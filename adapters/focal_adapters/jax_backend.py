"""What the pipeline needs to know about JAX: arrays, dtypes, devices, tracing."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from focal_adapters.jax_autodiff import constant, element_losses
from focal_ref.checks import describe
from focal_ref.losses import Loss

Array = Any
_NUMBERS = (bool, int, float, np.ndarray, np.generic)


class _Jax:
    """`focal_adapters.backend.Backend`, which documents the methods."""

    xp = jnp

    def as_array(self, name: str, value: Any, like: Array | None) -> Array:
        accepted = _NUMBERS if like is None else (*_NUMBERS, list, tuple)
        if not isinstance(value, (jax.Array, *accepted)) and not hasattr(value, "__jax_array__"):
            wanted = "an array" if like is None else "an array, a number or a nested list of numbers"
            raise TypeError(f"{name} must be {wanted}, got {describe(value)}")
        array = _as_array(name, value)
        # A rule instead of stop_gradient, which would give a silent 0.
        guarded = like is not None and isinstance(array, Tracer) and self.kind(array) == "floating"
        return constant(name, array) if guarded else array

    def kind(self, array: Array) -> str:
        kinds = {"floating": jnp.floating, "integer": jnp.integer, "complex": jnp.complexfloating, "bool": jnp.bool_}
        return next((kind for kind, scalar in kinds.items() if jnp.issubdtype(array.dtype, scalar)), "other")

    def compute_dtype(self, array: Array) -> Any:
        return jnp.float64 if array.dtype == jnp.float64 else jnp.float32

    def refuse_derivative(self, name: str, array: Array) -> None:
        """Nothing is known yet; `constant` refuses when it is differentiated."""

    def readable(self, array: Array) -> bool:
        if self.traced(array) or not array.is_fully_addressable:
            return False
        return all(device.platform == "cpu" for device in array.devices())

    def traced(self, array: Array) -> bool:
        # While jit traces, functions of arrays that do have values give tracers too.
        return isinstance(array, Tracer) or isinstance(jnp.zeros(()), Tracer)

    def elements(self, loss: Loss, logits: Array, targets: Array) -> Array:
        return element_losses(loss, logits, targets)


def _as_array(name: str, value: Any) -> Array:
    """Without 64 bits JAX takes the lower 32 of a NumPy integer: 2**32 + 1 would be class 1."""
    rule = f"{name} must hold integers of 32 bits where jax_enable_x64 is off"
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype in (np.int64, np.uint64) and value.size:
        limits, least, most = np.iinfo(np.int32), int(value.min()), int(value.max())
        if not jax.config.jax_enable_x64 and not limits.min <= least <= most <= limits.max:
            raise ValueError(f"{rule}, got {most if most > limits.max else least}")
    try:
        return jnp.asarray(value)
    except OverflowError:
        raise ValueError(f"{rule}, got {describe(value)}") from None


BACKEND = _Jax()
