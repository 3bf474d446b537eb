"""The formulas use array-API functions only: array-api-strict, strictest flags, proves it."""

import array_api_strict as strict
import numpy as np
import pytest
from largest_errors import errors, loss_of

import focal_ref
from focal_conformance.vectors.load import all_cases


@pytest.fixture(autouse=True)
def strictest():
    with strict.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=()):
        yield


@pytest.mark.parametrize("quantity", ["value", "gradient", "curvature", "product"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", focal_ref.LOSSES)
def test_within_the_bounds_of_the_reference(loss, dtype, quantity):
    for case in all_cases(loss, dtype)[::3]:
        if quantity not in case.exact:
            continue
        x = strict.asarray(case.logits, dtype=getattr(strict, dtype))
        t = strict.asarray(case.targets, dtype=strict.int64 if case.target_kind == "indices" else x.dtype)
        if quantity == "product":
            vector = strict.asarray(np.broadcast_to(case.vector, case.logits.shape), dtype=x.dtype)
            result = loss_of(case).hessian_product(x, t, vector)
        else:
            result = getattr(loss_of(case), quantity)(x, t)
        assert result.dtype == x.dtype
        found = errors(case, quantity, np.asarray(result).astype(float), dtype)
        limit = (32.0 if case.gamma <= 5.0 else 64.0) * (1.0 if loss == "sigmoid_focal" else 2.0)
        assert found.max() <= limit, f"{case.group}: {found.max()} ULP"


def test_results_stay_on_the_device():
    device = strict.Device("device1")
    x, t = strict.asarray([0.5, -1.0], device=device), strict.asarray([1.0, 0.0], device=device)
    value, gradient = focal_ref.SigmoidFocal().value_and_gradient(x, t)
    assert value.device == gradient.device == device
