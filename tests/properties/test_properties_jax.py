"""The rows of the specification's table, on the JAX adapter."""

import pytest

pytest.importorskip("jax")

from properties import derivatives
from properties.collected import WITHOUT_SHRINKING, properties_of
from properties.jax_harness import JaxHarness


@pytest.fixture(scope="session")
def harness():
    return JaxHarness()


globals().update(properties_of(derivatives, examples=6, phases=WITHOUT_SHRINKING))
