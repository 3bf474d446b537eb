"""The rows of the specification's table, on the reference."""

import pytest
from properties.collected import properties_of
from properties.numpy_harnesses import ReferenceHarness


@pytest.fixture(scope="session")
def harness():
    return ReferenceHarness()


globals().update(properties_of(examples=40))
