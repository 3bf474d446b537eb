"""The quantities that the softmax focal loss is made of, for rows of logits and rows of targets.

Here is what keeps each of them accurate. The largest logit is subtracted, with what the subtraction
rounds away: exp multiplies that by up to 745. Sums carry what they lose, so that the sum of the
others is known to full relative accuracy even where one class is nearly all: 1 - p never cancels.
"""

import math
from functools import cached_property
from typing import Any

from focal_ref.stable import Array, carried_sum, sum_last, two_sum


class SoftmaxTerms:
    """Quantities of shape (..., K), or (..., 1) for what belongs to a row."""

    def __init__(self, x: Array, t: Array, xp: Any) -> None:
        self.xp, self.t = xp, t
        self.one, self.zero = xp.ones_like(x), xp.zeros_like(x)
        top = xp.max(x, axis=-1, keepdims=True)
        below, lost = two_sum(x, -top)
        # Equal infinities have equal shares; what is finite beside an infinity has none.
        below = xp.where(x == top, self.zero, below)
        self.lost = xp.where(xp.abs(below) < math.inf, lost, self.zero)
        self.lost = xp.where(below == 0.0, self.zero, self.lost)
        self.below = below
        e = xp.exp(below)
        self.e = e + e * self.lost
        self.total, self.total_low = carried_sum(self.e, xp)
        self.p = self.e / self.total
        # The sum of the others, over the sum of all.
        self.q = ((self.total - self.e) + self.total_low) / self.total
        self.dominant = self.p > 0.5
        # The top class alone is exactly 1 of the total.
        self.log_total = xp.log1p((self.total - 1.0) + self.total_low)
        self.class_cross_entropy = self.log_total - below
        self.target_sum, self.target_sum_low = carried_sum(t, xp)

    @cached_property
    def cross_entropy(self) -> Array:
        """Sum of -t log p; a class without weight counts nothing, though its logit be -inf."""
        return sum_last(self.xp.where(self.t == 0.0, self.zero, self.t * self.class_cross_entropy), self.xp)

    @cached_property
    def p_t(self) -> Array:
        """Sum of t p."""
        return sum_last(self.t * self.e, self.xp) / self.total

    @cached_property
    def slope(self) -> Array:
        """T p - t, T the sum of t: the gradient of the cross-entropy."""
        return self.pulled(self.t, self.target_sum, self.target_sum_low)

    def pulled(self, z: Array, total: Array | None = None, low: Array | None = None) -> Array:
        """Z p - z, Z the sum of z: what a weight z on log p does to the logits.

        For the dominant class the difference is taken of what is small, the sum of the other z and Z q.
        """
        if total is None or low is None:
            total, low = carried_sum(z, self.xp)
        others = (total - z) + low
        return self.xp.where(self.dominant, others - total * self.q, total * self.p - z)

    def shifted(self, vector: Array) -> Array:
        """The vector minus its entry at the dominant class: the Hessian maps constants to 0."""
        return vector - sum_last(self.xp.where(self.dominant, vector, self.zero), self.xp)

    def dot(self, left: Array, right: Array) -> Array:
        """Sum of products along a row."""
        return sum_last(left * right, self.xp)

    def balance(self, alpha: float | Array | None) -> Array | None:
        """Sum of alpha t; None where nothing is balanced."""
        if alpha is None:
            return None
        weights = alpha * self.t
        return sum_last(weights, self.xp)
