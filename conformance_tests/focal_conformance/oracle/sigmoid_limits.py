"""The sigmoid focal loss at a huge or infinite |x|, for every rule of soft targets.

There e = exp(-|x|) is less than any digit asked for, and so are its derivatives: a ball of radius
2^-(10^7) around 0 encloses them. With y = |x| and s its sign,

    -log p, -log(1-p) = 0 and x + h for s > 0, else -x - h and 0, each up to e,
    (1-p)^gamma = exp(-gamma (-log(1-p))), p^gamma = exp(-gamma (-log p)),

and the formula of the rule is evaluated on these enclosures. Where the result without e lies
halfway between two float64, the sign of the largest of what was left out decides, and any tiny
number stands in for it: exp(-CE) and exp(margin), if they are tiny, are large beside e.

At an infinite x, with w the weight of the class that the logit speaks against, the slope is
alpha_t w f (expected: that class' alpha and w alone), f what 1-p_t to the power gamma becomes.
"""

import math
from typing import Any

from flint import arb, arb_series, ctx

from focal_conformance.oracle.rounding import exact, unique_double
from focal_conformance.oracle.soft_targets import CROSS_ENTROPY, EXPECTED, LINEAR, MARGIN

NEGLIGIBLE = 10**7
SAMPLE = 8000
"""2^-8000 stands in for e where a sign decides."""


def far(x: float, t: float, alpha: float | None, gamma: float, rule: str, detach: bool) -> tuple[float, float, float]:
    """Value, gradient and curvature; only for |x| > 2^64."""
    if math.isinf(x):
        return _limits(x, t, alpha, gamma, rule)
    numbers = [unique_double(ball) for ball in _enclosures(x, t, alpha, gamma, rule, detach, sample=False)]
    if None in numbers:
        numbers = [unique_double(ball) for ball in _enclosures(x, t, alpha, gamma, rule, detach, sample=True)]
    if None in numbers:
        raise ArithmeticError(f"no unique float64 at {x=}, {t=}, {alpha=}, {gamma=}, {rule=}")
    value, gradient, curvature = (number for number in numbers if number is not None)
    return value, gradient, curvature


def _limits(x: float, t: float, alpha: float | None, gamma: float, rule: str) -> tuple[float, float, float]:
    """Value inf and the slope; or 0 and 0. A constant modulator has the same limits."""
    before, ctx.prec = ctx.prec, 4096
    try:
        target, one = exact(t), arb(1)
        positive, negative = (one, one) if alpha is None else (exact(alpha), one - exact(alpha))
        weight = positive * target + negative * (one - target) if alpha is not None else one
        against = one - target if x > 0 else target
        if rule == EXPECTED:
            weight = negative if x > 0 else positive
        factor = one
        if gamma > 0.0 and not against.is_zero():
            if rule == LINEAR:
                factor = _number_power(against, gamma)
            elif rule == MARGIN and not against > 0.5:
                factor = _number_power(one / 2, gamma) if against == 0.5 else arb(0)
        leading = weight * against * factor
        slope = unique_double(leading)
    finally:
        ctx.prec = before
    if slope is None:
        raise ArithmeticError(f"no unique float64 at {x=}, {t=}, {alpha=}, {gamma=}, {rule=}")
    # A slope below all float64 is one nevertheless: the value grows with x beyond any bound.
    return 0.0 if leading.is_zero() else math.inf, math.copysign(slope, x), 0.0


def _number_power(base: Any, gamma: float) -> Any:
    """base^gamma, exact for an integer gamma."""
    return base ** int(gamma) if gamma == int(gamma) else (exact(gamma) * base.log()).exp()


def _enclosures(
    x: float, t: float, alpha: float | None, gamma: float, rule: str, detach: bool, *, sample: bool
) -> tuple[Any, Any, Any]:
    before, ctx.prec = ctx.prec, 2 * SAMPLE if sample else 4096
    try:
        target, one = exact(t), arb(1)
        weights = (one, one) if alpha is None else (exact(alpha), one - exact(alpha))
        alpha_t = one if alpha is None else weights[0] * target + weights[1] * (one - target)
        against = one - target if x > 0 else target
        if against.is_zero() or alpha_t.is_zero():
            return arb(0), arb(0), arb(0)
        logit = arb_series([exact(x), one], 3)
        nothing = _vanishing(math.copysign(1.0, x), sample)
        minus_log_p, minus_log_not_p = (nothing, logit + nothing) if x > 0 else (nothing - logit, nothing)
        if rule == EXPECTED:
            positive = weights[0] * target * _power(minus_log_not_p, gamma, detach) * minus_log_p
            negative = weights[1] * (one - target) * _power(minus_log_p, gamma, detach) * minus_log_not_p
            loss = positive + negative
        else:
            cross_entropy = target * minus_log_p + (one - target) * minus_log_not_p
            if rule == CROSS_ENTROPY:
                minus_log_not_p_t = -(1 - _exp(-cross_entropy, sample)).log()
            elif rule == MARGIN:
                minus_log_not_p_t = softplus(logit * (2 * target - one), sample)
            else:
                # 1 - p_t is the weight of the class that the logit speaks against, up to e (1-2w).
                minus_log_not_p_t = -(against + (1 - 2 * against) * nothing).log()
            loss = alpha_t * _power(minus_log_not_p_t, gamma, detach) * cross_entropy
        return loss[0], loss[1], 2 * loss[2]
    finally:
        ctx.prec = before


def _vanishing(sign: float, sample: bool) -> Any:
    """log(1 + exp(-|x + h|)), enclosed; or one number of its size and signs."""
    if sample:
        e = arb(2) ** -SAMPLE
        return arb_series([e, -sign * e, e / 2], 3)
    tiny = arb(0, arb(2) ** -NEGLIGIBLE)
    return arb_series([tiny, tiny, tiny], 3)


def softplus(margin: Any, sample: bool = False) -> Any:
    """log(1 + exp(margin)), of a margin of any size."""
    if margin[0] > 0:
        return margin + (1 + _exp(-margin, sample)).log()
    return (1 + _exp(margin, sample)).log()


def _exp(exponent: Any, sample: bool) -> Any:
    """The exponential of a negative number; in a sample one that is small, and large beside e."""
    if sample and exponent[0] < -SAMPLE / 3:
        return arb(2) ** -(SAMPLE // 2) * (exponent - exponent[0]).exp()
    return exponent.exp()


def _power(minus_log: Any, gamma: float, detach: bool) -> Any:
    """exp(-gamma minus_log), or its value alone."""
    if gamma == 0.0:
        return arb_series([arb(1)], 3)
    power = (-exact(gamma) * minus_log).exp()
    return arb_series([power[0]], 3) if detach else power
