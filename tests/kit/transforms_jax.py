"""JAX ports for `wrong_transforms`: the right ones, and those that a transformation shows to be wrong."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np


def plain(logits, targets, alpha=0.25, gamma=2.0):
    """Right: hard targets, the modulating factor by its logarithm."""
    x = (logits * (1 - 2 * targets)).astype(jnp.promote_types(logits.dtype, jnp.float32))
    loss = jnp.exp(gamma * jax.nn.log_sigmoid(x)) * jax.nn.softplus(x)
    if alpha is not None:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return loss.astype(logits.dtype)


def mean_only(logits, targets, alpha=0.25, gamma=2.0):
    return plain(logits, targets, alpha, gamma).mean()


def reads_a_number(logits, targets, alpha=0.25, gamma=2.0):
    size = float(jnp.abs(targets).max())
    return plain(logits, targets, alpha, gamma) * (1.0 if size < 1e30 else 0.0)


def computes_on_the_host(logits, targets, alpha=0.25, gamma=2.0):
    return plain(jnp.asarray(np.asarray(logits)), targets, alpha, gamma)


def branch_on_data(logits, targets, alpha=0.25, gamma=2.0):
    if (targets > 1e30).any():
        return 0 * logits
    return plain(logits, targets, alpha, gamma)


def branch_on_logits(logits, targets, alpha=0.25, gamma=2.0):
    if (logits > 1e30).any():
        return 0 * logits
    return plain(logits, targets, alpha, gamma)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def reverse_mode_only(logits, targets, alpha=0.25, gamma=2.0):
    return plain(logits, targets, alpha, gamma)


def _forward(logits, targets, alpha, gamma):
    value, pullback = jax.vjp(lambda x: plain(x, targets, alpha, gamma), logits)
    return value, pullback(jnp.ones_like(value))[0]


reverse_mode_only.defvjp(_forward, lambda alpha, gamma, slope, upstream: (upstream * slope, jnp.zeros_like(slope)))


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def doubled_where_nobody_differentiates(logits, targets, alpha=0.25, gamma=2.0):
    """Compiled; the rule for derivatives has a value of its own."""
    return (2.0 if isinstance(logits, jax.core.Tracer) else 1.0) * plain(logits, targets, alpha, gamma)


doubled_where_nobody_differentiates.defvjp(
    _forward, lambda alpha, gamma, slope, upstream: (upstream * slope, jnp.zeros_like(slope))
)


def first_derivative_only(logits, targets, alpha=0.25, gamma=2.0):
    """The first derivative as a constant."""
    stop = jax.lax.stop_gradient
    value, slope = _forward(logits, targets, alpha, gamma)
    return stop(value) + (logits - stop(logits)) * stop(slope)


def switches_x64_on(logits, targets, alpha=0.25, gamma=2.0):
    jax.config.update("jax_enable_x64", True)
    return plain(logits, targets, alpha, gamma)


def moved_to_the_first_device(logits, targets, alpha=0.25, gamma=2.0):
    return jax.device_put(plain(logits, targets, alpha, gamma), jax.devices()[0])


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def forward_mode_without_tangent(logits, targets, alpha=0.25, gamma=2.0):
    return plain(logits, targets, alpha, gamma)


@forward_mode_without_tangent.defjvp
def _without_tangent(targets, alpha, gamma, primals, tangents):
    return _forward(primals[0], targets, alpha, gamma)
