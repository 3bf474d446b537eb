"""Integer and bool targets, class indices, the background, what is ignored, smoothing, soft rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from properties.strategies import (
    CLASSES,
    REDUCTIONS,
    ROWS,
    hard_targets,
    indices,
    kinds,
    logits,
    losses,
    masks_of,
    one_hot,
    targets,
    weights_of,
)

integers = st.sampled_from(["int64", "int32", "uint8", "int8"])
reductions = st.sampled_from(REDUCTIONS)


def assert_same(got, other):
    np.testing.assert_array_equal(got.value, other.value)
    np.testing.assert_array_equal(got.gradient, other.gradient)


def assert_close(got, other):
    np.testing.assert_allclose(got.value, other.value, rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(got.gradient, other.gradient, rtol=1e-13, atol=1e-300)


@given(st.data(), kinds, losses(), logits, st.sampled_from(["int64", "int32", "uint8", "bool"]))
def test_integer_and_bool_targets_are_zero_and_one(harness, data, kind, loss, x, dtype):
    t = data.draw(hard_targets(kind), "targets")
    assert_same(harness(kind, x, t.astype(dtype), **loss), harness(kind, x, t, **loss))


@given(kinds, losses(), logits, indices, integers, reductions)
def test_class_index_is_the_one_hot_row(harness, kind, loss, x, index, dtype, reduction):
    got = harness(kind, x, index.astype(dtype), reduction=reduction, **loss)
    assert_close(got, harness(kind, x, one_hot(index), reduction=reduction, **{**loss, "soft_targets": "linear"}))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(losses(), logits, arrays(np.int64, (ROWS,), elements=st.sampled_from([CLASSES, 0, 2])), integers)
def test_number_of_classes_is_the_background(harness, reduction, loss, x, index, dtype):
    got = harness("sigmoid", x, index.astype(dtype), reduction=reduction, **loss)
    assert_close(got, harness("sigmoid", x, one_hot(index), reduction=reduction, **{**loss, "soft_targets": "linear"}))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(kinds, logits, st.sampled_from([-100, -1, CLASSES + 1, 255, 1, 0]), st.data())
def test_ignored_index_is_masked(harness, reduction, kind, x, ignored, data):
    elements = st.one_of(st.integers(0, CLASSES - 1), st.just(ignored))
    index = data.draw(arrays(np.int64, (ROWS,), elements=elements), "targets")
    counts = index != ignored
    mask = counts[:, None] if kind == "sigmoid" else counts
    got = harness(kind, x, index, ignore_index=ignored, reduction=reduction)
    assert_same(got, harness(kind, x, np.where(counts, index, 2), mask=mask, reduction=reduction))
    assert np.all(got.gradient[~counts] == 0.0)


@given(st.data(), logits, reductions)
def test_ignored_elements_of_integer_targets_are_masked(harness, data, x, reduction):
    t = data.draw(arrays(np.int64, x.shape, elements=st.sampled_from([0, 1, -100])), "targets")
    counts = t != -100
    got = harness("sigmoid", x, t, ignore_index=-100, reduction=reduction)
    assert_same(got, harness("sigmoid", x, np.where(counts, t, 1), mask=counts, reduction=reduction))


@given(st.data(), kinds, logits, indices, reductions)
def test_class_index_with_mask_and_weight(harness, data, kind, x, index, reduction):
    options = {"mask": data.draw(masks_of(kind), "mask"), "weight": data.draw(weights_of(kind), "weight")}
    got = harness(kind, x, index, reduction=reduction, **options)
    assert_close(got, harness(kind, x, one_hot(index), reduction=reduction, **options))


@given(kinds, indices, st.sampled_from([-1, -100, CLASSES + 1, 1000]), st.integers(0, ROWS - 1))
def test_class_index_beyond_the_classes_is_refused(harness, kind, index, wrong, row):
    x = np.zeros((ROWS, CLASSES))
    index[row] = wrong
    with pytest.raises(ValueError, match=f"targets must be class indices from 0 to .*, got {wrong}"):
        harness(kind, x, index)
    counts = np.arange(ROWS) != row
    result = harness(kind, x, index, mask=counts[:, None] if kind == "sigmoid" else counts)
    assert np.all(np.isfinite(result.value))


def test_softmax_knows_no_background(harness):
    with pytest.raises(ValueError, match=f"targets must be class indices from 0 to {CLASSES - 1} .*got {CLASSES}"):
        harness("softmax", np.zeros((ROWS, CLASSES)), np.full(ROWS, CLASSES))


@given(st.data(), kinds, st.sampled_from([-0.25, 1.5, np.nan, -np.inf]), st.integers(0, 5))
def test_targets_are_probabilities(harness, data, kind, wrong, where):
    t = data.draw(targets(kind), "targets")
    t.flat[where] = wrong
    with pytest.raises(ValueError, match=r"targets must lie in \[0, 1\] where the mask counts them, got"):
        harness(kind, np.zeros(t.shape), t)


@given(st.sampled_from([0.5, 0.9, 1.1, 0.0]))
def test_rows_of_targets_sum_to_one(harness, total):
    t = np.full((ROWS, CLASSES), 1.0 / CLASSES)
    t[0] *= total
    with pytest.raises(ValueError, match="targets must sum to 1 over the classes"):
        harness("softmax", np.zeros(t.shape), t)


@given(st.data(), kinds, logits, losses(), st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.0, 1.0)))
def test_smoothed_targets_are_soft_targets(harness, data, kind, x, loss, epsilon):
    t = data.draw(hard_targets(kind), "targets")
    count = 2 if kind == "sigmoid" else CLASSES
    smooth = harness.module().smooth_targets
    own = smooth(harness.array(t, "float64"), epsilon, num_classes=count)
    by_hand = t * (1.0 - epsilon) + epsilon / count
    np.testing.assert_allclose(harness.to_numpy(own), by_hand, rtol=1e-15, atol=1e-300)
    got = harness(kind, x, harness.to_numpy(own), **loss)
    np.testing.assert_allclose(got.value, harness(kind, x, by_hand, **loss).value, rtol=1e-12, atol=1e-14)
    if kind == "sigmoid":
        np.testing.assert_array_equal(
            harness.to_numpy(smooth(harness.array(t, "float64"), epsilon)), harness.to_numpy(own)
        )


@given(st.sampled_from([-0.1, 1.5, np.nan, "0.1", True, None]))
def test_smoothing_is_a_number_in_the_unit_interval(harness, epsilon):
    smooth = harness.module().smooth_targets
    t = harness.array(np.ones(2), "float64")
    with pytest.raises((TypeError, ValueError), match=r"epsilon must be a number in \[0, 1\], got"):
        smooth(t, epsilon)
    for count in (1, 0, -1, 2.0, True):
        with pytest.raises((TypeError, ValueError), match="num_classes must be an integer >= 2, got"):
            smooth(t, 0.1, num_classes=count)
