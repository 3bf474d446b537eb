"""Mask, weight, normalizer and reduction, against sums written out."""

import numpy as np
import pytest

import focal_ref

X = np.linspace(-4.0, 4.0, 12).reshape(4, 3)
T = (np.arange(12).reshape(4, 3) * 7 % 5 < 2).astype(float)
ELEMENTS = focal_ref.SigmoidFocal().value(X, T)
SLOPES = focal_ref.SigmoidFocal().gradient(X, T)
MASK = np.arange(12).reshape(4, 3) % 4 != 1
WEIGHT = np.arange(12).reshape(4, 3) / 8.0


@pytest.mark.parametrize(
    ("reduction", "divisor"),
    [("sum", 1), ("mean", MASK.sum()), ("mean_positives", max(1, (MASK & (T >= 0.5)).sum()))],
)
def test_scalars(reduction, divisor):
    value, gradient = focal_ref.sigmoid_focal_loss_value_and_gradient(
        X, T, mask=MASK, weight=WEIGHT, reduction=reduction
    )
    np.testing.assert_allclose(value, np.sum(ELEMENTS * WEIGHT * MASK) / divisor, rtol=1e-15)
    np.testing.assert_allclose(gradient, SLOPES * WEIGHT * MASK / divisor, rtol=1e-15)


def test_sum_classes():
    value, gradient = focal_ref.sigmoid_focal_loss_value_and_gradient(X, T, reduction="sum_classes")
    np.testing.assert_allclose(value, ELEMENTS.sum(axis=-1), rtol=1e-15)
    np.testing.assert_array_equal(gradient, SLOPES)


def test_normalizer_divides_and_is_not_clamped():
    assert focal_ref.sigmoid_focal_loss(X, T, reduction="sum", normalizer=0.25) == ELEMENTS.sum() / 0.25


@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_positives"])
def test_over_nothing_it_is_zero(reduction):
    nothing = np.zeros_like(MASK)
    value, gradient = focal_ref.sigmoid_focal_loss_value_and_gradient(X, T, mask=nothing, reduction=reduction)
    assert value == 0.0
    np.testing.assert_array_equal(gradient, 0.0)
    assert focal_ref.sigmoid_focal_loss(np.zeros((0, 3)), np.zeros((0, 3)), reduction=reduction) == 0.0


def test_masked_elements_reach_nothing():
    hidden_x = np.where(MASK, X, np.resize([np.nan, np.inf, -np.inf], X.shape))
    hidden_t = np.where(MASK, T, np.resize([-100.0, np.nan, 2.0], X.shape))
    value, gradient = focal_ref.sigmoid_focal_loss_value_and_gradient(hidden_x, hidden_t, mask=MASK, reduction="mean")
    np.testing.assert_allclose(value, ELEMENTS[MASK].mean(), rtol=1e-15)
    np.testing.assert_array_equal(gradient[~MASK], 0.0)


@pytest.mark.parametrize("shape", [(3,), (4, 1), (1, 3), (1, 1), ()])
def test_weight_and_mask_broadcast_without_enlarging(shape):
    weight = np.arange(1.0, 1.0 + np.prod(shape, dtype=int)).reshape(shape)
    got = focal_ref.sigmoid_focal_loss(X, T, weight=weight, mask=weight > 1.0, reduction="mean")
    full = np.broadcast_to(weight, X.shape)
    expected = (ELEMENTS * full * (full > 1.0)).sum() / max(1, (full > 1.0).sum())
    np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_weight_zero_on_an_infinite_loss_is_nan():
    assert np.isnan(focal_ref.sigmoid_focal_loss([-np.inf], [1], weight=[0.0])[0])
    assert focal_ref.sigmoid_focal_loss([-np.inf], [1], mask=[False])[0] == 0.0
