"""The five reductions and the normalizer, with mask and weight: value and gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.harness import KINDS
from properties.strategies import (
    CLASSES,
    REDUCTIONS,
    ROWS,
    SHAPE,
    kinds,
    losses,
    masks_of,
    moderate_logits,
    spread,
    targets,
    weights_of,
)

reductions = st.sampled_from(REDUCTIONS)


def denominator(kind, reduction, t, mask):
    """As the specification says it."""
    if reduction == "mean":
        return max(1, np.count_nonzero(mask))
    if reduction == "mean_positives":
        return max(1, np.count_nonzero((t >= 0.5) & spread(kind, mask)))
    return 1


def by_hand(kind, reduction, elements, divisor):
    """Reduce weighted element losses."""
    if reduction == "none" or (reduction == "sum_classes" and kind == "softmax"):
        return elements
    return elements.sum(axis=-1) if reduction == "sum_classes" else elements.sum() / divisor


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(st.data(), losses(), moderate_logits)
def test_reduction_and_its_effect_on_the_gradient(harness, kind, reduction, data, loss, x):
    t = data.draw(targets(kind), "targets")
    mask, weight = data.draw(masks_of(kind), "mask"), data.draw(weights_of(kind), "weight")
    plain = harness(kind, x, t, **loss)
    elements = np.where(mask, weight * plain.value, 0.0)
    divisor = denominator(kind, reduction, t, mask)
    gradient = spread(kind, np.where(mask, weight, 0.0)) * plain.gradient / divisor
    got = harness(kind, x, t, reduction=reduction, mask=mask, weight=weight, **loss)
    expected = by_hand(kind, reduction, elements, divisor)
    assert got.value.shape == np.shape(expected)
    np.testing.assert_allclose(got.value, expected, rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(got.gradient, gradient, rtol=1e-13, atol=1e-300)


@given(st.data(), kinds, losses(), moderate_logits, reductions)
def test_without_mask_everything_counts(harness, data, kind, loss, x, reduction):
    t = data.draw(targets(kind), "targets")
    mask = np.ones(SHAPE if kind == "sigmoid" else (ROWS,), dtype=bool)
    with_mask = harness(kind, x, t, reduction=reduction, mask=mask, **loss)
    without = harness(kind, x, t, reduction=reduction, **loss)
    np.testing.assert_array_equal(with_mask.value, without.value)
    np.testing.assert_array_equal(with_mask.gradient, without.gradient)


@given(kinds, reductions, losses())
def test_over_nothing_it_is_zero(harness, kind, reduction, loss):
    x, t = np.full(SHAPE, np.nan), np.full(SHAPE, np.nan)
    nothing = np.zeros(SHAPE if kind == "sigmoid" else (ROWS,), dtype=bool)
    got = harness(kind, x, t, mask=nothing, reduction=reduction, **loss)
    assert np.all(got.value == 0.0)
    assert np.all(got.gradient == 0.0)
    empty = harness(kind, np.zeros((0, CLASSES)), np.zeros((0, CLASSES)), reduction=reduction, **loss)
    assert empty.gradient.shape == (0, CLASSES)
    if reduction in ("sum", "mean", "mean_positives"):
        assert empty.value == 0.0


def test_mean_positives_of_no_positives_is_the_sum(harness):
    x, t = np.array([[1.0, -2.0, 0.5]]), np.zeros((1, 3))
    got, total = (harness("sigmoid", x, t, reduction=r) for r in ("mean_positives", "sum"))
    assert got.value == total.value


@given(st.data(), kinds, moderate_logits, st.one_of(st.sampled_from([1e-12, 0.1, 3]), st.floats(1e-6, 1e6)))
def test_normalizer_divides_and_is_never_clamped(harness, data, kind, x, normalizer):
    t = data.draw(targets(kind), "targets")
    plain = harness(kind, x, t, reduction="sum")
    given_as = [float(normalizer), np.asarray(normalizer, dtype=np.float64)]
    for number in given_as if harness.name != "reference" else given_as[:1]:
        got = harness(kind, x, t, reduction="sum", normalizer=number)
        np.testing.assert_allclose(got.value, plain.value / normalizer, rtol=1e-14)
        np.testing.assert_allclose(got.gradient, plain.gradient / normalizer, rtol=1e-14, atol=1e-300)


@given(kinds, st.sampled_from([0, 0.0, -1.0, -1e-9, np.inf, np.nan, "2", True]))
def test_normalizer_is_a_positive_number(harness, kind, normalizer):
    x, t = np.array([[1.0, -2.0, 0.5]]), np.array([[1.0, 0.0, 0.0]])
    with pytest.raises((TypeError, ValueError), match="normalizer must be a finite number > 0, got"):
        harness(kind, x, t, reduction="sum", normalizer=normalizer)


@given(kinds, st.sampled_from([r for r in REDUCTIONS if r != "sum"]))
def test_normalizer_divides_a_sum_only(harness, kind, reduction):
    x, t = np.array([[1.0, -2.0, 0.5]]), np.array([[1.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match=f"normalizer .* reduction='sum', got reduction='{reduction}'"):
        harness(kind, x, t, reduction=reduction, normalizer=2.0)
