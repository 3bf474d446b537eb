"""The formulas use array-API functions only: array-api-strict, strictest flags, proves it."""

import array_api_strict as strict
import numpy as np
import pytest

import focal_ref
from focal_conformance.errors import ulp_errors
from focal_conformance.formats import FORMATS
from focal_conformance.vectors.load import cases

METHODS = {"value": "value", "gradient": "gradient", "curvature": "curvature"}


@pytest.fixture(autouse=True)
def strictest():
    with strict.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=()):
        yield


@pytest.mark.parametrize("quantity", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_within_the_bounds_of_the_reference(dtype, quantity):
    for case in cases("sigmoid_focal", dtype):
        x, t = (strict.asarray(v, dtype=getattr(strict, dtype)) for v in (case.logits, case.targets))
        result = getattr(focal_ref.SigmoidFocal(case.alpha, case.gamma), METHODS[quantity])(x, t)
        assert result.dtype == x.dtype
        errors = ulp_errors(
            np.asarray(result).astype(float), case.exact[quantity], case.scale[quantity], FORMATS[dtype]
        )
        limit = 32.0 if case.gamma <= 5.0 else 64.0
        assert errors.max() <= limit, f"{case.point_id(int(errors.argmax()))}: {errors.max()} ULP"


def test_results_stay_on_the_device():
    device = strict.Device("device1")
    x, t = strict.asarray([0.5, -1.0], device=device), strict.asarray([1.0, 0.0], device=device)
    value, gradient = focal_ref.SigmoidFocal().value_and_gradient(x, t)
    assert value.device == gradient.device == device
