"""The rows of the specification's table, on the PyTorch adapter."""

import pytest

pytest.importorskip("torch")

from properties import derivatives
from properties.collected import properties_of
from properties.torch_harness import TorchHarness


@pytest.fixture(scope="session")
def harness():
    return TorchHarness()


globals().update(properties_of(derivatives, examples=25))
