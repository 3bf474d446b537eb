"""The sigmoid focal loss of independent logits; `sigmoid_rules` has the formulas and their derivation.

Source: T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017, arXiv:1708.02002, eq. (5);
the derivatives are derived here and proven against ball arithmetic (conformance_tests, oracle).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from focal_ref.checks import checked_alpha, checked_flag, checked_gamma, checked_soft_targets
from focal_ref.losses.loss import Loss
from focal_ref.losses.sigmoid_fast import FastRule, Hard, Linear
from focal_ref.losses.sigmoid_fused import Fused
from focal_ref.losses.sigmoid_rules import RULES, Rule
from focal_ref.losses.sigmoid_terms import SigmoidTerms
from focal_ref.namespace import array_like
from focal_ref.stable import Array
from focal_ref.targets import is_class_index, one_hot


@dataclass(frozen=True)
class SigmoidFocal(Loss):
    """Binary focal loss of independent logits, element by element.

    ``FL = -alpha_t (1 - p_t)**gamma log(p_t)``, ``p = sigmoid(logits)``; for soft targets the
    cross-entropy of ``t`` stands in place of ``-log p_t``, and ``soft_targets`` says what p_t is.

    Parameters
    ----------
    alpha : float in [0, 1], sequence of such numbers, or None; default 0.25
        Weight of the positive class; the negative class weighs ``1 - alpha``. A sequence holds one
        number a class, for the last axis of the logits. None: both weigh 1.
    gamma : float >= 0, default 2.0
        Focusing parameter. 0 is the alpha-balanced cross-entropy.
    soft_targets : {"linear", "cross_entropy", "margin", "expected"}
        Rule for targets between 0 and 1: p_t = p t + (1-p)(1-t), p_t = exp(-CE),
        p_t = sigmoid(x (2t-1)), or the expectation t FL(1) + (1-t) FL(0). They agree on hard targets.
    detach_modulator : bool, default False
        True: (1 - p_t)**gamma counts as a constant in every derivative. The value is the same.

    Raises
    ------
    TypeError, ValueError
        A parameter that is not such a number.

    Notes
    -----
    Targets of the shape of the logits are probabilities of the positive class; integer targets
    without the last axis are class indices, the number of classes among them for "none of them".

    Unit: nats. Accuracy in NumPy float64, hard and soft targets, gamma <= 5: value within 8 ULP,
    gradient within 10 and curvature within 16 scaled ULP; 16, 16 and 24 by the other rules than
    "linear" (docs/accuracy.md has what was measured).
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

    alpha: float | tuple[float, ...] | None = 0.25
    gamma: float = 2.0
    soft_targets: str = "linear"
    detach_modulator: bool = False
    name: ClassVar[str] = "sigmoid_focal"

    def __post_init__(self) -> None:
        """Check the parameters once, here, so that no formula has to."""
        object.__setattr__(self, "alpha", checked_alpha(self.alpha))
        object.__setattr__(self, "gamma", checked_gamma(self.gamma))
        object.__setattr__(self, "soft_targets", checked_soft_targets(self.soft_targets))
        object.__setattr__(self, "detach_modulator", checked_flag("detach_modulator", self.detach_modulator))

    def value_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """FL."""
        return _value(self._rule(x, t, xp))

    def gradient_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """dFL/dx."""
        return self._gradient(self._rule(x, t, xp))

    def value_and_gradient_formula(self, x: Array, t: Array, xp: Any) -> tuple[Array, Array]:
        """Both, from the same exponential, logarithm and power."""
        rule = self._rule(x, t, xp)
        return _value(rule), self._gradient(rule)

    def curvature_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """d2FL/dx2; negative for p_t < 0.0578 at gamma = 2."""
        rule = self._rule(x, t, xp)
        return rule.detached_bend() if self.detach_modulator else rule.bend()

    def hessian_product_formula(self, x: Array, t: Array, vector: Array, xp: Any) -> Array:
        """Curvature times vector: an element depends on no other."""
        return self.curvature_formula(x, t, xp) * vector

    def block_formula(self, name: str) -> Callable[..., Any]:
        """Hard targets, which most are, in a third of the time."""
        from focal_ref.losses import sigmoid_hard

        general = super().block_formula(name)
        if name not in ("value", "gradient", "value_and_gradient") or not sigmoid_hard.serves(self.gamma):
            return general
        return sigmoid_hard.hard_first(general, name, self.gamma, self.alpha, detached=self.detach_modulator)

    def fast_value_formula(self, x: Array, t: Array, xp: Any, *, hard: bool = False) -> Array:
        """FL in fewer operations, for hard targets and linear soft ones."""
        rule = self._fast_rule(x, t, xp, hard)
        return self.value_formula(x, t, xp) if rule is None else rule.value()

    def fast_gradient_formula(self, x: Array, t: Array, xp: Any, *, hard: bool = False) -> Array:
        """dFL/dx in fewer operations."""
        rule = self._fast_rule(x, t, xp, hard)
        if rule is None:
            return self.gradient_formula(x, t, xp)
        return rule.detached_gradient() if self.detach_modulator else rule.gradient()

    def fast_value_and_gradient_formula(
        self, x: Array, t: Array, xp: Any, *, hard: bool = False
    ) -> tuple[Array, Array]:
        """Both, from the same exponential, logarithm and power."""
        rule = self._fast_rule(x, t, xp, hard)
        if rule is None:
            return self.value_and_gradient_formula(x, t, xp)
        return rule.value(), rule.detached_gradient() if self.detach_modulator else rule.gradient()

    def fused_value_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """FL for a compiler that fuses, for hard targets and linear soft ones."""
        rule = self._fused_rule(x, t, xp)
        return self.value_formula(x, t, xp) if rule is None else rule.value()

    def fused_gradient_formula(self, x: Array, t: Array, xp: Any, *, value: Array | None = None) -> Array:
        """dFL/dx for a compiler that fuses."""
        rule = self._fused_rule(x, t, xp)
        if rule is None:
            return self.gradient_formula(x, t, xp)
        return rule.detached_gradient() if self.detach_modulator else rule.gradient(value)

    @property
    def _gamma_is_large(self) -> bool:
        # The error of the formulas in few operations grows with gamma: beyond 10 nobody bounds it.
        return isinstance(self.gamma, float) and self.gamma > 10.0

    def _fused_rule(self, x: Array, t: Array, xp: Any) -> Fused | None:
        indices = is_class_index(t, x)
        if self._gamma_is_large or not (indices or self.soft_targets == "linear"):
            return None
        dense = one_hot(t, x, xp, others_allowed=True) if indices else t
        return Fused(x, dense, self.gamma, self._alpha_array(x, xp), xp)

    def _fast_rule(self, x: Array, t: Array, xp: Any, hard: bool) -> FastRule | None:
        if self._gamma_is_large:
            return None
        indices = is_class_index(t, x)
        if hard or indices:
            rule: type[FastRule] = Hard
            t = one_hot(t, x, xp, others_allowed=True) if indices else t
        elif self.soft_targets == "linear":
            rule = Linear
        else:
            return None
        return rule(x, t, self.gamma, self._alpha_array(x, xp), xp)

    def _alpha_array(self, x: Array, xp: Any) -> Any:
        return array_like(self.alpha, x, xp) if isinstance(self.alpha, tuple) else self.alpha

    def _rule(self, x: Array, t: Array, xp: Any) -> Rule:
        name = self.soft_targets
        if is_class_index(t, x):
            # All rules agree on hard targets.
            t, name = one_hot(t, x, xp, others_allowed=True), "linear"
        return RULES[name](SigmoidTerms(x, t, xp), self.gamma, self._alpha_array(x, xp))

    def _gradient(self, rule: Rule) -> Array:
        return rule.terms.sign * (rule.detached_slope() if self.detach_modulator else rule.slope())


def _value(rule: Rule) -> Array:
    """The value also at x = +-inf, where the formulas were given the largest finite |x| instead."""
    value = rule.value()
    return rule.xp.where(rule.terms.infinite & rule.grows(), rule.xp.full_like(value, math.inf), value)
