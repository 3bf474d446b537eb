"""Transformations of JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from focal_conformance.checks.transforms.trial import Trial
from focal_conformance.frameworks.driver import Function

GROUPS = 4


def _total(function: Function) -> Callable[..., Any]:
    return lambda x, t: function(x, t).sum()


def _value_and_gradient(function: Function) -> Callable[..., Any]:
    def both(x: Any, t: Any) -> Any:
        value, pullback = jax.vjp(lambda x: function(x, t), x)
        return value, pullback(jnp.ones_like(value))[0]

    return both


def jit(trial: Trial) -> None:
    """Value and gradient in one compiled function, and the value alone; alpha and gamma are static."""
    points = trial.points()
    x, t = trial.arrays(points)
    function = trial.function(points)
    value, slope = jax.jit(_value_and_gradient(function))(x, t)
    trial.judge_both(value, slope, points, "jax.jit")
    # A custom rule for derivatives is another function than the value alone.
    trial.judge("value", jax.jit(function)(x, t), points, "jax.jit of the value")


def grad(trial: Trial) -> None:
    """jax.vjp and jax.grad."""
    points = trial.points()
    x, t = trial.arrays(points)
    function = trial.function(points)
    value, slope = _value_and_gradient(function)(x, t)
    trial.judge_both(value, slope, points, "jax.vjp")
    trial.judge("gradient", jax.grad(_total(function))(x, t), points, "jax.grad")


def vmap(trial: Trial) -> None:
    """Values, and gradients of each group."""
    points = trial.points()
    x, t = trial.arrays(points, GROUPS)
    function = trial.function(points)
    trial.judge_groups("value", jax.vmap(function)(x, t), points, GROUPS, "jax.vmap")
    slopes = jax.vmap(jax.grad(_total(function)))(x, t)
    trial.judge_groups("gradient", slopes, points, GROUPS, "jax.vmap of grad")


def jvp(trial: Trial) -> None:
    """Forward mode."""
    points = trial.points()
    x, t = trial.arrays(points)
    function = trial.function(points)
    direction = trial.driver.array(trial.direction(points).reshape(x.shape), points.dtype)
    value, tangent = jax.jvp(lambda x: function(x, t), (x,), (direction,))
    trial.judge("value", value, points, "jax.jvp")
    trial.judge_product(tangent, points, "jax.jvp")


def hessian(trial: Trial) -> None:
    """Forward over reverse."""
    points = trial.points()
    x, t = trial.arrays(points)
    trial.judge_hessian(jax.hessian(_total(trial.function(points)))(x, t), points, "jax.hessian")


def checkpoint(trial: Trial) -> None:
    """Computed again for the gradient."""
    points = trial.points()
    x, t = trial.arrays(points)
    function = jax.checkpoint(trial.function(points))
    value, slope = _value_and_gradient(function)(x, t)
    trial.judge_both(value, slope, points, "jax.checkpoint")
