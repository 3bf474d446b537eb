"""Rounding and ULP against NumPy and ml_dtypes."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focal_conformance.errors import required_tolerance, ulp_errors
from focal_conformance.formats import FORMATS

DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


@pytest.mark.parametrize("name", DTYPES)
@given(x=st.floats(allow_nan=False))
def test_rounds_like_the_dtype(name, x):
    with np.errstate(over="ignore"):
        assert FORMATS[name].rounded(x) == np.asarray(x).astype(DTYPES[name]).astype(np.float64)


@pytest.mark.parametrize("name", ["float64", "float32", "float16"])
@given(x=st.floats(-1e308, 1e308))
def test_ulp_is_numpys_spacing(name, x):
    rounded = FORMATS[name].rounded(x)
    if np.abs(rounded) < FORMATS[name].largest:
        assert FORMATS[name].ulp(rounded) == abs(np.spacing(np.abs(rounded).astype(DTYPES[name])).astype(np.float64))


@pytest.mark.parametrize("name", DTYPES)
def test_constants(name):
    info = ml_dtypes.finfo(DTYPES[name])
    fmt = FORMATS[name]
    assert (fmt.eps, fmt.smallest_normal, fmt.largest) == tuple(
        float(v) for v in (info.eps, info.smallest_normal, info.max)
    )


def test_equal_infinities_and_nan_are_no_error():
    got = np.array([np.inf, np.nan, np.inf, 1.0, np.nan])
    exact = np.array([np.inf, np.nan, -np.inf, np.nan, 1.0])
    errors = ulp_errors(got, exact, np.abs(exact), FORMATS["float32"])
    np.testing.assert_array_equal(errors, [0.0, 0.0, np.inf, np.inf, np.inf])


def test_a_result_beyond_the_half_range_is_expected_as_infinity():
    errors = ulp_errors(np.array([np.inf, 65504.0]), np.array([1e5, 1e5]), np.array([1e5, 1e5]), FORMATS["float16"])
    np.testing.assert_array_equal(errors, [0.0, np.inf])


def test_required_tolerance():
    exact, ones = np.array([1.0, 0.0, -2.0]), np.ones(3)
    np.testing.assert_allclose(
        required_tolerance(exact, ones, FORMATS["float32"]), 2.0**-15 * np.array([1.0, 0.1, 2.0])
    )
    np.testing.assert_allclose(
        required_tolerance(exact, ones, FORMATS["bfloat16"]), 2.0**-4 * np.array([1.0, 0.1, 2.0])
    )
    np.testing.assert_array_equal(required_tolerance(exact, 0.0 * ones, FORMATS["float64"]), 0.0)
