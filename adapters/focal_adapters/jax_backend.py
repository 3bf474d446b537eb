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
        array = jnp.asarray(value)
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


BACKEND = _Jax()
