r"""The rules for soft rows of the softmax focal loss, with gradient, Hessian product and diagonal.

With T = sum t, b = T p - t (the gradient of CE), v' = v minus a constant (the Hessian maps constants
to 0), <a, v> = sum a v, D v = p (v' - <p, v'>) and m = u^gamma, u = 1 - p_t, a the row's alpha_t:

  linear         u = sum (1-t) p; k = p (1-t)/u, a distribution; g = k - p = p (p_t - t)/u, u's log gradient
                 gradient  a m [gamma CE g + b]
                 Hv        a m {gamma CE [g (v' - <k,v'>) - p <g,v'> + gamma g <g,v'>]
                                + gamma [g <b,v'> + b <g,v'>] + T D v}
  cross_entropy  p_t = exp(-CE), kappa = CE p_t/u in [0, 1]
                 gradient  a m (1 + gamma kappa) b
                 Hv        a m {gamma p_t (2 + gamma kappa - CE/u) (b/u) <b,v'> + (1 + gamma kappa) T D v}
  expected       each class its own hard loss: h = alpha t q^gamma (1 + gamma p CE/q), H = sum h
                 gradient  H p - h
                 Hv        H D v + (E p - e),  e = eta w, E = sum e, w = v' - <p,v'>,
                           eta = alpha t q^gamma gamma (p/q) [CE (1 - gamma p)/q - 2]

No power gamma-1 occurs; b, g and H p - h are differences, taken of small numbers where a class
dominates. A detached modulator leaves a m b, a m T D v, and h = alpha t q^gamma.
"""

from focal_ref.losses.softmax_terms import SoftmaxTerms
from focal_ref.modulator import corrected_power, quotient_error
from focal_ref.stable import Array, carried_sum, sum_last


class RowRule:
    """Value, gradient and second derivatives of one rule; a value has a last axis of length 1."""

    def __init__(self, terms: SoftmaxTerms, gamma: float | Array, alpha: float | Array | None, detach: bool) -> None:
        self.terms, self.gamma, self.alpha, self.detach, self.xp = terms, gamma, alpha, detach, terms.xp

    def value(self) -> Array:
        """FL."""
        raise AttributeError("a rule says what its value is")

    def gradient(self) -> Array:
        """Its derivative with respect to each logit."""
        raise AttributeError("a rule says what its gradient is")

    def product(self, vector: Array) -> Array:
        """Hessian times vector."""
        raise AttributeError("a rule says what its Hessian does")

    def diagonal(self) -> Array:
        """Second derivative with respect to each logit."""
        raise AttributeError("a rule says what its Hessian holds")

    def deviation(self, vector: Array) -> tuple[Array, Array]:
        """The vector up to a constant, and minus its mean under p."""
        s = self.terms
        shifted = s.shifted(vector)
        return shifted, shifted - s.dot(s.p, shifted)


class Modulated(RowRule):
    """Losses of the form alpha_t m CE."""

    m: Array
    """(1 - p_t)^gamma."""

    def __init__(self, terms: SoftmaxTerms, gamma: float | Array, alpha: float | Array | None, detach: bool) -> None:
        super().__init__(terms, gamma, alpha, detach)
        self._modulate()
        balance = terms.balance(alpha)
        self.factor = self.m if balance is None else balance * self.m

    def _modulate(self) -> None:
        raise AttributeError("a rule says what its modulating factor is")

    def value(self) -> Array:
        # 0 times infinity only where the modulating factor vanishes: then it does so faster.
        product = self.factor * self.terms.cross_entropy
        return self.xp.where(self.factor == 0.0, self.factor * 0.0, product)

    def near_cross_entropy(self) -> Array:
        """CE where p_t is not 0; elsewhere its factor vanishes, and inf * 0 is nan."""
        p_t = self.terms.p_t
        return self.xp.where(p_t == 0.0, self.xp.zeros_like(p_t), self.terms.cross_entropy)

    def bent(self, vector: Array) -> Array:
        """T D v, the Hessian of the cross-entropy times a vector."""
        return self.terms.target_sum * (self.terms.p * self.deviation(vector)[1])


class Linear(Modulated):
    """p_t = sum t p."""

    def _modulate(self) -> None:
        s, xp = self.terms, self.xp
        self.not_t = 1.0 - s.t
        mixed, mixed_low = carried_sum(self.not_t * s.e, xp)
        self.u = mixed / s.total
        relative = quotient_error(self.u, mixed, mixed_low, s.total, s.total_low, xp)
        self.m = corrected_power(self.u, relative, self.gamma, xp)
        divisor = xp.where(self.u == 0.0, xp.ones_like(self.u), self.u)
        # Of the two equal differences the one between small numbers.
        difference = xp.where(self.u < 0.5, self.not_t - self.u, s.p_t - s.t)
        self.g = s.p * difference / divisor
        self.k = s.p * self.not_t / divisor

    def gradient(self) -> Array:
        if self.detach:
            return self.factor * self.terms.slope
        # An infinite CE meets g = 0 at a masked class.
        pulled = self.xp.where(self.g == 0.0, self.terms.zero, self.near_cross_entropy() * self.g)
        return self.factor * (self.gamma * pulled + self.terms.slope)

    def product(self, vector: Array) -> Array:
        if self.detach:
            return self.factor * self.bent(vector)
        s, g, gamma = self.terms, self.g, self.gamma
        v, deviation = self.deviation(vector)
        along_g, along_b = s.dot(g, v), s.dot(s.slope, v)
        inside = g * (v - s.dot(self.k, v)) - s.p * along_g + gamma * (g * along_g)
        inside = self.near_cross_entropy() * inside + (g * along_b + s.slope * along_g)
        return self.factor * (gamma * inside + s.target_sum * (s.p * deviation))

    def diagonal(self) -> Array:
        s, g, gamma = self.terms, self.g, self.gamma
        bent = s.target_sum * (s.p * s.q)
        if self.detach:
            return self.factor * bent
        inside = self.near_cross_entropy() * (g * (s.q - self.k + gamma * g)) + 2.0 * (g * s.slope)
        return self.factor * (gamma * inside + bent)


class CrossEntropy(Modulated):
    """p_t = exp(-CE)."""

    def _modulate(self) -> None:
        s, xp = self.terms, self.xp
        cross_entropy = s.cross_entropy
        self.exp_t = xp.exp(-cross_entropy)
        u = -xp.expm1(-cross_entropy)
        self.m = xp.pow(u, self.gamma)
        one = xp.ones_like(u)
        self.u = xp.where(u == 0.0, one, u)
        # CE/u tends to 1 where both vanish; it only occurs beside exp(-CE), and inf * 0 is nan.
        near = xp.where(self.exp_t == 0.0, xp.zeros_like(u), cross_entropy)
        self.ratio = xp.where(u == 0.0, one, near / self.u)
        self.kappa = self.ratio * self.exp_t

    def gradient(self) -> Array:
        slope = self.factor * self.terms.slope
        return slope if self.detach else (1.0 + self.gamma * self.kappa) * slope

    def product(self, vector: Array) -> Array:
        bent = self.factor * self.bent(vector)
        if self.detach:
            return bent
        s = self.terms
        along = s.dot(s.slope, s.shifted(vector))
        return self._outer() * (s.slope / self.u) * along + (1.0 + self.gamma * self.kappa) * bent

    def diagonal(self) -> Array:
        s = self.terms
        bent = self.factor * (s.target_sum * (s.p * s.q))
        if self.detach:
            return bent
        return self._outer() * (s.slope / self.u) * s.slope + (1.0 + self.gamma * self.kappa) * bent

    def _outer(self) -> Array:
        return self.factor * (self.gamma * (self.exp_t * (2.0 + self.gamma * self.kappa - self.ratio)))


class Expected(RowRule):
    """The expectation over hard targets."""

    def __init__(self, terms: SoftmaxTerms, gamma: float | Array, alpha: float | Array | None, detach: bool) -> None:
        super().__init__(terms, gamma, alpha, detach)
        s, xp = terms, terms.xp
        weight = s.t if alpha is None else alpha * s.t
        self.weighted = weight * xp.pow(s.q, gamma)
        self.divisor = xp.where(s.q == 0.0, s.one, s.q)
        # CE/q tends to 1 where both vanish; beside p = 0 it is not wanted, and inf * 0 is nan.
        near = xp.where(s.p == 0.0, s.zero, s.class_cross_entropy)
        self.ratio = xp.where(s.q == 0.0, s.one, near / self.divisor)
        pull = self.weighted if detach else self.weighted * (1.0 + gamma * (s.p * self.ratio))
        self.pull = pull
        self.pull_sum, self.pull_low = carried_sum(pull, xp)

    def value(self) -> Array:
        s, xp = self.terms, self.xp
        return sum_last(xp.where(self.weighted == 0.0, s.zero, self.weighted * s.class_cross_entropy), xp)

    def gradient(self) -> Array:
        return self.terms.pulled(self.pull, self.pull_sum, self.pull_low)

    def product(self, vector: Array) -> Array:
        s = self.terms
        _, deviation = self.deviation(vector)
        bent = self.pull_sum * (s.p * deviation)
        return bent if self.detach else bent + s.pulled(self._eta_times_q() * (deviation / self.divisor))

    def diagonal(self) -> Array:
        s, xp = self.terms, self.xp
        bent = self.pull_sum * (s.p * s.q)
        if self.detach:
            return bent
        # As the Hessian product with a unit vector: -eta q^2 - p^2 (the sum of the other eta).
        eta_q = self._eta_times_q()
        eta = eta_q / xp.maximum(self.divisor, xp.full_like(s.q, float(xp.finfo(s.q.dtype).smallest_normal)))
        total, low = carried_sum(eta, xp)
        return bent - eta_q * s.q - s.p * (s.p * ((total - eta) + low))

    def _eta_times_q(self) -> Array:
        s, gamma = self.terms, self.gamma
        return self.weighted * (gamma * (s.p * (self.ratio * (1.0 - gamma * s.p) - 2.0)))
