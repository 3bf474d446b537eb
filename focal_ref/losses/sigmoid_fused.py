r"""The sigmoid focal loss for compilers that fuse: hard and linear soft targets, in one vectorised loop.

Where one loop computes everything, a select costs next to nothing and a pass over memory nothing at
all: what costs are the transcendental functions, the divisions, and chains of operations that wait
for each other. Here they are one exponential, one division, and a series of two strands. `sigmoid_fast` is
for eager execution, where a select costs as much as twelve products.

With y = |x|, e = exp(-y), r = 1/(1+e), the weights of `sigmoid_rules`, opposed and agreed, and
c = opposed - agreed:

  u = 1 - p_t = (opposed + agreed e) r;  CE = opposed y + log(1 + e);  FL = alpha_t u^gamma CE
  FL' = sign(x) alpha_t u^gamma (gamma c e r CE / (opposed + agreed e) + r (opposed - agreed e))
      = sign(x) alpha_t u^(gamma-1) r (gamma c e r CE + u (opposed - agreed e))

The second form divides by nothing; it is for a gamma of at least 1.
The error is that of 1 - p_t times gamma: `docs/accuracy.md` has what was measured.
"""

import math
from typing import Any

from focal_ref.losses.sigmoid_fast import keeps_both_classes
from focal_ref.powers import power
from focal_ref.stable import Array, significand_bits

FAR = 1e4
"""A cross-entropy beyond it is of a logit whose exp(-y) is 0."""
LOG_SERIES = (
    -0.49999648,
    0.333213226,
    -0.248571637,
    0.191536549,
    -0.137538023,
    0.0792045356,
    -0.0300657923,
    0.00536482433,
)
"""(log(1+e) - e) / e^2 on [0, 1]: least maximum of the relative error of log(1+e), half of an ULP of float32."""


class Fused:
    """Value and gradient in x, for an alpha that is a number, one per class, or None."""

    def __init__(self, x: Array, t: Array, gamma: float | Array, alpha: float | Array | None, xp: Any) -> None:
        self.xp, self.gamma = xp, gamma
        not_t = 1.0 - t
        self.positive = x >= 0.0
        y = xp.abs(x)
        self.e = xp.exp(-y)
        self.opposed = xp.where(self.positive, not_t, t)
        self.agreed = xp.where(self.positive, t, not_t)
        self.agreed_e = self.agreed * self.e
        self.r = 1.0 / (1.0 + self.e)
        self.mixed = self.opposed + self.agreed_e
        self.u = self.mixed * self.r
        alpha_t = None if alpha is None else _balanced(alpha, t, not_t)
        if self._divides:
            modulator = power(self.u, gamma, xp)
            self.m = modulator if alpha_t is None else alpha_t * modulator
        else:
            lower = power(self.u, gamma - 1.0, xp)
            self.lower = lower if alpha_t is None else alpha_t * lower
            self.m = self.lower * self.u
        # An infinite logit says nothing about a target that weighs nothing, in itself or by its alpha: inf * 0 is nan.
        weightless = self.opposed == 0.0
        if not keeps_both_classes(alpha):
            weightless = weightless | (alpha_t == 0.0)
        linear = xp.where(weightless, xp.zeros_like(y), self.opposed * y)
        self.cross_entropy = linear + log1p_of_unit(self.e, xp)

    def value(self) -> Array:
        """FL."""
        # Infinite for however small a weight, whose power may underflow.
        return self.xp.where(self.cross_entropy == math.inf, self.cross_entropy, self.m * self.cross_entropy)

    def gradient(self, value: Array | None = None) -> Array:
        """FL', for XLA after `value`.

        Reading the value instead of what it was made of, XLA computes it when the value has been
        summed, and writes it where the value was, instead of keeping both.
        """
        xp = self.xp
        e_r = self.e * self.r
        gone = e_r == 0.0 if value is None else (value > FAR) | (self.m == 0.0)
        if self._divides:
            # Before CE comes in: a product of two tiny numbers is 0.
            e_r = e_r / xp.where(self.mixed == 0.0, xp.ones_like(e_r), self.mixed)
        # exp(-y) vanishes faster than CE grows, and inf * 0 is nan.
        near = xp.where(gone, xp.zeros_like(e_r), e_r * self.cross_entropy)
        pull = self.gamma * ((self.opposed - self.agreed) * near)
        if self._divides:
            return self._signed(self.m, pull + self._delta())
        return self._signed(self.lower * self.r, pull + self.u * (self.opposed - self.agreed_e))

    def detached_gradient(self) -> Array:
        """FL' with the modulating factor as a constant."""
        return self._signed(self.m, self._delta())

    @property
    def _divides(self) -> bool:
        """Whether u^(gamma-1) may be infinite."""
        return not (isinstance(self.gamma, float) and self.gamma >= 1.0)

    def _delta(self) -> Array:
        return self.r * (self.opposed - self.agreed_e)

    def _signed(self, factor: Array, slope: Array) -> Array:
        gradient = factor * slope
        return self.xp.where(self.positive, gradient, -gradient)


def _balanced(alpha: float | Array, t: Array, not_t: Array) -> Array:
    """alpha_t; of a number in two operations, from the smaller weight up: nothing cancels."""
    if not isinstance(alpha, float):
        return alpha * t + (1.0 - alpha) * not_t
    return alpha + (1.0 - 2.0 * alpha) * not_t if alpha < 0.5 else (1.0 - alpha) + (2.0 * alpha - 1.0) * t


def log1p_of_unit(e: Array, xp: Any) -> Array:
    """``log(1 + e)`` for 0 <= e <= 1, in float32 a polynomial: XLA's log1p costs more than all else together.

    Within 2.04 ULP, at four million numbers in NumPy, where XLA's errs by 2.5 (jax 0.10.2, CPU).
    """
    if significand_bits(e.dtype, xp) > 24:
        return xp.log1p(e)
    # The upper half of the terms side by side: they wait less for each other, and lose no digit that counts.
    square = e * e
    series = (LOG_SERIES[4] + LOG_SERIES[6] * square) + (LOG_SERIES[5] + LOG_SERIES[7] * square) * e
    for coefficient in LOG_SERIES[3::-1]:
        series = series * e + coefficient
    return e + square * series
