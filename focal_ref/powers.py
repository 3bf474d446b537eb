"""Powers with an exponent that is often whole or half: products and a square root, as exact as pow and faster."""

from typing import Any

from focal_ref.stable import Array

MOST_PRODUCTS = 8.0
"""Up to it, at most five products and a square root."""


def power(base: Array, exponent: float | Array, xp: Any) -> Array:
    """``base**exponent`` for a base >= 0.

    Parameters
    ----------
    base : array
    exponent : float or 0-d array
        A float that is a multiple of 1/2 up to 8 takes products and a square root: each rounds once,
        where pow may err by more. The exponent 0 gives 1, also for nan, as pow does.
    xp : namespace
    """
    if not isinstance(exponent, float) or exponent > MOST_PRODUCTS or exponent * 2.0 != int(exponent * 2.0):
        return xp.pow(base, exponent)
    whole = int(exponent)
    result = None if exponent == whole else xp.sqrt(base)
    square = base
    while whole:
        if whole % 2:
            result = square if result is None else result * square
        whole //= 2
        square = square * square if whole else square
    return xp.ones_like(base) if result is None else result
