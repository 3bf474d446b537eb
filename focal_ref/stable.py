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


def carried_sum(x: Array, xp: Any) -> tuple[Array, Array]:
    """Sum over the last axis, which stays with length 1: the sum rounded, and what the rounding lost.

    Halves are added pair by pair, so that the error does not grow with the number of terms, whatever
    order a framework's own sum has: naive in some, float32 sums of 100,000 terms lose three digits.
    The lost part is known to full relative accuracy, so that ``(sum - x_j) + lost`` is the sum of the
    others even where x_j is nearly all of it.
    """
    high, low = x, None
    odd: list[tuple[Array, Array | None]] = []
    # A number, not a symbol: with symbolic lengths Inductor (torch 2.13) reads beyond such slices.
    count = int(x.shape[-1])
    while count > 1:
        half = count // 2
        if count % 2:
            odd.append((high[..., -1:], None if low is None else low[..., -1:]))
        pair_low = 0.0 if low is None else low[..., :half] + low[..., half : 2 * half]
        high, error = two_sum(high[..., :half], high[..., half : 2 * half])
        low = error + pair_low
        count = half
    for single, single_low in odd:
        high, error = two_sum(high, single)
        low = error + (low if low is not None else 0.0) + (0.0 if single_low is None else single_low)
    return high, xp.zeros_like(high) if low is None else low


def sum_last(x: Array, xp: Any) -> Array:
    """Sum over the last axis, which stays with length 1, to an error that does not grow with its length."""
    odd: list[Array] = []
    count = int(x.shape[-1])
    while count > 1:
        half = count // 2
        if count % 2:
            odd.append(x[..., -1:])
        x = x[..., :half] + x[..., half : 2 * half]
        count = half
    for single in odd:
        x = x + single
    return x
