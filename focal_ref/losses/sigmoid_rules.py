r"""The rules for soft targets of the sigmoid focal loss, with first and second derivative.

All are written in y = |x| >= 0, mirrored: x -> -x with t -> 1-t. `opposed` is the weight of the
class that the logit speaks against (1-t for x >= 0, else t), `agreed` the other one, e = exp(-y),
d = 1 + e, CE = opposed y + log d, delta = CE' = (opposed - agreed e)/d, CE'' = p(1-p) = e/d^2,
c = opposed - agreed. With u = 1 - p_t and m = u^gamma, FL = alpha_t m CE, and

  linear         u = (opposed + agreed e)/d,  k = p(1-p)/u in [0, 1],  tau = t(1-t)/u
                 FL'  = alpha_t m [gamma c k CE + delta]
                 FL'' = alpha_t m k [gamma (CE (gamma c^2 k - u + tau) + 2 c delta) + u]
                 from u' = c p(1-p), 1-2u = c(1-2p) and c^2 p(1-p) = u(1-u) - t(1-t)
  cross_entropy  p_t = exp(-CE),  kappa = CE p_t/u in [0, 1]
                 FL'  = alpha_t m (1 + gamma kappa) delta
                 FL'' = alpha_t m [gamma p_t (2 + gamma kappa - CE/u) (delta/u) delta + (1 + gamma kappa) p(1-p)]
  margin         u = sigmoid(c y),  u' = c u p_t
                 FL'  = alpha_t m [gamma c p_t CE + delta]
                 FL'' = alpha_t m [gamma c p_t (c CE (gamma p_t - u) + 2 delta) + p(1-p)]
  expected       FL = w_o F(y) + w_a F(-y), F the loss of a hard target at margin z, with u = sigmoid(z),
                 F' = u^gamma (gamma p_t CE + u),  F'' = u^gamma p_t [gamma CE (gamma p_t - u) + (2 gamma + 1) u]

No power gamma-1 occurs, so gamma in (0, 1) is finite everywhere. A detached modulator leaves
FL' = alpha_t m delta and FL'' = alpha_t m p(1-p).
"""

from functools import cached_property

from focal_ref.losses.sigmoid_terms import SigmoidTerms
from focal_ref.modulator import mixture_power
from focal_ref.stable import Array, two_product, two_sum


class Rule:
    """A loss alpha_t m CE; a subclass says what m is and how it bends the gradient."""

    m: Array
    """(1 - p_t)^gamma."""

    def __init__(self, terms: SigmoidTerms, gamma: float | Array, alpha: float | Array | None) -> None:
        self.terms, self.gamma, self.alpha, self.xp = terms, gamma, alpha, terms.xp

    def value(self) -> Array:
        """FL, at the largest finite number instead of infinity."""
        return self.balanced(self.m * self.terms.cross_entropy)

    def slope(self) -> Array:
        """FL' in y."""
        raise AttributeError("a rule says what its first derivative is")

    def bend(self) -> Array:
        """FL'' in y."""
        raise AttributeError("a rule says what its second derivative is")

    def detached_slope(self) -> Array:
        """FL' with the modulating factor as a constant."""
        return self.balanced(self.m * self.terms.delta)

    def detached_bend(self) -> Array:
        """FL'' with the modulating factor as a constant."""
        return self.balanced(self.m * self.terms.p_not_p)

    def grows(self) -> Array:
        """Where FL grows without limit with y."""
        return self._opposes() if self.alpha is None else self._opposes() & (self.alpha_t > 0.0)

    def _opposes(self) -> Array:
        return self.terms.opposed > 0.0

    @cached_property
    def alpha_t(self) -> Array:
        """Balance; 1 - alpha is formed in the dtype of the arrays, as alpha is held there."""
        return self.alpha * self.terms.t + (self.terms.one - self.alpha) * self.terms.not_t

    def balanced(self, elements: Array) -> Array:
        """Times alpha_t."""
        return elements if self.alpha is None else self.alpha_t * elements


class Linear(Rule):
    """p_t = p t + (1-p)(1-t)."""

    def __init__(self, terms: SigmoidTerms, gamma: float | Array, alpha: float | Array | None) -> None:
        super().__init__(terms, gamma, alpha)
        xp = terms.xp
        mixed = terms.opposed + terms.agreed * terms.e
        self.u = mixed / terms.d
        self.mixed = xp.where(mixed == 0.0, terms.one, mixed)
        opposed, agreed = (terms.opposed, terms.opposed_low), (terms.agreed, terms.agreed_low)
        self.m = mixture_power(gamma, terms.y, None, terms.e, opposed, agreed, xp)

    @cached_property
    def k_factors(self) -> tuple[Array, Array]:
        """Two factors of k, neither of which is subnormal before k's last place is."""
        right_side = self.terms.opposed == 0.0
        root = self.xp.where(right_side, self.terms.one, self.xp.exp(-0.5 * self.terms.y))
        return root, root / self.xp.where(right_side, self.terms.one, self.mixed) / self.terms.d

    def slope(self) -> Array:
        s, (left, right) = self.terms, self.k_factors
        return self.balanced(self.m * (self.gamma * (s.c * (left * right) * s.near(s.cross_entropy)) + s.delta))

    def bend(self) -> Array:
        s, (left, right) = self.terms, self.k_factors
        tau = s.t * s.not_t / self.mixed * s.d
        inside = s.near(s.cross_entropy) * (self.gamma * s.c * s.c * (left * right) - self.u + tau)
        inside = inside + 2.0 * s.c * s.delta
        # exp(-y) is subnormal long before exp(-y) * CE is: multiply by its square root twice.
        return self.balanced(self.m * (left * (right * (self.gamma * inside + self.u))))


class CrossEntropy(Rule):
    """p_t = exp(-CE)."""

    def __init__(self, terms: SigmoidTerms, gamma: float | Array, alpha: float | Array | None) -> None:
        super().__init__(terms, gamma, alpha)
        s, xp = terms, terms.xp
        # exp multiplies what CE has lost; halves of p_t are normal long after p_t is not.
        product, low = two_product(xp.where(s.y < 2.0**60, s.opposed, s.zero), xp.where(s.y < 2.0**60, s.y, s.zero), xp)
        total, lost = two_sum(product, s.log_d)
        low = low + lost + s.opposed_low * xp.where(s.y < 2.0**60, s.y, s.zero)
        total = xp.where(s.y < 2.0**60, total, s.cross_entropy)
        half = xp.exp(-0.5 * total)
        self.half = half - half * (0.5 * low)
        u = -xp.expm1(-s.cross_entropy)
        self.m = xp.pow(u, gamma)
        self.u = xp.where(u == 0.0, s.one, u)
        # CE/u tends to 1 where both vanish.
        self.ratio = xp.where(u == 0.0, s.one, s.near(s.cross_entropy) / self.u)
        self.kappa = self.half * (self.half * self.ratio)

    def slope(self) -> Array:
        return self.balanced(self.m * ((1.0 + self.gamma * self.kappa) * self.terms.delta))

    def bend(self) -> Array:
        s = self.terms
        inside = (2.0 + self.gamma * self.kappa - self.ratio) * (s.delta / self.u) * s.delta
        # Both terms are subnormal long before their sum is: exp(-CE/2), which exceeds exp(-y/2)/2, comes last.
        curved = (1.0 + self.gamma * self.kappa) * s.p_not_p_over(self.half)
        return self.balanced(self.m * (self.half * (self.half * (self.gamma * inside) + curved)))


class Margin(Rule):
    """p_t = sigmoid(x (2t-1))."""

    def __init__(self, terms: SigmoidTerms, gamma: float | Array, alpha: float | Array | None) -> None:
        super().__init__(terms, gamma, alpha)
        s, xp = terms, terms.xp
        c, c_low = two_sum(s.opposed, -s.agreed)
        # Near t = 1/2 what 1 - t lost is no small part of c.
        c, c_low = two_sum(c, c_low + (s.opposed_low - s.agreed_low))
        z = c * s.y
        # Further out z is so large that its last places do not show, and the exact product overflows.
        exact = s.y < 2.0**60
        y = xp.where(exact, s.y, s.zero)
        _, z_low = two_product(y, c, xp)
        z_low = z_low + y * c_low
        against = z >= 0.0
        size, size_low = xp.abs(z), xp.where(against, z_low, -z_low)
        e = xp.exp(-size)
        e = e - e * size_low
        far, near = xp.where(against, s.one, s.zero), xp.where(against, s.zero, s.one)
        self.m = mixture_power(gamma, size, size_low, e, (far, s.zero), (near, s.zero), xp)
        self.u = xp.where(against, s.one, e) / (1.0 + e)
        self.p_t = xp.where(against, e, s.one) / (1.0 + e)
        half = xp.exp(-0.5 * size)
        self.p_factors = xp.where(against, half, s.one), xp.where(against, half - half * size_low, s.one) / (1.0 + e)

    @cached_property
    def pull(self) -> Array:
        """CE where neither p_t nor the modulating factor is 0: gamma and c cannot make it overflow."""
        vanishes = (self.p_factors[0] == 0.0) | (self.m == 0.0)
        return self.xp.where(vanishes, self.terms.zero, self.terms.cross_entropy)

    def slope(self) -> Array:
        s = self.terms
        return self.balanced(self.m * (self.gamma * (s.c * (self.p_t * self.pull)) + s.delta))

    def bend(self) -> Array:
        s = self.terms
        inside = s.c * self.pull * (self.gamma * self.p_t - self.u) + 2.0 * s.delta
        # p_t is subnormal long before p_t * CE is: multiply by its halves one after the other.
        left, right = self.p_factors
        curved = s.p_not_p_over(left)
        return self.balanced(self.m * (left * (right * (self.gamma * (s.c * inside)) + curved)))

    def _opposes(self) -> Array:
        # Where the logit agrees the modulating factor vanishes faster than CE grows, unless gamma is 0.
        return super()._opposes() & ((self.terms.c >= 0.0) | (self.m > 0.0))


class Expected(Rule):
    """The expectation over hard targets; its weights hold alpha, one per class, and are not multiplied again."""

    def __init__(self, terms: SigmoidTerms, gamma: float | Array, alpha: float | Array | None) -> None:
        super().__init__(terms, gamma, alpha)
        s, xp = terms, terms.xp
        positive = s.t if alpha is None else alpha * s.t
        negative = s.not_t if alpha is None else (s.one - alpha) * s.not_t
        self.opposed = xp.where(s.positive, negative, positive)
        self.agreed = xp.where(s.positive, positive, negative)
        self.far_power, self.near_power = s.power(gamma, s.one, s.zero), s.power(gamma, s.zero, s.one)
        self.near_u, self.far_u = s.e / s.d, 1.0 / s.d

    def value(self) -> Array:
        s = self.terms
        return self.opposed * (self.far_power * (s.y + s.log_d)) + self.agreed * (self.near_power * s.log_d)

    def slope(self) -> Array:
        far, near = (
            power * (self.gamma * (p_t * cross_entropy) + u) for power, u, p_t, cross_entropy in self._classes()
        )
        return self.opposed * far - self.agreed * near

    def bend(self) -> Array:
        g, s = self.gamma, self.terms
        far, near = (
            power * (g * (cross_entropy * (g * p_t - u)) + (2.0 * g + 1.0) * u)
            for power, u, p_t, cross_entropy in self._classes()
        )
        # exp(-y) is subnormal long before exp(-y) * CE is: multiply by its square root twice.
        root = s.xp.exp(-0.5 * s.y)
        return self.opposed * (root * (root / s.d * far)) + self.agreed * (self.far_u * near)

    def detached_slope(self) -> Array:
        return self.opposed * (self.far_power * self.far_u) - self.agreed * (self.near_power * self.near_u)

    def detached_bend(self) -> Array:
        return (self.opposed * self.far_power + self.agreed * self.near_power) * self.terms.p_not_p

    def grows(self) -> Array:
        return self.opposed > 0.0

    def _classes(self) -> tuple[tuple[Array, Array, Array, Array], ...]:
        s = self.terms
        far = (self.far_power, self.far_u, self.near_u, s.near(s.y + s.log_d))
        return far, (self.near_power, self.near_u, self.far_u, s.log_d)


RULES: dict[str, type[Rule]] = {
    "linear": Linear,
    "cross_entropy": CrossEntropy,
    "margin": Margin,
    "expected": Expected,
}
"""Name of a rule -> what it computes."""
