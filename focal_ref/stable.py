"""The few numerically hard pieces, written once, with array-API functions only.

Sums and products that carry their own rounding error: T. J. Dekker, "A floating-point technique
for extending the available precision", Numerische Mathematik 18 (1971), doi:10.1007/BF01397083.
"""

from typing import Any

Array = Any


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """``a + b`` rounded, and the exact remainder."""
    total = a + b
    b_seen = total - a
    return total, (a - (total - b_seen)) + (b - b_seen)


def significand_bits(dtype: Any, xp: Any) -> int:
    """Bits of the significand, the implicit one included: 24 for float32, 53 for float64."""
    return 24 if float(xp.finfo(dtype).eps) > 2.0**-40 else 53


def two_product(a: Array | float, b: Array, xp: Any) -> tuple[Array, Array]:
    """``a * b`` rounded, and the exact remainder, while nothing overflows when scaled by 2**27.

    Both factors are split into halves whose products are exact. A scalar is split as the Python
    float it is, so that its upper half keeps half of the bits of the *array's* dtype.
    """
    bits = significand_bits(b.dtype, xp)
    half = (bits + 1) // 2
    splitter = 2.0**half + 1.0
    a_high, a_low = _halves(a, 2.0 ** (53 - bits + half) + 1.0 if isinstance(a, float) else splitter)
    b_high, b_low = _halves(b, splitter)
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: Array | float, splitter: float) -> tuple[Array, Array]:
    spread = splitter * a
    high = spread - (spread - a)
    return high, a - high
