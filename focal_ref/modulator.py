"""The modulating factor u^gamma, where pow alone would multiply the relative error of u by gamma."""

from typing import Any

from focal_ref.stable import Array, two_product, two_sum


def corrected_power(base: Array, relative: Array, gamma: float | Array, xp: Any) -> Array:
    """``(base (1 + relative))**gamma`` for a base in [0, 2] whose rounding error ``relative`` is known."""
    power, correction = _power_and_correction(base, gamma * relative, gamma, xp)
    return power + power * correction


def quotient_error(quotient: Array, numerator: Array, low: Array, divisor: Array, divisor_low: Array, xp: Any) -> Array:
    """Relative error of ``quotient = numerator / divisor``, both of which carry what their rounding lost."""
    product, product_low = two_product(quotient, divisor, xp)
    residual = ((numerator - product) - product_low) + (low - quotient * divisor_low)
    return residual / xp.where(numerator == 0.0, xp.ones_like(numerator), numerator)


def mixture_power(
    gamma: float | Array,
    y: Array,
    y_low: Array | None,
    e: Array,
    opposed: tuple[Array, Array],
    agreed: tuple[Array, Array],
    xp: Any,
) -> Array:
    """``u**gamma`` for ``u = (opposed + agreed e) / (1 + e)``, ``e = exp(-y)``, ``y = y + y_low >= 0``.

    Where agreed*e dominates u, most of the error of u is exp's own: there u = e m, and
    u^gamma = exp(-gamma y) m^gamma, with gamma*y carried exactly and m = (agreed + opposed/e)/(1+e)
    insensitive to e. The remaining roundings of m (or of u itself) are known exactly from two_sum
    and from the residual of the division.

    Parameters
    ----------
    gamma : float or 0-d array
    y, e : arrays
    y_low : array or None
        What y lost to rounding.
    opposed, agreed : pairs of arrays
        Weights in [0, 1] and what they lost to rounding.
    xp : namespace
    """
    one, zero = xp.ones_like(e), xp.zeros_like(e)
    d = 1.0 + e
    # Where the logit speaks against nothing u is e/d, and its power may be normal where e is 0.
    certain = opposed[0] == 0.0
    factored = (agreed[0] * e > opposed[0]) | certain
    divisor = xp.where(factored & (e > 0.0), e, one)
    factor = xp.where(factored, one, e)
    numerator, numerator_low = two_sum(opposed[0] / divisor, agreed[0] * factor)
    numerator_low = numerator_low + opposed[1] / divisor + agreed[1] * factor
    base = numerator / d
    # Not e - (d - 1): XLA adds up the constants in (1 + e) - 1.
    relative = quotient_error(base, numerator, numerator_low, d, (1.0 - d) + e, xp)
    # Capped where the factor is 0 or 1 anyway, so that the exact product cannot overflow.
    y = xp.minimum(xp.where(factored, y, zero), xp.full_like(y, 2.0**60))
    exponent, exponent_low = two_product(_capped(gamma, xp), y, xp)
    if y_low is not None:
        exponent_low = exponent_low + xp.where(factored, gamma * y_low, zero)
    power, correction = _power_and_correction(base, gamma * relative - exponent_low, gamma, xp)
    # In halves: exp(-gamma y) alone underflows where its product with m^gamma does not. The
    # correction goes between them: after them it is subnormal long before the result, and some flush.
    half = xp.exp(-0.5 * exponent)
    power = half * power
    return half * (power + power * correction)


def _power_and_correction(base: Array, correction: Array, gamma: float | Array, xp: Any) -> tuple[Array, Array]:
    power = xp.pow(base, gamma)
    # A gamma that is a 0-d array, as under torch.compile, has no value to compare.
    if not isinstance(gamma, float) or gamma > 100.0:
        # m may reach 2, and inf * 0 is nan.
        power = xp.minimum(power, xp.full_like(power, float(xp.finfo(power.dtype).max)))
        # Where it is not small, the first order is not enough, and below -1 changes the sign.
        correction = xp.expm1(xp.minimum(correction, xp.full_like(correction, 80.0)))
    return power, correction


def _capped(gamma: float | Array, xp: Any) -> float | Array:
    """At most 2**20; never asks for the value of a gamma that is a 0-d array."""
    limit = 2.0**20
    return min(gamma, limit) if isinstance(gamma, float) else xp.minimum(gamma, xp.full_like(gamma, limit))
