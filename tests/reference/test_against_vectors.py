"""The reference against the golden vectors: the bounds that its docstring states."""

import numpy as np
import pytest

import focal_ref
from focal_conformance.errors import ulp_errors
from focal_conformance.formats import FORMATS
from focal_conformance.vectors.load import cases

BOUNDS = {"value": 8.0, "gradient": 10.0, "curvature": 16.0}
CASES = [case for dtype in FORMATS for case in cases("sigmoid_focal", dtype)]


def errors(case, quantity):
    got = getattr(focal_ref.SigmoidFocal(case.alpha, case.gamma), quantity)(case.logits, case.targets)
    assert got.dtype == np.float64
    return ulp_errors(got, case.exact[quantity], case.scale[quantity], FORMATS["float64"])


@pytest.mark.parametrize("quantity", BOUNDS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_within_bounds(dtype, quantity):
    for case in cases("sigmoid_focal", dtype):
        limit = BOUNDS[quantity] if case.gamma <= 5.0 else 2.0 * BOUNDS[quantity]
        worst = errors(case, quantity)
        index = int(np.argmax(worst))
        assert worst[index] <= limit, f"{case.point_id(index)}: {quantity} off by {worst[index]} ULP"


def test_no_wrong_zero():
    for case in CASES:
        loss = focal_ref.SigmoidFocal(case.alpha, case.gamma)
        for quantity in ("value", "gradient"):
            got, exact = getattr(loss, quantity)(case.logits, case.targets), case.exact[quantity]
            # Next to the smallest subnormal, 0 and 5e-324 are one ULP apart.
            assert not np.any((got == 0.0) & (np.abs(exact) > 5e-324)), case.group
            assert not np.any((np.abs(got) > 5e-324) & (exact == 0.0)), case.group


def test_no_wrong_nan():
    for case in CASES:
        value, gradient = focal_ref.SigmoidFocal(case.alpha, case.gamma).value_and_gradient(case.logits, case.targets)
        for got in (value, gradient):
            np.testing.assert_array_equal(np.isnan(got), np.isnan(case.logits))


def test_both_at_once_give_the_same_bits():
    for case in CASES[::7]:
        loss = focal_ref.SigmoidFocal(case.alpha, case.gamma)
        value, gradient = loss.value_and_gradient(case.logits, case.targets)
        np.testing.assert_array_equal(value, loss.value(case.logits, case.targets))
        np.testing.assert_array_equal(gradient, loss.gradient(case.logits, case.targets))


def test_hessian_product_is_the_diagonal_times_the_vector():
    loss, x, t = focal_ref.SigmoidFocal(), np.array([0.3, -2.0]), np.array([1.0, 0.2])
    vector = np.array([3.0, -0.5])
    np.testing.assert_array_equal(loss.hessian_product(x, t, vector), loss.curvature(x, t) * vector)


@pytest.mark.parametrize("gamma", [150.0, 1000.0, 1e5])
@pytest.mark.parametrize("t", [0.0, 1.0, 0.5, 2.0**-20])
def test_large_gamma_against_the_oracle(gamma, t):
    oracle = pytest.importorskip("focal_conformance.oracle.sigmoid_focal")
    for x in (-40.0, -5.0, -0.001, 0.0, 0.5, 5.0, 40.0, 800.0):
        truth = oracle.sigmoid_focal(x, t, None, gamma)
        loss = focal_ref.SigmoidFocal(None, gamma)
        assert loss.value(x, t) == pytest.approx(truth.value, rel=gamma * 1e-15, abs=1e-320)
        assert loss.gradient(x, t) == pytest.approx(truth.gradient, rel=gamma * 1e-15, abs=1e-320)


def test_published_batch():
    value, gradient = focal_ref.sigmoid_focal_loss_value_and_gradient([2.0, -1.0, 0.5, -3.0], [1, 0, 0, 1])
    np.testing.assert_allclose(value, [4.50890709e-4, 1.69935431e-2, 2.83058701e-1, 6.91570110e-1], rtol=2e-9)
    np.testing.assert_allclose(gradient, [-0.00121774, 0.03943585, 0.39461387, -0.28168747], atol=5e-9)
