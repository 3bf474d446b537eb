"""The rows of the specification's table, on the array-API adapter with two libraries."""

import pytest
from properties.collected import properties_of
from properties.numpy_harnesses import ArrayApiHarness, StrictHarness


@pytest.fixture(scope="session", params=[ArrayApiHarness, StrictHarness], ids=["numpy", "strict"])
def harness(request):
    return request.param()


globals().update(properties_of(examples=25))
