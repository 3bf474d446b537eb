"""Shapes that do not belong together; ``validate``."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from properties.harness import KINDS
from properties.strategies import kinds

SHAPES = [(), (1,), (3,), (2, 3), (3, 3), (3, 1), (1, 2, 3)]


def related(shape):
    """Shapes that other libraries take beside logits of a shape, or broadcast to it."""
    ones = (1,) * len(shape)
    return [shape, shape[:-1], shape[1:], (*shape, 1), (1, *shape), shape[::-1], ones, (*shape[:-1], 1), (1,), ()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
@given(st.data(), st.sampled_from(SHAPES))
def test_logits_and_targets_are_not_broadcast(harness, kind, dtype, data, x_shape):
    t_shape = data.draw(st.sampled_from(related(x_shape)), "shape of targets")
    assume(kind == "sigmoid" or x_shape != ())
    indices = dtype == "int64" and x_shape != () and t_shape == x_shape[:-1]
    x, t = np.zeros(x_shape), np.zeros(t_shape, dtype=dtype)
    if x_shape == t_shape or (indices and (kind == "softmax" or x_shape[-1] > 1)):
        if kind == "softmax" and not indices:
            t[..., 0] = 1
        got = harness(kind, x, t)
        assert got.gradient.shape == x_shape
        assert got.value.shape == (x_shape if kind == "sigmoid" else x_shape[:-1])
        return
    with pytest.raises(ValueError, match="targets must have the shape of logits") as caught:
        harness(kind, x, t)
    assert str(x_shape) in str(caught.value)
    assert str(t_shape) in str(caught.value)


@pytest.fixture(scope="session")
def adapter(harness):
    if harness.name == "reference":
        pytest.skip("the reference always looks at values")
    return harness


WRONG = [
    ("sigmoid", np.array([[2.0, 0.0, 0.0]]), r"targets must lie in \[0, 1\]"),
    ("softmax", np.array([[2.0, 0.0, 0.0]]), r"targets must lie in \[0, 1\]"),
    ("softmax", np.array([[0.5, 0.0, 0.0]]), "targets must sum to 1"),
    ("sigmoid", np.array([7]), "targets must be class indices"),
    ("softmax", np.array([-1]), "targets must be class indices"),
]


@given(st.sampled_from(WRONG), st.sampled_from([True, None]), st.sampled_from(["float64", "float32"]))
def test_values_are_validated(adapter, wrong, validate, dtype):
    kind, targets, message = wrong
    with pytest.raises(ValueError, match=message):
        adapter(kind, np.zeros((1, 3)), targets, dtype=dtype, validate=validate)


@given(st.sampled_from(WRONG))
def test_validation_can_be_switched_off(adapter, wrong):
    kind, targets, _ = wrong
    got = adapter(kind, np.zeros((1, 3)), targets, validate=False)
    assert got.gradient.shape == (1, 3)
    if targets.ndim == 1:
        # What nobody could check must not pass for a class.
        assert np.all(np.isnan(got.value))


@given(kinds, st.sampled_from([0.0, -2.0, np.nan, np.inf]), st.sampled_from([True, None]))
def test_normalizer_in_an_array_is_validated(adapter, kind, normalizer, validate):
    x, t = np.zeros((1, 3)), np.array([[1.0, 0.0, 0.0]])
    options = {"reduction": "sum", "validate": validate, "normalizer": np.asarray(normalizer)}
    with pytest.raises(ValueError, match="normalizer must be a finite number > 0, got"):
        adapter(kind, x, t, **options)
    with pytest.raises(ValueError, match="normalizer must be one number, got shape"):
        adapter(kind, x, t, reduction="sum", normalizer=np.ones(2))
