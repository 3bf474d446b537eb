r"""The sigmoid focal loss in few operations, for hard and for linear soft targets: what the torch adapter computes.

Half as many passes as the rules of `sigmoid_rules`, which know what each rounding loses: there the
error is a few ULP at any gamma, here it is that of 1 - p_t times gamma, within the bounds of the
conformance suite up to gamma 10 (docs/accuracy.md has what was measured).

With m = (1 - p_t)^gamma

  hard    s = x (1-2t), the logit as it speaks against the target;  E = exp(s), the odds
          p_t = 1/(1+E);  1 - p_t = E p_t;  CE = max(log(1+E), s)
          FL' = B p_t (gamma log(1+E) + E),  FL = |B CE|,  B = (1 - t - alpha) m
  linear  e = exp(-|x|);  r = 1/(1+e);  p = r max(e, [x >= 0]), q = r max(e, [x < 0]);  1 - p_t = p (1-t) + q t
          CE = max(x, 0) (1-t) + max(-x, 0) t + log(1 + e)
          FL' = alpha_t m (gamma (1-2t) k CE + p (1-t) - q t),  k = p q / (1 - p_t) = 1 / ((1-t)/q + t/p)

No branch and no comparison: eager PyTorch and TensorFlow do not vectorise `where` on CPU, which costs as
much as twelve products in one and two in the other. A step is a clipped multiple: where it is neither 0
nor 1, e is 1. E is cut off where p_t vanishes beside 1; there CE is s.
"""

from functools import cached_property
from typing import Any

from focal_ref.powers import power
from focal_ref.stable import Array

STEEP = 2.0**127
"""Makes a step of any number that exp(-|x|) tells from 0."""
FAR = 1e4
"""More than any cross-entropy whose p_t is not 0: it bounds a factor that would be infinity times 0."""

FARTHEST = 64.0
"""Past it p_t is below 1e-27, and no digit of 1 - p_t depends on it. TensorFlow's reciprocal, which its graphs put in
the place of a division too, is a 12-bit estimate for float32 of 1e35 and more (2.21, CPU): on eight of them,
``tf.math.reciprocal(tf.fill([8], 1e37)) * 1e37`` is 1.00009."""


class FastRule:
    """Value and gradient in x, for an alpha that is a number, one per class, or None."""

    cross_entropy: Array
    modulator: Array
    w: Array

    def __init__(self, x: Array, t: Array, gamma: float | Array, alpha: float | Array | None, xp: Any) -> None:
        self.x, self.t, self.gamma, self.alpha, self.xp = x, t, gamma, alpha, xp

    @cached_property
    def not_t(self) -> Array:
        """1 - t."""
        return 1.0 - self.t

    @cached_property
    def factor(self) -> Array:
        """alpha_t (1 - p_t)^gamma."""
        return self.modulator if self.alpha is None else self.balance(self.alpha) * self.modulator

    def balance(self, alpha: float | Array) -> Array:
        """alpha_t."""
        return alpha * self.t + (1.0 - alpha) * self.not_t

    def value(self) -> Array:
        """FL."""
        raise AttributeError("a rule says what its value is")

    def gradient(self) -> Array:
        """FL'."""
        raise AttributeError("a rule says what its gradient is")

    def detached_gradient(self) -> Array:
        """FL' with the modulating factor as a constant."""
        raise AttributeError("a rule says what its gradient is")


class Hard(FastRule):
    """Targets that are 0 or 1."""

    def __init__(self, x: Array, t: Array, gamma: float | Array, alpha: float | Array | None, xp: Any) -> None:
        super().__init__(x, t, gamma, alpha, xp)
        self.w = self.not_t - t
        s = x * self.w
        self.odds = xp.exp(xp.clip(s, None, FARTHEST))
        self.p_t = xp.reciprocal(1.0 + self.odds)
        self.log_d = xp.log1p(self.odds)
        self.q = self.odds * self.p_t
        self.cross_entropy = xp.maximum(self.log_d, s)
        self.modulator = power(self.q, gamma, xp)

    @cached_property
    def signed(self) -> Array:
        """alpha_t (1-2t) (1 - p_t)^gamma: 1 - t - alpha is alpha_t with that sign, exact for a small alpha."""
        return (self.w if self.alpha is None else self.not_t - self.alpha) * self.modulator

    def value(self) -> Array:
        value = self.xp.abs(self.signed * self.cross_entropy)
        if keeps_both_classes(self.alpha):
            return value
        # alpha 0 or 1 leaves a class out, were its loss infinite; but not nan.
        left_out = (self.signed == 0.0) & (self.cross_entropy > FAR)
        return self.xp.where(left_out, self.xp.abs(self.signed), value)

    def gradient(self) -> Array:
        return self.signed * (self.p_t * (self.gamma * self.log_d + self.odds))

    def detached_gradient(self) -> Array:
        return self.signed * self.q


class Linear(FastRule):
    """p_t = p t + (1-p)(1-t)."""

    def __init__(self, x: Array, t: Array, gamma: float | Array, alpha: float | Array | None, xp: Any) -> None:
        super().__init__(x, t, gamma, alpha, xp)
        self.w = self.not_t - t
        self.e = xp.exp(-xp.abs(x))
        self.r = xp.reciprocal(1.0 + self.e)
        self.log_d = xp.log1p(self.e)
        positive = xp.clip(x * STEEP, 0.0, 1.0)
        self.p = self.r * xp.maximum(self.e, positive)
        self.q = self.r * xp.maximum(self.e, 1.0 - positive)
        self.up, self.down = self.p * self.not_t, self.q * t
        # No more than 1, which a huge gamma would not forgive.
        self.modulator = power(xp.clip(self.up + self.down, None, 1.0), gamma, xp)
        largest = float(xp.finfo(x.dtype).max)
        self.above, self.below = xp.clip(x, 0.0, largest), xp.clip(-x, 0.0, largest)
        self.cross_entropy = self.above * self.not_t + self.below * t + self.log_d

    def value(self) -> Array:
        xp, largest = self.xp, float(self.xp.finfo(self.x.dtype).max)
        # 0 or infinity, and 0 where what speaks against the logit weighs nothing: never their product. Not told by
        # the modulator of a tiny weight, which underflows.
        opposed = self.not_t * xp.clip(self.x * STEEP, 0.0, 1.0) + self.t * xp.clip(-self.x * STEEP, 0.0, 1.0)
        counts = xp.clip(opposed * largest * largest, None, 1.0)
        if not keeps_both_classes(self.alpha):
            counts = counts * xp.clip(self.balance(self.alpha) * largest * largest, None, 1.0)
        beyond = xp.abs(self.x) - (self.above + self.below)
        return self.factor * self.cross_entropy + xp.minimum(beyond, counts * largest * largest)

    def gradient(self) -> Array:
        xp = self.xp
        floor = float(xp.finfo(self.x.dtype).smallest_normal)
        k = 1.0 / (self.not_t / xp.clip(self.q, floor, None) + self.t / xp.clip(self.p, floor, None))
        return self.factor * (self.w * k * self.near() * self.gamma + (self.up - self.down))

    def near(self) -> Array:
        """CE where its factor p_t is not 0: inf * 0 is nan."""
        return self.xp.clip(self.cross_entropy, None, FAR)

    def detached_gradient(self) -> Array:
        return self.factor * (self.up - self.down)


def keeps_both_classes(alpha: Any) -> bool:
    """Whether no class is left out, as alpha 0 or 1 does; False where that cannot be told."""
    return alpha is None or (isinstance(alpha, float) and 0.0 < alpha < 1.0)
