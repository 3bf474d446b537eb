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

import math
from functools import cached_property

from focal_ref.losses.softmax_terms import SoftmaxTerms
from focal_ref.modulator import corrected_power, quotient_error
from focal_ref.stable import Array, carried_sum, sum_last, two_sum


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


class Modulated(RowRule):
    """Losses of the form alpha_t m CE."""

    m: Array
    """(1 - p_t)^gamma."""

    def __init__(self, terms: SoftmaxTerms, gamma: float | Array, alpha: float | Array | None, detach: bool) -> None:
        super().__init__(terms, gamma, alpha, detach)
        self._modulate()
        self.balance = terms.balance(alpha)
        self.factor = self.m if self.balance is None else self.balance * self.m

    def _modulate(self) -> None:
        raise AttributeError("a rule says what its modulating factor is")

    def value(self) -> Array:
        # 0 times infinity only where the modulating factor vanishes: then it does so faster.
        product = self.factor * self.terms.cross_entropy
        return self.xp.where(self.factor == 0.0, self.factor * 0.0, product)

    def near_cross_entropy(self) -> Array:
        """CE where p_t is not 0; elsewhere its factor vanishes, and inf * 0 is nan."""
        xp, p_t = self.xp, self.terms.p_t
        finite = xp.minimum(self.terms.cross_entropy, xp.full_like(p_t, float(xp.finfo(p_t.dtype).max)))
        return xp.where(p_t == 0.0, xp.zeros_like(p_t), finite)


class Linear(Modulated):
    """p_t = sum t p."""

    def _modulate(self) -> None:
        s, xp = self.terms, self.xp
        self.not_t = 1.0 - s.t
        mixed, mixed_low = carried_sum(self.not_t * s.e, xp)
        self.u = mixed / s.total
        relative = quotient_error(self.u, mixed, mixed_low, s.total, s.total_low, xp)
        self.m = corrected_power(self.u, relative, self.gamma, xp)

    def value(self) -> Array:
        # A class without probability makes p_t less than 1, however little it weighs: only a power of that underflows.
        infinite = self.terms.cross_entropy == math.inf
        if self.balance is not None:
            infinite = infinite & (self.balance > 0.0)
        return self.xp.where(infinite, self.terms.cross_entropy, super().value())

    @cached_property
    def lifted_g(self) -> Array:
        """g, magnified: beside a large CE it counts long after p_t is subnormal."""
        s, xp = self.terms, self.xp
        divisor = xp.where(self.u == 0.0, xp.ones_like(self.u), self.u)
        lifted = sum_last((s.t - s.reference) * s.lifted_p, xp)
        difference = (s.reference - s.t) + s.deviation_of_p_t
        return xp.where(s.t == s.reference, s.p * lifted, s.lifted_p * difference) / divisor

    @cached_property
    def k(self) -> Array:
        """P (1-t) / u."""
        return self.terms.p * self.not_t / self.xp.where(self.u == 0.0, self.xp.ones_like(self.u), self.u)

    def gradient(self) -> Array:
        s = self.terms
        if self.detach:
            return self.factor * s.slope
        pulled = self._assembled(self.lifted_g, self.xp.zeros_like(self.lifted_g))
        return self.factor * (self.gamma * pulled + s.slope)

    def product(self, vector: Array) -> Array:
        s, gamma = self.terms, self.gamma
        v = s.shifted(vector)
        bent = s.bent(v)
        if self.detach:
            return self.factor * bent / s.magnification
        lifted = self.lifted_g
        along_g, along_b = s.dot(lifted, v), s.dot(s.slope, v)
        inside = lifted * (v - s.dot(self.k, v)) - s.p * along_g + gamma * (lifted / s.magnification * along_g)
        return self.factor * self._assembled(gamma * inside, gamma * (lifted * along_b + s.slope * along_g) + bent)

    def diagonal(self) -> Array:
        s, gamma = self.terms, self.gamma
        bent = s.target_sum * (s.lifted_p * s.q)
        if self.detach:
            return self.factor * bent / s.magnification
        lifted = self.lifted_g
        inside = lifted * (s.q - self.k + gamma * (lifted / s.magnification))
        return self.factor * self._assembled(gamma * inside, gamma * (2.0 * (lifted * s.slope)) + bent)

    def _assembled(self, inside: Array, rest: Array) -> Array:
        """(CE inside + rest), both magnified, without the magnification."""
        xp, cross_entropy, magnification = self.xp, self.near_cross_entropy(), self.terms.magnification
        # A huge CE would overflow; p_t is subnormal only beside a CE below 746.
        huge = cross_entropy > 1e6
        factor = xp.where(huge, cross_entropy / magnification, cross_entropy)
        down = xp.full_like(factor, 1.0 / magnification)
        one = xp.ones_like(factor)
        return (factor * inside + xp.where(huge, down, one) * rest) * xp.where(huge, one, down)


class CrossEntropy(Modulated):
    """p_t = exp(-CE)."""

    def _modulate(self) -> None:
        s, xp = self.terms, self.xp
        cross_entropy = s.cross_entropy
        # exp multiplies what CE has lost; halves of p_t are normal long after p_t is not.
        distance, low = s.distance
        total, lost = two_sum(distance, s.target_sum * s.log_total)
        low = xp.where(total < 2.0**60, low + lost, xp.zeros_like(total))
        self.half = xp.exp(-0.5 * total)
        self.half = self.half - self.half * (0.5 * low)
        u = -xp.expm1(-cross_entropy)
        self.m = xp.pow(u, self.gamma)
        one = xp.ones_like(u)
        self.u = xp.where(u == 0.0, one, u)
        # CE/u tends to 1 where both vanish; it only occurs beside exp(-CE), and inf * 0 is nan.
        near = xp.where(self.half == 0.0, xp.zeros_like(u), cross_entropy)
        self.ratio = xp.where(u == 0.0, one, near / self.u)
        self.kappa = self.half * (self.half * self.ratio)

    def gradient(self) -> Array:
        slope = self.factor * self.terms.slope
        return slope if self.detach else (1.0 + self.gamma * self.kappa) * slope

    def product(self, vector: Array) -> Array:
        s = self.terms
        v = s.shifted(vector)
        bent = s.bent(v)
        return self._assembled(bent if self.detach else self._outer(s.dot(s.slope, v), bent))

    def diagonal(self) -> Array:
        s = self.terms
        bent = s.target_sum * (s.lifted_p * s.q)
        return self._assembled(bent if self.detach else self._outer(s.slope, bent))

    def _outer(self, along: Array, bent: Array) -> Array:
        """Both second derivatives, magnified: each is subnormal long before their sum is."""
        inside = (2.0 + self.gamma * self.kappa - self.ratio) * (self.terms.slope / self.u) * along
        lifted = self.half * (self.half * (self.terms.magnification * inside))
        return self.gamma * lifted + (1.0 + self.gamma * self.kappa) * bent

    def _assembled(self, lifted: Array) -> Array:
        return self.factor * lifted / self.terms.magnification


class Expected(RowRule):
    """The expectation over hard targets."""

    def __init__(self, terms: SoftmaxTerms, gamma: float | Array, alpha: float | Array | None, detach: bool) -> None:
        super().__init__(terms, gamma, alpha, detach)
        s, xp = terms, terms.xp
        weight = s.t if alpha is None else alpha * s.t
        self.weighted = weight * xp.pow(s.q, gamma)
        self.divisor = xp.where(s.q == 0.0, s.one, s.q)
        # CE/q tends to 1 where both vanish; beside p = 0 it is not wanted, and inf * 0 is nan.
        near = xp.where(s.lifted_p == 0.0, s.zero, s.class_cross_entropy)
        self.ratio = xp.where(s.q == 0.0, s.one, near / self.divisor)
        pull = self.weighted
        if not detach:
            pull = pull * (1.0 + gamma * (s.lifted_p * self.ratio / s.magnification))
        self.pull = pull
        self.pull_sum, self.pull_low = carried_sum(pull, xp)

    def value(self) -> Array:
        s, xp = self.terms, self.xp
        return sum_last(xp.where(self.weighted == 0.0, s.zero, self.weighted * s.class_cross_entropy), xp)

    def gradient(self) -> Array:
        return self.terms.pulled(self.pull, self.pull_sum, self.pull_low)

    def product(self, vector: Array) -> Array:
        s = self.terms
        v = s.shifted(vector)
        # T D v without T.
        mean = s.dot(s.lifted_p, v)
        bent = self.xp.where(s.dominant, -s.p * mean, s.lifted_p * (v - mean / s.magnification))
        if self.detach:
            return self.pull_sum * bent / s.magnification
        # The dominant class has no part in its own deviation, and q may be subnormal.
        deviation = self.xp.where(s.dominant, -mean / s.magnification, v - mean / s.magnification)
        return (self.pull_sum * bent + s.pulled(self._lifted_eta_q() * (deviation / self.divisor))) / s.magnification

    def diagonal(self) -> Array:
        s, xp = self.terms, self.xp
        bent = self.pull_sum * (s.lifted_p * s.q)
        if self.detach:
            return bent / s.magnification
        # As the Hessian product with a unit vector: -eta q^2 - p^2 (the sum of the other eta).
        eta_q = self._lifted_eta_q()
        eta = eta_q / xp.maximum(self.divisor, xp.full_like(s.q, float(xp.finfo(s.q.dtype).smallest_normal)))
        total, low = carried_sum(eta, xp)
        return (bent - eta_q * s.q - s.p * (s.p * ((total - eta) + low))) / s.magnification

    def _lifted_eta_q(self) -> Array:
        s, gamma = self.terms, self.gamma
        return self.weighted * (gamma * (s.lifted_p * (self.ratio * (1.0 - gamma * s.p) - 2.0)))
