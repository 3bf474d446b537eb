"""Value and gradient as XLA computes them fastest: in two loops, each of which it vectorises.

XLA on CPU (jax 0.10.2) vectorises no loop that two results share. It makes one of the value and the
gradient as soon as it sees that they have parts in common; so it is not let see it. The gradient is
computed after the value and reads it, whose memory it then takes.

What it pays: 0.10 of the time of optax's sigmoid_focal_loss under jit where one loop for both and the
formulas of `sigmoid_rules` took 0.60 (4 million float32 logits, gamma 2; gamma 1.5 0.12, bfloat16 0.07,
class indices 0.13; 2 busy cores), by ``python -m benchmarks --only 'jax/jit/*'``.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from focal_ref.losses import Loss

Array = Any


def value(loss: Loss, x: Array, t: Array) -> Array:
    """Loss of each element or row."""
    return loss.value(x, t, xp=jnp) if loss.consumes_classes else _value(loss, x, t)


def value_and_gradient(loss: Loss, x: Array, t: Array) -> tuple[Array, Array]:
    """The same, and its derivative with respect to each logit."""
    return loss.value_and_gradient(x, t, xp=jnp) if loss.consumes_classes else _value_and_gradient(loss, x, t)


# Compiled for eager callers, too: one call instead of forty. Not so for rows of classes, whose formulas
# take seconds to compile.
@partial(jax.jit, static_argnums=0, inline=True)
def _value(loss: Loss, x: Array, t: Array) -> Array:
    return loss.fused_value(x, t, xp=jnp)


@partial(jax.jit, static_argnums=0, inline=True)
def _value_and_gradient(loss: Loss, x: Array, t: Array) -> tuple[Array, Array]:
    value = loss.fused_value(x, t, xp=jnp)
    x, t, read = _apart(x, t, value)
    return value, loss.fused_gradient(x, t, xp=jnp, value=read)


def _apart(*arrays: Array) -> Any:
    """Arrays of which XLA on CPU does not see how they are related. Elsewhere it sees all and decides."""
    return jax.lax.platform_dependent(arrays, cpu=jax.lax.optimization_barrier, default=lambda arrays: arrays)
