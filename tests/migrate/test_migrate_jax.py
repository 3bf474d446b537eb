"""The rows of docs/migrate.md that run in JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from migrate.migration_page import assert_same, factors, inputs, pairs


def value_and_gradient(expression, imported):
    arrays = {name: jnp.asarray(array) for name, array in inputs().items()}

    def total(x):
        value = eval(expression, {**imported, **arrays, "x": x})
        return (value * factors(value.shape)).sum(), value

    (_, value), gradient = jax.value_and_grad(total, has_aux=True)(arrays["x"])
    return np.asarray(value), np.asarray(gradient)


@pytest.mark.parametrize(("section", "row"), **pairs("jax"))
def test_both_sides_agree(section, row):
    if section.missing:
        pytest.skip(f"not installed: {', '.join(section.missing)}")
    names = section.names()
    assert_same(value_and_gradient(row.theirs, names), value_and_gradient(row.ours, names))
