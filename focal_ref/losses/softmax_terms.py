"""The quantities that the softmax focal loss is made of, for rows of logits and rows of targets.

Here is what keeps each of them accurate. The largest logit is subtracted, with what the subtraction
rounds away: exp multiplies that by up to 745. Sums carry what they lose, so that the sum of the
others is known to full relative accuracy even where one class is nearly all: 1 - p never cancels.
"""

import math
from functools import cached_property
from typing import Any

from focal_ref.checks import ROW_SUM_TOLERANCE
from focal_ref.stable import Array, carried_sum, significand_bits, sum_last, two_product, two_sum


class SoftmaxTerms:
    """Quantities of shape (..., K), or (..., 1) for what belongs to a row."""

    def __init__(self, x: Array, t: Array, xp: Any) -> None:
        self.xp = xp
        self.one, self.zero = xp.ones_like(x), xp.zeros_like(x)
        top = xp.max(x, axis=-1, keepdims=True)
        below, lost = two_sum(x, -top)
        # Equal infinities have equal shares; what is finite beside an infinity has none.
        below = xp.where(x == top, self.zero, below)
        # Where every class is masked out none is left to be right.
        below = xp.where(top == -math.inf, xp.full_like(x, math.nan), below)
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
        # Where nobody could check them, rows that are no distribution must not pass for one.
        distribution = xp.abs(self.target_sum - 1.0) <= ROW_SUM_TOLERANCE
        self.t = xp.where(distribution, t, xp.full_like(t, math.nan))

    @cached_property
    def cross_entropy(self) -> Array:
        """Sum of -t log p; a class without weight counts nothing, though its logit be -inf."""
        return sum_last(self.xp.where(self.t == 0.0, self.zero, self.t * self.class_cross_entropy), self.xp)

    @cached_property
    def distance(self) -> tuple[Array, Array]:
        """Sum of t (top - x), and what that lost to rounding: exp of it multiplies what is lost."""
        xp = self.xp
        weighs = self.t > 0.0
        away = xp.where(weighs, -self.below, self.zero)
        product, low = two_product(self.t, away, xp)
        # The split of a huge or infinite distance is not exact, nor need it be.
        exact = weighs & (away < 2.0**60)
        low = xp.where(exact, low - self.t * self.lost, self.zero)
        total, carried = carried_sum(product, xp)
        return total, xp.where(total < 2.0**60, carried + sum_last(low, xp), xp.zeros_like(total))

    @cached_property
    def reference(self) -> Array:
        """The target of the dominant class, 0 without one: p_t is close to it."""
        return sum_last(self.xp.where(self.dominant, self.t, self.zero), self.xp)

    @cached_property
    def deviation_of_p_t(self) -> Array:
        """p_t minus the reference, without cancellation where one class dominates."""
        return sum_last((self.t - self.reference) * self.e, self.xp) / self.total

    @cached_property
    def p_t(self) -> Array:
        """Sum of t p."""
        return self.reference + self.deviation_of_p_t

    @cached_property
    def magnification(self) -> float:
        """A power of two that lifts subnormal probabilities, so that CE times p is right where p is flushed."""
        return 2.0**64 if significand_bits(self.t.dtype, self.xp) == 53 else 2.0**40

    @cached_property
    def lifted_p(self) -> Array:
        """P times the magnification."""
        xp, root = self.xp, self.xp.exp(0.5 * self.below) * self.magnification**0.5
        lifted = root * root
        # Twice the error of exp, and so only where e itself is near its end.
        small = self.below < -60.0
        return xp.where(small, lifted + lifted * self.lost, self.magnification * self.e) / self.total

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

    def bent(self, vector: Array) -> Array:
        """T p (v - <p, v>), the Hessian of the cross-entropy times a shifted vector, magnified."""
        mean = self.dot(self.lifted_p, vector)
        plain = self.lifted_p * (vector - mean / self.magnification)
        return self.target_sum * self.xp.where(self.dominant, -self.p * mean, plain)

    def dot(self, left: Array, right: Array) -> Array:
        """Sum of products along a row."""
        return sum_last(left * right, self.xp)

    def balance(self, alpha: float | Array | None) -> Array | None:
        """Sum of alpha t; None where nothing is balanced."""
        if alpha is None:
            return None
        weights = alpha * self.t
        return sum_last(weights, self.xp)
