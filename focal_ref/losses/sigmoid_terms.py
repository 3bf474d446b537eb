"""The quantities that the sigmoid focal loss is made of, named and derived in `sigmoid_focal`.

Here is what keeps each of them accurate: which cancellation, which overflow, which underflow.
"""

import math
from functools import cached_property
from typing import Any

from focal_ref.modulator import mixture_power
from focal_ref.stable import Array


class SigmoidTerms:
    """The quantities for logits x and targets t; those that only some rules need are properties."""

    def __init__(self, x: Array, t: Array, xp: Any) -> None:
        self.xp, self.t = xp, t
        magnitude = xp.abs(x)
        self.infinite = magnitude == math.inf
        # inf * 0 and inf - inf never occur; the largest finite |x| has the same derivatives.
        self.y = xp.where(self.infinite, xp.full_like(x, float(xp.finfo(x.dtype).max)), magnitude)
        positive = x >= 0.0
        self.positive = positive
        self.one, self.zero = xp.ones_like(x), xp.zeros_like(x)
        self.sign = xp.where(positive, self.one, -self.one)
        # Not two_sum: XLA adds up the constants in (1 - t) - 1, and nothing of what is lost remains.
        not_t = 1.0 - t
        not_t_low = (1.0 - not_t) - t
        self.not_t, self.not_t_low = not_t, not_t_low
        self.opposed = xp.where(positive, not_t, t)
        self.agreed = xp.where(positive, t, not_t)
        self.opposed_low = xp.where(positive, not_t_low, self.zero)
        self.agreed_low = xp.where(positive, self.zero, not_t_low)
        self.e = xp.exp(-self.y)
        self.d = 1.0 + self.e
        # log1p has full accuracy here: its argument lies in (0, 1]. log1p(-p) would not (jax#39707).
        self.log_d = xp.log1p(self.e)
        self.cross_entropy = self.opposed * self.y + self.log_d

    def power(self, gamma: float | Array, opposed: Array, agreed: Array) -> Array:
        """((opposed + agreed e) / d)^gamma for exact weights."""
        return mixture_power(gamma, self.y, None, self.e, (opposed, self.zero), (agreed, self.zero), self.xp)

    @cached_property
    def delta(self) -> Array:
        """Mirrored p - t, the derivative of CE in y."""
        # Near x = 0, t = 1/2 both sides are nearly equal, and 1 - e has lost what expm1 keeps.
        small = self.c - self.agreed * self.xp.expm1(-self.y)
        return self.xp.where(self.y < 0.5, small, self.opposed - self.agreed * self.e) / self.d

    @cached_property
    def c(self) -> Array:
        """1 - 2t, mirrored; near t = 1/2 what 1 - t lost is a part of it."""
        return self.sign * ((self.not_t - self.t) + self.not_t_low)

    @property
    def p_not_p(self) -> Array:
        """P (1 - p), the second derivative of CE."""
        return self.e / self.d / self.d

    def p_not_p_over(self, divisor: Array) -> Array:
        """Quotient of p (1-p) and a divisor of at least exp(-y/2): a normal number where p (1-p) is not."""
        root = self.xp.exp(-0.5 * self.y)
        return root / self.xp.where(divisor == 0.0, self.one, divisor) * (root / self.d / self.d)

    def near(self, elements: Array) -> Array:
        """Cap at 1e4 what is only used where its factor vanishes beyond.

        inf * 0 is nan, and compilers may multiply in another order than written (TensorFlow's
        grappler moves constants such as gamma to any factor of a product).
        """
        return self.xp.where(elements > 1e4, self.xp.full_like(elements, 1e4), elements)
