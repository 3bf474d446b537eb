r"""The sigmoid focal loss for compilers that fuse: hard and linear soft targets, in one vectorised loop.

Where one loop computes everything, a select costs next to nothing and a pass over memory nothing at
all: what costs are the transcendental functions and the divisions. Here they are one exponential,
one division for the value and two for the gradient. `sigmoid_fast` is for eager execution, where a
select costs as much as twelve products.

With y = |x|, e = exp(-y), r = 1/(1+e) and the weights of `sigmoid_rules`, opposed and agreed:

  mixed = opposed + agreed e;  1 - p_t = mixed r;  m = alpha_t (1 - p_t)^gamma
  CE = opposed y + log(1 + e)
  FL' = sign(x) m (gamma c k CE + r (opposed - agreed e)),  c = opposed - agreed,  k = e r / mixed

The error is that of 1 - p_t times gamma: `docs/accuracy.md` has what was measured.
"""

from typing import Any

from focal_ref.powers import power
from focal_ref.stable import Array, significand_bits

FAR = 1e4
"""Beyond it k is 0, and inf * 0 is nan."""
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

    def __init__(self, x: Array, t: Array, gamma: float, alpha: float | Array | None, xp: Any) -> None:
        self.xp, self.gamma = xp, gamma
        not_t = 1.0 - t
        self.positive = x >= 0.0
        y = xp.abs(x)
        self.e = xp.exp(-y)
        self.opposed = xp.where(self.positive, not_t, t)
        self.agreed = xp.where(self.positive, t, not_t)
        self.r = 1.0 / (1.0 + self.e)
        self.mixed = self.opposed + self.agreed * self.e
        modulator = power(self.mixed * self.r, gamma, xp)
        self.m = modulator if alpha is None else (alpha * t + (1.0 - alpha) * not_t) * modulator
        # An infinite logit says nothing about a target that weighs nothing: inf * 0 is nan.
        linear = xp.where(self.opposed == 0.0, self.opposed, self.opposed * y)
        self.cross_entropy = linear + log1p_of_unit(self.e, xp)

    def value(self) -> Array:
        """FL."""
        # alpha 0 or 1 leaves a class out, were its loss infinite; but not nan.
        left_out = (self.m == 0.0) & (self.cross_entropy > FAR)
        return self.xp.where(left_out, self.m, self.m * self.cross_entropy)

    def gradient(self, value: Array) -> Array:
        """FL', after `value`.

        That it reads the value is of use beyond the cap: XLA then computes it when the value has been
        summed, and writes it where the value was, instead of keeping both.
        """
        xp = self.xp
        k = self.e * self.r / xp.where(self.mixed == 0.0, xp.ones_like(self.mixed), self.mixed)
        beyond = (value > FAR) | (self.m == 0.0)
        near = xp.where(beyond, xp.full_like(value, FAR), self.cross_entropy)
        return self._signed(self.gamma * ((self.opposed - self.agreed) * k * near) + self._delta())

    def detached_gradient(self) -> Array:
        """FL' with the modulating factor as a constant."""
        return self._signed(self._delta())

    def _delta(self) -> Array:
        return self.r * (self.opposed - self.agreed * self.e)

    def _signed(self, slope: Array) -> Array:
        gradient = self.m * slope
        return self.xp.where(self.positive, gradient, -gradient)


def log1p_of_unit(e: Array, xp: Any) -> Array:
    """``log(1 + e)`` for 0 <= e <= 1, in float32 a polynomial: XLA's log1p costs more than all else together.

    Within 2 ULP, where XLA's errs by 2.5 (jax 0.10.2, CPU).
    """
    if significand_bits(e.dtype, xp) > 24:
        return xp.log1p(e)
    series = LOG_SERIES[-1]
    for coefficient in LOG_SERIES[-2::-1]:
        series = series * e + coefficient
    return e + e * e * series
