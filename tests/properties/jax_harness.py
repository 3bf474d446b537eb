"""Harness of focal_adapters.jax, by jax.grad and jax.jvp, in 64 bits."""

import jax
import jax.numpy as jnp
import numpy as np
from properties.harness import Harness

import focal_adapters.jax

jax.config.update("jax_enable_x64", True)


def _summed(function, targets, keywords):
    def summed(x):
        value = function(x, targets, **keywords)
        return jnp.sum(value), value

    return summed


class JaxHarness(Harness):
    """Eager, on the CPU."""

    name = "jax"
    third_refused = NotImplementedError

    def module(self):
        return focal_adapters.jax

    def array(self, array, dtype):
        return jnp.asarray(np.asarray(array)).astype(dtype)

    def value_and_gradient_of(self, function, logits, targets, keywords):
        (_, value), gradient = jax.value_and_grad(_summed(function, targets, keywords), has_aux=True)(logits)
        return value, gradient

    def hessian_product_of(self, function, logits, targets, vector, keywords):
        gradient = jax.grad(lambda x: _summed(function, targets, keywords)(x)[0])
        return jax.jvp(gradient, (logits,), (vector,))[1]

    def third_derivative(self, function, logits, targets):
        result = lambda x: jnp.sum(function(x, targets))
        for _ in range(3):
            result = lambda x, inner=result: jnp.sum(jax.grad(inner)(x))
        return result(logits)

    def derivative_with_respect_to(self, name, function, logits, targets, weight):
        arguments = {"targets": targets, "weight": weight}

        def of(argument):
            used = {**arguments, name: argument}
            return jnp.sum(function(logits, used["targets"], weight=used["weight"]))

        return jax.grad(of)(arguments[name])
