"""The rows of the specification's table, on the TensorFlow adapter."""

import pytest

pytest.importorskip("tensorflow")

from properties import derivatives
from properties.collected import WITHOUT_SHRINKING, properties_of
from properties.tensorflow_harness import TensorFlowHarness


@pytest.fixture(scope="session")
def harness():
    return TensorFlowHarness()


globals().update(properties_of(derivatives, examples=6, phases=WITHOUT_SHRINKING))
