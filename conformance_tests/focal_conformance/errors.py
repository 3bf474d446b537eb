"""Errors of a result in units in the last place, and by the rule of the required level."""

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import FORMATS, Float64, FloatFormat


def ulp_errors(got: Float64, exact: Float64, scale: Float64, fmt: FloatFormat) -> Float64:
    """|got - exact| in ULP of the format at ``scale``.

    Equal infinities and nan for nan are no error; any other mismatch of these is infinite. An exact
    result beyond the range of the format is expected as what it rounds to.
    """
    with np.errstate(all="ignore"):
        rounded = fmt.rounded(exact)
        error = np.abs(got - exact) / fmt.ulp(np.minimum(scale, fmt.largest))
        beyond = np.isinf(rounded) | np.isinf(got) | np.isnan(got) | np.isnan(exact)
        same = (got == rounded) | (np.isnan(got) & np.isnan(exact))
        return np.where(beyond, np.where(same, 0.0, np.inf), error)


def flushed(got: Float64, exact: Float64, fmt: FloatFormat) -> npt.NDArray[np.bool_]:
    """Where 0 stands for a result below the smallest normal number of the compute format."""
    smallest = FORMATS[fmt.compute_name].smallest_normal
    return np.asarray((got == 0.0) & (fmt.rounded(exact) != 0.0) & (np.abs(exact) < smallest))


def required_tolerance(exact: Float64, alpha_t: Float64, fmt: FloatFormat) -> Float64:
    """Largest error without harm to training: min(2^8 eps, 5 %) of max(|exact|, alpha_t / 10).

    For half types at least 8 eps. Where alpha_t is 0 the result is exactly 0. Never less than one
    ULP: among float16 subnormals 5 % may be less than half of their spacing, which no rounding meets.
    """
    relative = min(2.0**8 * fmt.eps, 0.05)
    if fmt.is_half:
        relative = max(relative, 8.0 * fmt.eps)
    unit = np.where(np.isfinite(exact), fmt.ulp(np.where(np.isfinite(exact), exact, 0.0)), 0.0)
    tolerance = np.maximum(relative * np.maximum(np.abs(exact), alpha_t / 10.0), unit)
    return np.where(alpha_t == 0.0, 0.0, tolerance)
