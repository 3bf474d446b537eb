r"""The sigmoid focal loss with linear soft targets, and its first and second derivative.

    p = sigmoid(x)            p_t = p t + (1-p)(1-t)          alpha_t = alpha t + (1-alpha)(1-t)
    CE = -t log p - (1-t) log(1-p)                            FL = alpha_t (1-p_t)^gamma CE

Mirror symmetry, x -> -x with t -> 1-t, leaves only y = |x| >= 0. Write `opposed` for the weight of
the class that the logit speaks against (1-t for x >= 0, else t), `agreed` for the other one,
e = exp(-y), d = 1 + e, u = 1 - p_t. Then nothing below subtracts nearly equal numbers:

    u  = (opposed + agreed e) / d
    CE = opposed y + log(1 + e)
    k  = p(1-p) / u = e / ((opposed + agreed e) d)                              in [0, 1]
    dFL/dy   = alpha_t u^gamma [ gamma (opposed - agreed) k CE + (opposed - agreed e)/d ]
    d2FL/dy2 = alpha_t u^gamma k [ gamma (CE (gamma c^2 k - u + tau) + 2 c delta) + u ]
    with c = opposed - agreed, delta = (opposed - agreed e)/d, tau = t(1-t)/u

No power gamma-1 occurs, so gamma in (0, 1) is finite everywhere. The last line follows from
u' = c p(1-p), CE' = delta, 1-2u = c (1-2p) and c^2 p(1-p) = u(1-u) - t(1-t).

Source: T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017, arXiv:1708.02002, eq. (5);
the derivatives are derived here and proven against ball arithmetic (conformance_tests, oracle).
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from focal_ref.checks import checked_alpha, checked_gamma
from focal_ref.losses.elementwise import ElementwiseLoss
from focal_ref.losses.sigmoid_terms import SigmoidTerms
from focal_ref.stable import Array


@dataclass(frozen=True)
class SigmoidFocal(ElementwiseLoss):
    """Binary focal loss of independent logits, element by element.

    ``FL = -alpha_t (1 - p_t)**gamma log(p_t)``, ``p = sigmoid(logits)``; soft targets follow the
    linear rule ``p_t = p t + (1-p)(1-t)``, with the cross-entropy of ``t`` in place of ``-log p_t``.

    Parameters
    ----------
    alpha : float in [0, 1] or None, default 0.25
        Weight of the positive class; the negative class weighs ``1 - alpha``. None: both weigh 1.
    gamma : float >= 0, default 2.0
        Focusing parameter. 0 is the alpha-balanced cross-entropy.

    Raises
    ------
    TypeError, ValueError
        A parameter that is not such a number.

    Notes
    -----
    Unit: nats. Accuracy in NumPy float64, hard and soft targets, gamma <= 5: value within 8 ULP,
    gradient within 10 and curvature within 16 scaled ULP (docs/accuracy.md has what was measured).
    Limits: x -> +inf with t = 1 is 0 with gradient 0; x -> -inf with t = 1 is inf with gradient
    -alpha; where alpha_t is 0 everything is 0; nan stays in its own element.

    References
    ----------
    Lin et al. 2017, arXiv:1708.02002, eq. (5).

    Examples
    --------
    >>> from focal_ref import SigmoidFocal
    >>> SigmoidFocal(alpha=0.25, gamma=2.0).value([2.0, -1.0], [1, 0]).round(6).tolist()
    [0.000451, 0.016994]
    """

    alpha: float | None = 0.25
    gamma: float = 2.0
    name: ClassVar[str] = "sigmoid_focal"

    def __post_init__(self) -> None:
        """Check the parameters once, here, so that no formula has to."""
        object.__setattr__(self, "alpha", checked_alpha(self.alpha))
        object.__setattr__(self, "gamma", checked_gamma(self.gamma))

    def value_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """FL."""
        terms = SigmoidTerms(x, t, self.gamma, xp)
        return self._limited(terms, terms.balanced(self.alpha, terms.modulator * terms.cross_entropy))

    def gradient_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """dFL/dx."""
        terms = SigmoidTerms(x, t, self.gamma, xp)
        return terms.balanced(self.alpha, self._slope(terms))

    def value_and_gradient_formula(self, x: Array, t: Array, xp: Any) -> tuple[Array, Array]:
        """Both, from the same exponential, logarithm and power."""
        terms = SigmoidTerms(x, t, self.gamma, xp)
        value = self._limited(terms, terms.balanced(self.alpha, terms.modulator * terms.cross_entropy))
        return value, terms.balanced(self.alpha, self._slope(terms))

    def curvature_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """d2FL/dx2; negative for p_t < 0.0578 at gamma = 2."""
        terms = SigmoidTerms(x, t, self.gamma, xp)
        c, k, u = terms.c, terms.k, terms.u
        inside = terms.near_cross_entropy * (self.gamma * c * c * k - u + terms.tau) + 2.0 * c * terms.delta
        # exp(-y) is subnormal long before exp(-y) * CE is: multiply by its square root twice.
        left, right = terms.k_factors
        return terms.balanced(self.alpha, terms.modulator * (left * (right * (self.gamma * inside + u))))

    def _slope(self, terms: SigmoidTerms) -> Array:
        slope = self.gamma * (terms.c * terms.k * terms.near_cross_entropy) + terms.delta
        return terms.sign * (terms.modulator * slope)

    def _limited(self, terms: SigmoidTerms, value: Array) -> Array:
        """The value at x = +-inf, where the formulas were given the largest finite |x| instead."""
        xp = terms.xp
        grows = terms.infinite & (terms.opposed > 0.0)
        if self.alpha is not None:
            grows = grows & (terms.alpha_t(self.alpha) > 0.0)
        return xp.where(grows, xp.full_like(value, math.inf), value)
