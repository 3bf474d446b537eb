"""Dtypes of results; the half types are computed in float32 and rounded once."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from properties.strategies import (
    REDUCTIONS,
    SHAPE,
    gammas,
    hard_targets,
    kinds,
    losses,
    masks_of,
    moderate_logits,
    targets,
    weights_of,
)

NUMPY_DTYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
halves = arrays(np.float16, SHAPE, elements=st.one_of(st.floats(-12, 12, width=16), st.floats(-2000, 2000, width=16)))
reductions = st.sampled_from(REDUCTIONS)


def is_reduced(kind, reduction):
    """Not where it is "none", nor where a loss of rows has summed over the classes already."""
    return reduction != "none" and not (kind == "softmax" and reduction == "sum_classes")


@pytest.fixture(scope="session", params=["float16", "bfloat16"])
def half(request, harness):
    if request.param not in harness.dtypes:
        pytest.skip(f"{harness.name} has no {request.param}")
    return request.param


@given(st.data(), kinds, losses(), halves, reductions)
def test_half_types_are_float32_rounded_once(harness, half, data, kind, loss, x, reduction):
    dtype = NUMPY_DTYPES[half]
    x = x.astype(dtype).astype(np.float64)
    t = data.draw(targets(kind), "targets").astype(dtype).astype(np.float64)
    options = {"reduction": reduction, "mask": data.draw(masks_of(kind), "mask")}
    got = harness(kind, x, t, dtype=half, **options, **loss)
    if harness.name == "reference":
        wide = harness(kind, x, t, **options, **loss)
        np.testing.assert_array_equal(got.value, wide.value)
        np.testing.assert_array_equal(got.gradient, wide.gradient)
        return
    wide = harness(kind, x, t, dtype="float32", **options, **loss)
    rounded = lambda array: array.astype(np.float32).astype(dtype).astype(np.float64)
    with np.errstate(over="ignore"):
        value = wide.value if is_reduced(kind, reduction) else rounded(wide.value)
        np.testing.assert_array_equal(got.value, value)
        np.testing.assert_array_equal(got.gradient, rounded(wide.gradient))


@given(st.data(), kinds, reductions, moderate_logits)
def test_dtypes_of_results(harness, data, kind, reduction, x):
    t = data.draw(hard_targets(kind), "targets")
    weight = data.draw(weights_of(kind), "weight")
    for dtype in harness.dtypes:
        got = harness(kind, x, t, dtype=dtype, reduction=reduction, weight=weight, alpha=0.25)
        reduced = "float32" if dtype in NUMPY_DTYPES and is_reduced(kind, reduction) else dtype
        if harness.name == "reference":
            assert (got.value_dtype, got.gradient_dtype) == ("float64", "float64")
        else:
            assert (got.value_dtype, got.gradient_dtype) == (reduced, dtype)


@given(kinds, gammas)
def test_values_beyond_the_half_range_are_infinite(harness, kind, gamma):
    if "float16" not in harness.dtypes or harness.name == "reference":
        return
    x = np.array([[-60000.0, 0.0, 0.0]])
    t = np.array([[1.0, 0.0, 0.0]])
    weight = np.array(2.0)
    got = harness(kind, x, t, dtype="float16", gamma=gamma, weight=weight, alpha=1.0)
    assert got.value.flat[0] == np.inf
    total = harness(kind, x, t, dtype="float16", gamma=gamma, weight=weight, alpha=1.0, reduction="sum")
    assert 1e5 < total.value < 1.3e5


@given(kinds, st.sampled_from(["int64", "bool"]), st.sampled_from(["logits", "targets"]))
def test_dtypes_of_arguments(harness, kind, dtype, name):
    x, t = np.ones(SHAPE), np.zeros(SHAPE)
    wrong = dtype if name == "logits" else "complex128"
    own = {"logits": harness.array(x, "float64"), "targets": harness.array(t, "float64")}
    own[name] = harness.array(x, wrong)
    rule = "real floating point" if name == "logits" else "real floating point or integer or bool"
    with pytest.raises(TypeError, match=f"{name} must be {rule}, got .*{wrong}"):
        harness.function(kind)(own["logits"], own["targets"])
