"""Element losses of JAX with analytic first and second derivatives, in every kind of differentiation.

Each rule gives the next derivative as a function that has a rule of its own; the curvature's refuses.
Symbolic zeros tell an argument that nobody differentiates from one whose tangent happens to be 0.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from focal_adapters import jax_kernels
from focal_adapters.parameters import held_in_float32
from focal_ref.losses import Loss

Array = Any
Pair = tuple[Any, Any]


def element_losses(loss: Loss, logits: Array, targets: Array) -> Array:
    """Loss of each element or row, differentiable twice with respect to the logits.

    Parameters
    ----------
    loss : Loss
        Its parameters are rounded to the dtype of the logits.
    logits, targets : arrays, float32 or float64
        ``targets`` of the shape and dtype of ``logits``, or class indices; through `constant`: their
        tangents are not looked at.

    Returns
    -------
    array of the dtype of logits, in nats

    Raises
    ------
    NotImplementedError
        On a third differentiation.
    """
    return _value(loss if logits.dtype == jnp.float64 else held_in_float32(loss), logits, targets)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def constant(name: str, array: Array) -> Array:
    """Return the array; TypeError on differentiation with respect to it. ``name`` is for the message."""
    return array


@partial(constant.defjvp, symbolic_zeros=True)
def _constant_rule(name: str, primals: tuple[Array], tangents: tuple[Any]) -> Pair:
    if not isinstance(tangents[0], SymbolicZero):
        raise TypeError(
            f"{name} must not be differentiated: derivatives are provided with respect to the logits only; "
            f"pass jax.lax.stop_gradient({name})"
        )
    return primals[0], jnp.zeros_like(primals[0])


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _value(loss: Loss, x: Array, t: Array) -> Array:
    return jax_kernels.value(loss, x, t)


@partial(_value.defjvp, symbolic_zeros=True)
def _value_rule(loss: Loss, primals: Pair, tangents: Pair) -> Pair:
    value, gradient = _value_and_gradient(loss, *primals)
    return value, _along(loss, gradient, tangents[0], value)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _value_and_gradient(loss: Loss, x: Array, t: Array) -> Pair:
    return jax_kernels.value_and_gradient(loss, x, t)


@partial(_value_and_gradient.defjvp, symbolic_zeros=True)
def _value_and_gradient_rule(loss: Loss, primals: Pair, tangents: Pair) -> Pair:
    value, gradient = _value_and_gradient(loss, *primals)
    slope = _along(loss, gradient, tangents[0], value)
    if isinstance(tangents[0], SymbolicZero):
        return (value, gradient), (slope, jnp.zeros_like(gradient))
    if loss.consumes_classes:
        x, t = primals
        return (value, gradient), (slope, _hessian_product(loss, _last(x), t, tangents[0]))
    return (value, gradient), (slope, _curvature(loss, *primals) * tangents[0])


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _curvature(loss: Loss, x: Array, t: Array) -> Array:
    return loss.curvature(x, t, xp=jnp)


@partial(_curvature.defjvp, symbolic_zeros=True)
def _curvature_rule(loss: Loss, primals: Pair, tangents: Pair) -> Pair:
    _refuse_third(tangents[0])
    return _curvature(loss, *primals), jnp.zeros_like(primals[0])


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _hessian_product(loss: Loss, x: Array, t: Array, vector: Array) -> Array:
    def product(_: Any, vector: Array) -> Array:
        return loss.hessian_product(x, t, vector, xp=jnp)

    # A Hessian is its own transpose. What JAX makes by transposing the formula is as right in exact
    # arithmetic, but subtracts where the formula took care not to: 0 for confident right rows. Of what
    # JAX offers with a transpose of one's own, this alone also works under vmap; nothing is solved.
    return jax.lax.custom_linear_solve(lambda v: v, vector, product, product, symmetric=True)


@partial(_hessian_product.defjvp, symbolic_zeros=True)
def _hessian_product_rule(loss: Loss, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Pair:
    _refuse_third(tangents[0])
    x, t, vector = primals
    product = _hessian_product(loss, x, t, vector)
    if isinstance(tangents[2], SymbolicZero):
        return product, jnp.zeros_like(product)
    # Linear in the vector.
    return product, _hessian_product(loss, x, t, tangents[2])


@jax.custom_jvp
def _last(x: Array) -> Array:
    """Logits that are not differentiated again: where a Hessian product is transposed its own rule is gone."""
    return x


@partial(_last.defjvp, symbolic_zeros=True)
def _last_rule(primals: tuple[Array], tangents: tuple[Any]) -> Pair:
    _refuse_third(tangents[0])
    return primals[0], jnp.zeros_like(primals[0])


def _refuse_third(tangent: Any) -> None:
    if not isinstance(tangent, SymbolicZero):
        raise NotImplementedError(
            "the focal losses have analytic first and second derivatives; third derivatives are not provided"
        )


def _along(loss: Loss, gradient: Array, tangent: Any, value: Array) -> Array:
    if isinstance(tangent, SymbolicZero):
        return jnp.zeros_like(value)
    return loss.contracted(gradient * tangent, jnp)
