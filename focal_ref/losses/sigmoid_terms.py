"""The quantities that the sigmoid focal loss is made of, named and derived in `sigmoid_focal`.

Here is what keeps each of them accurate: which cancellation, which overflow, which underflow.
"""

import math
from typing import Any

from focal_ref.stable import Array, two_product, two_sum


class SigmoidTerms:
    """The quantities for logits x and targets t; those that only derivatives need are properties."""

    def __init__(self, x: Array, t: Array, gamma: float, xp: Any) -> None:
        self.xp, self.t = xp, t
        magnitude = xp.abs(x)
        self.infinite = magnitude == math.inf
        # inf * 0 and inf - inf never occur; the largest finite |x| has the same derivatives.
        y = self.y = xp.where(self.infinite, xp.full_like(x, float(xp.finfo(x.dtype).max)), magnitude)
        positive = x >= 0.0
        self.sign = xp.where(positive, xp.ones_like(x), -xp.ones_like(x))
        zero = xp.zeros_like(x)
        not_t, not_t_low = two_sum(xp.ones_like(t), -t)
        self.not_t = not_t
        self.opposed = xp.where(positive, not_t, t)
        self.agreed = xp.where(positive, t, not_t)
        opposed_low = xp.where(positive, not_t_low, zero)
        agreed_low = xp.where(positive, zero, not_t_low)
        e = self.e = xp.exp(-y)
        d = self.d = 1.0 + e
        # log1p has full accuracy here: its argument lies in (0, 1]. log1p(-p) would not (jax#39707).
        self.cross_entropy = self.opposed * y + xp.log1p(e)
        mixed = self.opposed + self.agreed * e
        self.u = mixed / d
        self.mixed = xp.where(mixed == 0.0, xp.ones_like(x), mixed)
        self.modulator = self._modulator(gamma, opposed_low, agreed_low)

    def _modulator(self, gamma: float, opposed_low: Array, agreed_low: Array) -> Array:
        """u^gamma, with the rounding error of u taken out to first order.

        pow multiplies the relative error of its base by gamma. Where agreed*e dominates u, most of
        that error is exp's own: there u = e m, and u^gamma = exp(-gamma y) m^gamma, with gamma*y
        carried exactly and m = (agreed + opposed/e)/d insensitive to e. The remaining roundings of
        m (or of u itself) are known exactly from two_sum and from the residual of the division.
        """
        xp, e, d = self.xp, self.e, self.d
        one = xp.ones_like(e)
        factored = (self.agreed * e > self.opposed) & (e > 0.0)
        divisor = xp.where(factored, e, one)
        factor = xp.where(factored, one, e)
        numerator, numerator_low = two_sum(self.opposed / divisor, self.agreed * factor)
        numerator_low = numerator_low + opposed_low / divisor + agreed_low * factor
        base = numerator / d
        product, product_low = two_product(base, d, xp)
        d_low = e - (d - 1.0)
        residual = ((numerator - product) - product_low) + (numerator_low - base * d_low)
        relative = residual / xp.where(numerator == 0.0, one, numerator)
        # e > 0 keeps y below 746, so the exact product cannot overflow; nor can gamma, capped where
        # the factor is 0 or 1 anyway.
        y = xp.where(factored, self.y, xp.zeros_like(e))
        exponent, exponent_low = two_product(_capped(gamma, xp), y, xp)
        power = xp.pow(base, gamma)
        correction = gamma * relative - exponent_low
        # A gamma that is a 0-d array, as under torch.compile, has no value to compare.
        if not isinstance(gamma, float) or gamma > 100.0:
            # m may reach 2, and inf * 0 is nan.
            power = xp.minimum(power, xp.full_like(power, float(xp.finfo(power.dtype).max)))
            # Where it is not small, the first order is not enough, and below -1 changes the sign.
            correction = xp.expm1(xp.minimum(correction, xp.full_like(correction, 80.0)))
        # In halves: exp(-gamma y) alone underflows where its product with m^gamma does not. The
        # correction goes between them: after them it is subnormal long before the result, and some flush.
        half = xp.exp(-0.5 * exponent)
        power = half * power
        return half * (power + power * correction)

    @property
    def near_cross_entropy(self) -> Array:
        """CE where k is not 0; beyond 1e4, where it is, a number that gamma cannot make overflow.

        inf * 0 is nan, and compilers may multiply in another order than written (TensorFlow's
        grappler moves constants such as gamma to any factor of a product).
        """
        far = self.cross_entropy > 1e4
        return self.xp.where(far, self.xp.full_like(self.u, 1e4), self.cross_entropy)

    @property
    def c(self) -> Array:
        """1 - 2t, mirrored; exact for t >= 1/4."""
        return self.sign * (self.not_t - self.t)

    @property
    def k(self) -> Array:
        """p(1-p) / u."""
        left, right = self.k_factors
        return left * right

    @property
    def k_factors(self) -> tuple[Array, Array]:
        """Two factors of k, neither of which is subnormal before k's last place is."""
        one, right_side = self.xp.ones_like(self.e), self.opposed == 0.0
        root = self.xp.where(right_side, one, self.xp.exp(-0.5 * self.y))
        return root, root / self.xp.where(right_side, one, self.mixed) / self.d

    @property
    def tau(self) -> Array:
        """t(1-t) / u; 0 for hard targets."""
        return self.t * self.not_t / self.mixed * self.d

    @property
    def delta(self) -> Array:
        """Mirrored p - t."""
        # Near x = 0, t = 1/2 both sides are nearly equal, and 1 - e has lost what expm1 keeps.
        small = self.c - self.agreed * self.xp.expm1(-self.y)
        return self.xp.where(self.y < 0.5, small, self.opposed - self.agreed * self.e) / self.d

    def alpha_t(self, alpha: float) -> Array:
        """Balance alpha t + (1-alpha)(1-t); 1 - alpha is formed in the dtype of the arrays, as alpha is held there."""
        return alpha * self.t + (self.xp.ones_like(self.t) - alpha) * self.not_t

    def balanced(self, alpha: float | None, elements: Array) -> Array:
        """Times alpha_t."""
        return elements if alpha is None else self.alpha_t(alpha) * elements


def _capped(gamma: float | Array, xp: Any) -> float | Array:
    """At most 2**20; never asks for the value of a gamma that is a 0-d array."""
    limit = 2.0**20
    return min(gamma, limit) if isinstance(gamma, float) else xp.minimum(gamma, xp.full_like(gamma, limit))
