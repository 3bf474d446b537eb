"""Powers for the choice of points, the same on every machine."""

import numpy as np

from focal_conformance.formats import Float64


def powers_of_two(exponents: Float64) -> Float64:
    """``2.0 ** exponents``, correctly rounded.

    NumPy's own differ in the last place: one with AVX-512 gives other points than one without.
    """
    from flint import arb, ctx

    from focal_conformance.oracle.rounding import exact, unique_double

    with ctx.workprec(200):
        rounded = [unique_double(arb(2) ** exact(float(exponent))) for exponent in exponents]
    return np.array(rounded, dtype=np.float64)
