"""The softmax focal loss of rows of classes; `softmax_rules` has the formulas and their derivation.

Source: the multi-class form of T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017,
arXiv:1708.02002: eq. (5) with p_t the softmax probability of the target class. The derivatives are
derived here and proven against ball arithmetic (conformance_tests, oracle).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from focal_ref.checks import checked_alpha, checked_flag, checked_gamma, checked_integer, checked_soft_targets
from focal_ref.losses.loss import Loss
from focal_ref.losses.softmax_fused import MOST_CLASSES, FusedRows
from focal_ref.losses.softmax_margin import Margin
from focal_ref.losses.softmax_rules import CrossEntropy, Expected, Linear, RowRule
from focal_ref.losses.softmax_terms import SoftmaxTerms
from focal_ref.namespace import array_like
from focal_ref.stable import Array
from focal_ref.targets import is_class_index, one_hot

RULES: dict[str, type[RowRule]] = {
    "linear": Linear,
    "cross_entropy": CrossEntropy,
    "margin": Margin,
    "expected": Expected,
}
"""Name of a rule -> what it computes."""


@dataclass(frozen=True)
class SoftmaxFocal(Loss):
    """Focal loss of classes that exclude each other, one loss a row of logits.

    ``FL = -alpha_y (1 - p_y)**gamma log(p_y)``, ``p = softmax(logits)``, y the target class; for soft
    rows ``alpha_t = sum(alpha t)``, the cross-entropy of the row stands in place of ``-log p_y``, and
    ``soft_targets`` says what p_t is.

    Parameters
    ----------
    alpha : float in [0, 1], sequence of such numbers, or None; default None
        A number weighs all classes alike; a sequence holds one number a class. None: all weigh 1.
    gamma : float >= 0, default 2.0
        Focusing parameter. 0 is the alpha-balanced cross-entropy.
    axis : int, default -1
        The axis of classes.
    soft_targets : {"linear", "cross_entropy", "margin", "expected"}
        Rule for soft rows: p_t = sum(t p), p_t = exp(-CE), p_t = sigmoid(sum(t log(p / (1-p)))), or the
        expectation, sum(t FL(class)). They agree on hard targets, and with two classes each is the
        rule of the sigmoid loss.
    detach_modulator : bool, default False
        True: (1 - p_t)**gamma counts as a constant in every derivative. The value is the same.

    Raises
    ------
    TypeError, ValueError
        A parameter that is not such a number.

    Notes
    -----
    Targets are class indices (the shape of the logits without the class axis), or one-hot or soft
    rows (the shape of the logits) that sum to 1.

    Unit: nats. Accuracy in NumPy float64, gamma <= 5: value, gradient and second derivatives within
    16 scaled ULP for any number of classes (docs/accuracy.md has what was measured). 1 - p_t is the sum
    of the other probabilities, so that a confident right row keeps its relative accuracy.
    Limits: a logit of -inf masks its class out, with gradient 0; +inf makes its class certain; nan
    stays in its own row.

    References
    ----------
    Lin et al. 2017, arXiv:1708.02002, eq. (5).

    Examples
    --------
    >>> from focal_ref import SoftmaxFocal
    >>> SoftmaxFocal(gamma=2.0).value([[2.0, 0.5, -1.0], [0.0, 1.0, 0.3]], [0, 2]).round(7).tolist()
    [0.0110928, 0.7120961]
    """

    alpha: float | tuple[float, ...] | None = None
    gamma: float = 2.0
    axis: int = -1
    soft_targets: str = "linear"
    detach_modulator: bool = False
    name: ClassVar[str] = "softmax_focal"
    consumes_classes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the parameters once, here, so that no formula has to."""
        object.__setattr__(self, "alpha", checked_alpha(self.alpha))
        object.__setattr__(self, "gamma", checked_gamma(self.gamma))
        object.__setattr__(self, "axis", checked_integer("axis", self.axis))
        object.__setattr__(self, "soft_targets", checked_soft_targets(self.soft_targets))
        object.__setattr__(self, "detach_modulator", checked_flag("detach_modulator", self.detach_modulator))

    def value_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """FL."""
        return self._rule(x, t, xp).value()[..., 0]

    def gradient_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """dFL/dx, a row for each row."""
        return self._rule(x, t, xp).gradient()

    def value_and_gradient_formula(self, x: Array, t: Array, xp: Any) -> tuple[Array, Array]:
        """Both, from the same exponentials, sums and power."""
        rule = self._rule(x, t, xp)
        return rule.value()[..., 0], rule.gradient()

    def curvature_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """The diagonal of each row's Hessian."""
        return self._rule(x, t, xp).diagonal()

    def hessian_product_formula(self, x: Array, t: Array, vector: Array, xp: Any) -> Array:
        """Each row's Hessian times the row of the vector; linear in the vector, as JAX's transposition needs it."""
        return self._rule(x, t, xp).product(vector)

    def fused_value_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """FL for a compiler that fuses, for class indices."""
        rule = self._fused_rule(x, t, xp)
        return self.value_formula(x, t, xp) if rule is None else rule.value()[..., 0]

    def fused_gradient_formula(self, x: Array, t: Array, xp: Any, *, value: Array | None = None) -> Array:
        """dFL/dx for a compiler that fuses."""
        rule = self._fused_rule(x, t, xp)
        if rule is None:
            return self.gradient_formula(x, t, xp)
        return rule.detached_gradient() if self.detach_modulator else rule.gradient()

    def _fused_rule(self, x: Array, t: Array, xp: Any) -> FusedRows | None:
        few = is_class_index(t, x) and x.shape[-1] <= MOST_CLASSES
        # The error of u counts gamma times: beyond 10 nobody bounds it.
        if not few or (isinstance(self.gamma, float) and self.gamma > 10.0):
            return None
        return FusedRows(x, t, self.gamma, self._alpha_array(x, xp), xp)

    def _alpha_array(self, x: Array, xp: Any) -> Any:
        return array_like(self.alpha, x, xp) if isinstance(self.alpha, tuple) else self.alpha

    def _rule(self, x: Array, t: Array, xp: Any) -> RowRule:
        name = self.soft_targets
        if is_class_index(t, x):
            # All rules agree on hard targets.
            t, name = one_hot(t, x, xp, others_allowed=False), "linear"
        return RULES[name](SoftmaxTerms(x, t, xp), self.gamma, self._alpha_array(x, xp), self.detach_modulator)
