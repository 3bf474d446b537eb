r"""The margin rule of the softmax focal loss: p_t = sigmoid(sum t_c m_c), m_c = log(p_c / (1 - p_c)).

m_c is the log-odds of class c; for two classes the rule is the sigmoid loss's, sigmoid(x (2t-1)).
Write z = -sum t m, u = sigmoid(z), tau = t/q, omega = tau p/q; let M be the dominant class if there is
one (p_M > 1/2), t_M its target, r the softmax over the others, and G, O the sums of tau and omega
over the others. 1/q_M is infinite long before anything else is, and cancels:

    z         = sum t (top - x) + t_M (second - top) + (T - t_M) log S + sum' t log q + t_M log R
    dz        = p G + r t_M - tau' for the others, p G - t_M for M
    (d2z) v   = p (G w + sum' omega w) - omega' w + t_M r (v' - <r,v'>),  w = v' - <p,v'>
    gradient  = a m [gamma p_t CE dz + b]
    Hv        = a m {gamma p_t [(gamma p_t - u) CE dz <dz,v'> + dz <b,v'> + b <dz,v'> + CE (d2z) v] + T D v}

S is the sum of exp(x - top), R that of exp(x - second) over the others, primes leave M out.
"""

from functools import cached_property

from focal_ref.losses.softmax_rules import Modulated
from focal_ref.modulator import mixture_power
from focal_ref.stable import Array, sum_last, two_product, two_sum


class Margin(Modulated):
    """p_t = sigmoid(sum t log(p / (1 - p)))."""

    def _modulate(self) -> None:
        s, xp = self.terms, self.xp
        self.others = ~s.dominant
        self.target = sum_last(xp.where(s.dominant, s.t, s.zero), xp)
        z, z_low = self._margin()
        against = z >= 0.0
        size, low = xp.abs(z), xp.where(against, z_low, -z_low)
        e = xp.exp(-size)
        e = e - e * low
        one, zero = xp.ones_like(z), xp.zeros_like(z)
        far, near = xp.where(against, one, zero), xp.where(against, zero, one)
        self.m = mixture_power(self.gamma, size, low, e, (far, zero), (near, zero), xp)
        self.u = xp.where(against, one, e) / (1.0 + e)
        self.p_margin = xp.where(against, e, one) / (1.0 + e)
        half = xp.where(against, xp.exp(-0.5 * xp.abs(z)), one)
        self.p_factors = half, (half - half * xp.where(against, low, zero)) / (1.0 + e)
        largest = xp.full_like(z, float(xp.finfo(z.dtype).max))
        self.pull = xp.where((half == 0.0) | (self.m == 0.0), zero, xp.minimum(s.cross_entropy, largest))
        self.tau = xp.where(self.others, s.t / xp.where(self.others, s.q, s.one), s.zero)
        self.tau_sum = sum_last(self.tau, xp)
        self.slope_of_z = s.p * self.tau_sum + self.r * self.target - xp.where(self.others, self.tau, s.t)

    def _margin(self) -> tuple[Array, Array]:
        s, xp, target = self.terms, self.xp, self.target
        linear, linear_low = s.distance
        second, second_lost = self._second
        used = (target > 0.0) & (xp.abs(second) < float("inf"))
        step = xp.where(used, second, xp.zeros_like(second))
        back, back_low = two_product(target, step, xp)
        back_low = xp.where(xp.abs(step) < 2.0**60, back_low + target * second_lost, xp.zeros_like(step))
        total, error = two_sum(linear, back)
        logs = (s.target_sum - target) * s.log_total + target * xp.log(self._rest)
        logs = logs + sum_last(xp.where(self.others, s.t * xp.log1p(-xp.where(self.others, s.p, s.zero)), s.zero), xp)
        error = xp.where(xp.abs(total) < 2.0**60, error + linear_low + back_low, xp.zeros_like(total))
        z, rounded = two_sum(total, logs)
        z_low = xp.where(xp.abs(z) < 2.0**60, error + rounded, xp.zeros_like(z))
        # The others are infinitely far below, or there are none: M decides by what it has of the target.
        rest = s.target_sum - target
        sign = xp.astype(rest > target, z.dtype) - xp.astype(rest < target, z.dtype)
        limit = xp.where(sign == 0.0, sign, sign * float("inf"))
        far = (target > 0.0) & (second == -float("inf"))
        return xp.where(far, limit, z), xp.where(far, xp.zeros_like(z), z_low)

    @cached_property
    def _second(self) -> tuple[Array, Array]:
        """How far the largest of the others is below the top, and what that lost to rounding."""
        s, xp = self.terms, self.xp
        nothing = xp.full_like(s.below, -float("inf"))
        second = xp.max(xp.where(self.others, s.below, nothing), axis=-1, keepdims=True)
        lost = xp.where(self.others & (s.below == second), s.lost, nothing)
        lost = xp.max(lost, axis=-1, keepdims=True)
        return second, xp.where(xp.abs(lost) < float("inf"), lost, xp.zeros_like(lost))

    @cached_property
    def _shares(self) -> Array:
        """exp(x - second) of the others."""
        s, xp = self.terms, self.xp
        second, second_lost = self._second
        finite = xp.abs(second) < float("inf")
        gap = xp.where(self.others & finite, s.below - xp.where(finite, second, xp.zeros_like(second)), s.zero)
        # Far below the top what was lost is no small number: logits apart may be equal up to it.
        share = xp.exp(gap) * xp.exp(xp.where(finite, s.lost - second_lost, s.zero))
        return xp.where(self.others & finite, share, s.zero)

    @cached_property
    def _rest(self) -> Array:
        """R, 1 where there are no others."""
        total = sum_last(self._shares, self.xp)
        return self.xp.where(total == 0.0, self.xp.ones_like(total), total)

    @cached_property
    def r(self) -> Array:
        """Softmax over the others than the dominant class."""
        return self._shares / self._rest

    def gradient(self) -> Array:
        if self.detach:
            return self.factor * self.terms.slope
        inside = self.gamma * self._pushed(self.pull * self.slope_of_z) + self.terms.slope
        return self.factor * inside

    def product(self, vector: Array) -> Array:
        s, xp, slope = self.terms, self.xp, self.slope_of_z
        v = s.shifted(vector)
        bent = s.bent(v) / s.magnification
        if self.detach:
            return self.factor * bent
        mean = s.dot(s.p, v)
        w = xp.where(s.dominant, -mean, v - mean)
        omega_w = self._omega * w
        bend = s.p * (self.tau_sum * w + sum_last(omega_w, xp)) - omega_w
        bend = bend + self.target * (self.r * (v - s.dot(self.r, v)))
        along, along_b = s.dot(slope, v), s.dot(s.slope, v)
        inside = self.pull * ((self.gamma * self.p_margin - self.u) * (slope * along) + bend)
        inside = inside + (slope * along_b + s.slope * along)
        return self.factor * (self.gamma * self._pushed(inside) + bent)

    def diagonal(self) -> Array:
        s, slope = self.terms, self.slope_of_z
        bent = s.target_sum * (s.lifted_p * s.q) / s.magnification
        if self.detach:
            return self.factor * bent
        omega = self._omega
        bend = s.p * (self.tau_sum * s.q - s.p * sum_last(omega, self.xp) + omega) - omega * s.q
        bend = bend + self.target * (self.r * (1.0 - self.r))
        inside = self.pull * ((self.gamma * self.p_margin - self.u) * (slope * slope) + bend)
        inside = inside + 2.0 * (slope * s.slope)
        return self.factor * (self.gamma * self._pushed(inside) + bent)

    def _pushed(self, inside: Array) -> Array:
        """Times p_t, by halves: it is subnormal long before its product with CE is."""
        left, right = self.p_factors
        return left * (right * inside)

    @cached_property
    def _omega(self) -> Array:
        s = self.terms
        return self.xp.where(self.others, self.tau * s.p / self.xp.where(self.others, s.q, s.one), s.zero)
