r"""The softmax focal loss of class indices for compilers that fuse: few loops over a row, no one-hot array.

With e = exp(x - max), S the sum of the e of the other classes, T = S + e_y and u = 1 - p_y = S/T,

  CE = log1p(S/e_y) where e_y is the larger part of T, else log T - (x_y - max)
  FL = m CE,  FL_j = e_j/S C for another class j,  FL_y = -C,  m = alpha_y u^gamma,  C = m (gamma p_y CE + u)

1 - p_y never cancels. The sums are plain ones: up to `MOST_CLASSES` they err by a few ULP;
`softmax_rules` has sums that do not depend on the number of classes.
"""

import math
from typing import Any

from focal_ref.namespace import class_numbers
from focal_ref.powers import power
from focal_ref.stable import Array, two_sum

MOST_CLASSES = 256
"""Beyond, a sum in any order errs by more than the carried ones."""


class FusedRows:
    """Value and gradient of rows, for an alpha that is a number, one per class, or None."""

    def __init__(self, x: Array, index: Array, gamma: float | Array, alpha: float | Array | None, xp: Any) -> None:
        self.xp, self.gamma = xp, gamma
        # Compared as floats, which hold the numbers of so few classes: vectors of int64 are half as long.
        index = xp.expand_dims(index, axis=-1)
        column = xp.astype(index, x.dtype)
        self.chosen = column == class_numbers(x, x.dtype, xp)
        top = xp.max(x, axis=-1, keepdims=True)
        self.e, _ = self._exponential(x, top)
        valid = (column >= 0) & (column < x.shape[-1])
        x_y = xp.take_along_axis(x, xp.where(valid, index, xp.zeros_like(index)), axis=-1)
        mine, below = self._exponential(x_y, top)
        mine = xp.where(valid & (top > -math.inf), mine, xp.full_like(mine, math.nan))
        self.others = self._sum(xp.where(self.chosen, xp.zeros_like(x), self.e))
        total = mine + self.others
        self.u, self.p_y = self.others / total, mine / total
        one = xp.ones_like(mine)
        far = xp.log(total) - below
        near = xp.log1p(xp.where(mine > self.others, self.others, one) / xp.where(mine > self.others, mine, one))
        self.cross_entropy = xp.where(mine > self.others, near, far)
        self.m = power(self.u, gamma, xp)
        if alpha is not None:
            self.m = self.m * (alpha if isinstance(alpha, float) or alpha.shape == () else self._of_class(alpha))

    def value(self) -> Array:
        """FL."""
        # A class that alpha leaves out has no loss, not even an infinite one.
        return self.xp.where(self.m == 0.0, self.m, self.m * self.cross_entropy)

    def gradient(self) -> Array:
        """FL' of each logit."""
        xp = self.xp
        # p_y vanishes faster than CE grows, and inf * 0 is nan.
        near = xp.where(self.p_y == 0.0, xp.zeros_like(self.u), self.cross_entropy)
        return self._pulled(self.m * (self.gamma * (self.p_y * near) + self.u))

    def detached_gradient(self) -> Array:
        """FL' with the modulating factor as a constant."""
        return self._pulled(self.m * self.u)

    def _pulled(self, pull: Array) -> Array:
        xp = self.xp
        divisor = xp.where(self.others == 0.0, xp.ones_like(self.others), self.others)
        return xp.where(self.chosen, -pull, self.e * (pull / divisor))

    def _exponential(self, x: Array, top: Array) -> tuple[Array, Array]:
        """exp(x - top), and x - top."""
        xp = self.xp
        below, lost = two_sum(x, -top)
        # Equal infinities have equal shares; what is finite beside an infinity has none.
        below = xp.where(x == top, xp.zeros_like(below), below)
        # What the subtraction rounds away counts up to 88 times, and 745 times in float64; of infinities it is nan.
        # As one product: an exponential used twice is what PyTorch's compiler writes to memory, and reads.
        lost = xp.where(lost == lost, lost, xp.zeros_like(lost))
        return xp.exp(below) * (1.0 + lost), below

    def _of_class(self, alpha: Array) -> Array:
        return self._sum(self.xp.where(self.chosen, alpha, self.xp.zeros_like(self.e)))

    def _sum(self, row: Array) -> Array:
        return self.xp.sum(row, axis=-1, keepdims=True)
