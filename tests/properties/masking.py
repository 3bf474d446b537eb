"""What mask and weight reach, and which shapes they may have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from properties.harness import KINDS
from properties.strategies import (
    CLASSES,
    JUNK,
    REDUCTIONS,
    ROWS,
    SHAPE,
    indices,
    kinds,
    losses,
    masks_of,
    moderate_logits,
    spread,
    targets,
)

reductions = st.sampled_from(REDUCTIONS)


@pytest.mark.parametrize("kind", KINDS)
@given(st.data(), losses(), moderate_logits, reductions)
def test_what_is_masked_reaches_nothing(harness, kind, data, loss, x, reduction):
    t = data.draw(targets(kind), "targets")
    mask = data.draw(masks_of(kind), "mask")
    everywhere = np.broadcast_to(spread(kind, mask), SHAPE)
    junk = arrays(np.float64, SHAPE, elements=st.sampled_from(JUNK))
    dirty_x = np.where(everywhere, x, data.draw(junk, "masked logits"))
    dirty_t = np.where(everywhere, t, data.draw(junk, "masked targets"))
    clean = harness(kind, x, t, mask=mask, reduction=reduction, **loss)
    dirty = harness(kind, dirty_x, dirty_t, mask=mask, reduction=reduction, **loss)
    np.testing.assert_array_equal(dirty.value, clean.value)
    np.testing.assert_array_equal(dirty.gradient, clean.gradient)
    assert np.all(dirty.gradient[~everywhere] == 0.0)


SMALLER = {"sigmoid": [(), (1,), (3,), (1, 1), (2, 1), (1, 3), (2, 3)], "softmax": [(), (1,), (2,)]}
ENLARGING = {
    "sigmoid": [(2,), (4,), (1, 1, 1), (1, 2, 3), (3, 1), (2, 2), (3, 2), (0,), (2, 4)],
    "softmax": [(3,), (2, 1), (1, 2), (2, 3), (0,), (4,), (2, 2)],
}


@given(st.data(), kinds, moderate_logits, reductions)
def test_weight_and_mask_are_broadcast(harness, data, kind, x, reduction):
    t = data.draw(targets(kind), "targets")
    shapes = st.sampled_from(SMALLER[kind])
    weight = data.draw(shapes.flatmap(lambda s: arrays(np.float64, s, elements=st.floats(0.0, 2.0))), "weight")
    mask = data.draw(shapes.flatmap(lambda s: arrays(np.bool_, s)), "mask")
    full = SHAPE if kind == "sigmoid" else (ROWS,)
    got = harness(kind, x, t, reduction=reduction, weight=weight, mask=mask)
    options = {"weight": np.broadcast_to(weight, full).copy(), "mask": np.broadcast_to(mask, full).copy()}
    enlarged = harness(kind, x, t, reduction=reduction, **options)
    np.testing.assert_array_equal(got.value, enlarged.value)
    np.testing.assert_array_equal(got.gradient, enlarged.gradient)


@given(st.data(), kinds, reductions, st.sampled_from(["weight", "mask"]))
def test_weight_and_mask_enlarge_nothing(harness, data, kind, reduction, name):
    shape = data.draw(st.sampled_from(ENLARGING[kind]), "shape")
    array = np.ones(shape, dtype=bool if name == "mask" else np.float64)
    t = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    with pytest.raises(ValueError, match=f"{name} must have the shape of logits.*got ") as caught:
        harness(kind, np.zeros(SHAPE), t, reduction=reduction, **{name: array})
    assert str(shape) in str(caught.value)


@given(kinds, st.sampled_from(["float64", "int64"]))
def test_mask_is_bool(harness, kind, dtype):
    mask = np.ones(SHAPE if kind == "sigmoid" else (ROWS,), dtype=dtype)
    with pytest.raises(TypeError, match="mask must be bool, got"):
        harness(kind, np.zeros(SHAPE), np.array([[1.0, 0.0, 0.0]] * 2), mask=mask)


@given(kinds, indices)
def test_weight_of_rows(harness, kind, index):
    """A weight of one number a row reaches every class of the row."""
    x = np.linspace(-2.0, 2.0, ROWS * CLASSES).reshape(ROWS, CLASSES)
    row_weight = np.array([0.5, 3.0])
    weight = row_weight[:, None] if kind == "sigmoid" else row_weight
    got, plain = harness(kind, x, index, weight=weight), harness(kind, x, index)
    np.testing.assert_allclose(got.value, weight * plain.value, rtol=1e-14)
    np.testing.assert_allclose(got.gradient, spread(kind, weight) * plain.gradient, rtol=1e-14)
