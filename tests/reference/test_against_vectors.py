"""The reference against the golden vectors: the bounds that its docstrings state."""

import numpy as np
import pytest
from largest_errors import errors, evaluated, loss_of

import focal_ref
from focal_conformance.formats import FORMATS
from focal_conformance.vectors.load import all_cases, cases

QUANTITIES = ("value", "gradient", "curvature", "product")
LINEAR_SIGMOID = {"value": 8.0, "gradient": 10.0, "curvature": 16.0}
ALL = [case for loss in focal_ref.LOSSES for dtype in FORMATS for case in all_cases(loss, dtype)]
CASES = [case for dtype in FORMATS for case in cases("sigmoid_focal", dtype)]


def limit(case, quantity):
    """What the docstrings promise."""
    linear = case.loss == "sigmoid_focal" and case.soft_targets == "linear"
    return (LINEAR_SIGMOID[quantity] if linear else 16.0) * (1.0 if case.gamma <= 5.0 else 2.0)


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("loss", focal_ref.LOSSES)
def test_within_bounds(loss, dtype, quantity):
    chosen = [case for case in all_cases(loss, dtype) if quantity in case.exact]
    assert chosen or (loss, quantity) == ("sigmoid_focal", "product")
    for case in chosen:
        got = evaluated(case, quantity)
        assert got.dtype == np.float64
        worst = errors(case, quantity, got)
        place = np.unravel_index(int(np.argmax(worst)), worst.shape)
        assert worst[place] <= limit(case, quantity), f"{case.point_id(place[0])}: {quantity} off by {worst[place]} ULP"


def test_no_wrong_zero():
    for case in ALL:
        for quantity in ("value", "gradient"):
            known = np.ones(len(case.logits), dtype=bool) if quantity == "value" else case.known
            got, exact = evaluated(case, quantity)[known], case.exact[quantity][known]
            # Next to the smallest subnormal, 0 and 5e-324 are one ULP apart.
            assert not np.any((got == 0.0) & (np.abs(exact) > 5e-324)), case.group
            assert not np.any((np.abs(got) > 5e-324) & (exact == 0.0)), case.group


def test_no_wrong_nan():
    for case in ALL:
        value, gradient = loss_of(case).value_and_gradient(case.logits, case.targets)
        wrong = np.isnan(case.logits) if case.logits.ndim == 1 else np.any(np.isnan(case.logits), axis=-1)
        np.testing.assert_array_equal(np.isnan(value), wrong)
        np.testing.assert_array_equal(
            np.isnan(gradient), np.broadcast_to(wrong.reshape(-1, *[1] * (gradient.ndim - 1)), gradient.shape)
        )


def test_both_at_once_give_the_same_bits():
    for case in ALL[::11]:
        value, gradient = loss_of(case).value_and_gradient(case.logits, case.targets)
        np.testing.assert_array_equal(value, evaluated(case, "value"))
        np.testing.assert_array_equal(gradient, evaluated(case, "gradient"))


@pytest.mark.parametrize("rule", ["linear", "cross_entropy", "margin", "expected"])
@pytest.mark.parametrize("detach", [False, True])
def test_two_classes_are_the_sigmoid_loss(rule, detach):
    x, t = np.linspace(-20.0, 20.0, 41), np.resize([0.0, 1.0, 0.25, 0.5, 0.875], 41)
    settings = {"gamma": 1.7, "soft_targets": rule, "detach_modulator": detach}
    sigmoid = focal_ref.SigmoidFocal(alpha=0.25, **settings)
    softmax = focal_ref.SoftmaxFocal(alpha=(0.25, 0.75), **settings)
    rows, targets = np.stack([x, np.zeros_like(x)], axis=-1), np.stack([t, 1.0 - t], axis=-1)
    for quantity in ("value", "gradient", "curvature"):
        got = getattr(softmax, quantity)(rows, targets)
        want = getattr(sigmoid, quantity)(x, t)
        np.testing.assert_allclose(got if quantity == "value" else got[:, 0], want, rtol=1e-13, atol=1e-16)


def test_a_hundred_thousand_classes():
    oracle = pytest.importorskip("focal_conformance.oracle.softmax_focal")
    generator = np.random.default_rng(3)
    x = np.round(generator.normal(0.0, 4.0, 100_000), 6)
    target = int(np.argmax(x))
    x[target] += 30.0
    truth = oracle.Row(x.tolist(), target, np.ones_like(x).tolist()).truth(None, 2.0, "linear", False, [target])
    loss = focal_ref.SoftmaxFocal()
    assert abs(loss.value(x, target) - truth.value) <= 16 * np.spacing(truth.value)
    gradient = loss.gradient(x, target)
    assert abs(gradient[target] - truth.gradient[target]) <= 16 * np.spacing(abs(truth.gradient[target]))
    assert abs(gradient.sum()) <= 1e-15 * abs(gradient).sum()


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
