"""Value, first and second derivative of the sigmoid focal loss, correctly rounded to float64.

The formula is the paper's, verbatim, with a named rule for soft targets:

    p = 1 / (1 + exp(-x))       alpha_t = alpha t + (1-alpha)(1-t)
    CE = -t log p - (1-t) log(1-p)
    linear          FL = alpha_t (1-p_t)^gamma CE,  p_t = p t + (1-p)(1-t)
    cross_entropy   the same with p_t = exp(-CE)
    margin          the same with p_t = 1 / (1 + exp(-x (2t-1)))
    expected        FL = alpha t (1-p)^gamma (-log p) + (1-alpha)(1-t) p^gamma (-log(1-p))

Given the power series x + h it yields FL(x) + FL'(x) h + FL''(x) h^2/2 with proven error bounds.
A detached modulator keeps only its value at x, the coefficient of h^0.
1 - p cancels about |x|/ln 2 bits, so precision grows until each ball rounds to one float64.
Source: Lin et al. 2017, arXiv:1708.02002, eq. (5).
"""

import math
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_series, ctx

from focal_conformance.oracle.rounding import exact, unique_double
from focal_conformance.oracle.sigmoid_limits import far
from focal_conformance.oracle.soft_targets import CROSS_ENTROPY, EXPECTED, LINEAR, MARGIN, checked_rule

FIRST_PRECISION, LAST_PRECISION = 192, 1 << 17
COMPLEMENT_FROM = 2.0**14
"""Beyond this |x|, where 1 - p would need more bits than can be had, 1 - p = 1/(1 + exp(x))."""
FAR_FROM = 2.0**64
"""Beyond this |x| exp(-|x|) < 2^(-2^64) is less than any digit asked for."""


@dataclass(frozen=True)
class Truth:
    """Three correctly rounded numbers."""

    value: float
    gradient: float
    curvature: float


def sigmoid_focal(
    x: float,
    t: float,
    alpha: float | None,
    gamma: float,
    soft_targets: str = LINEAR,
    detach_modulator: bool = False,
) -> Truth:
    """Correctly rounded loss and derivatives; the limits at infinite ``x``, nan at nan."""
    rule = checked_rule(soft_targets)
    if math.isnan(x):
        return Truth(math.nan, math.nan, math.nan)
    if abs(x) > COMPLEMENT_FROM and t in (0.0, 1.0):
        # Where the rules agree, the linear one needs the fewest bits.
        rule = LINEAR
    if abs(x) > FAR_FROM:
        if rule == LINEAR and not detach_modulator:
            return _far(x, t, alpha, gamma)
        return Truth(*far(x, t, alpha, gamma, rule, detach_modulator))
    precision = FIRST_PRECISION
    while precision <= LAST_PRECISION:
        enclosures = balls(x, t, alpha, gamma, precision, soft_targets=rule, detach_modulator=detach_modulator)
        numbers = [unique_double(ball) for ball in enclosures]
        if None not in numbers:
            value, gradient, curvature = (number for number in numbers if number is not None)
            return Truth(value, gradient, curvature)
        precision *= 2
    raise ArithmeticError(f"no unique float64 with {LAST_PRECISION} bits at {x=}, {t=}, {alpha=}, {gamma=}, {rule=}")


def balls(
    x: float,
    t: float,
    alpha: float | None,
    gamma: float,
    precision: int,
    *,
    complement: bool | None = None,
    soft_targets: str = LINEAR,
    detach_modulator: bool = False,
) -> tuple[Any, Any, Any]:
    """Enclosures of FL, FL' and FL'' at a finite ``x``."""
    before, ctx.prec = ctx.prec, precision
    try:
        logit = arb_series([exact(x), arb(1)], 3)
        target, one = exact(t), arb(1)
        p = 1 / (1 + (-logit).exp())
        if complement is None:
            complement = abs(x) > COMPLEMENT_FROM
        not_p = 1 / (1 + logit.exp()) if complement else 1 - p
        positive, negative = _times_log(target, p), _times_log(one - target, not_p)
        if soft_targets == EXPECTED:
            weights = (one, one) if alpha is None else (exact(alpha), one - exact(alpha))
            loss = arb_series([arb(0)], 3)
            for weight, part, base in zip(weights, (positive, negative), (not_p, p), strict=True):
                if not (weight.is_zero() or _is_zero(part)):
                    loss = loss + weight * modulator(base, gamma, detach_modulator) * part
        else:
            cross_entropy = positive + negative
            if soft_targets == CROSS_ENTROPY:
                not_p_t = 1 - (-cross_entropy).exp()
            elif soft_targets == MARGIN:
                margin = logit * (2 * target - one)
                not_p_t = 1 / (1 + margin.exp()) if complement else 1 - 1 / (1 + (-margin).exp())
            elif complement:
                # 1 - p_t, in the form that holds 1 - p and no difference of its own.
                not_p_t = p * (one - target) + not_p * target
            else:
                not_p_t = 1 - (p * target + not_p * (one - target))
            loss = modulator(not_p_t, gamma, detach_modulator) * cross_entropy
            if alpha is not None:
                loss = (exact(alpha) * target + (one - exact(alpha)) * (one - target)) * loss
        return loss[0], loss[1], 2 * loss[2]
    finally:
        ctx.prec = before


def modulator(base: Any, gamma: float, detach: bool) -> Any:
    """base^gamma as a series, or its value alone."""
    if gamma == 0.0:
        return arb_series([arb(1)], 3)
    power = (exact(gamma) * base.log()).exp()
    return arb_series([power[0]], 3) if detach else power


def _times_log(weight: Any, probability: Any) -> Any:
    """-weight log(probability), 0 where the weight is 0."""
    return arb_series([arb(0)], 3) if weight.is_zero() else -weight * probability.log()


def _is_zero(series: Any) -> bool:
    return all(series[k].is_zero() for k in range(3))


def _far(x: float, t: float, alpha: float | None, gamma: float, precision: int = 1024) -> Truth:
    """Truth at a huge or infinite |x|.

    With y = |x|, w the weight of the class that the logit speaks against and e = exp(-y),

        FL       = alpha_t w^gamma (w y + e [1 + gamma (1-2w) y]) + O(e^2 y)
        |FL'|    = alpha_t w^gamma (w - e [1 + gamma (1-2w) (y-1)]) + O(e^2 y)
        |FL''|   = O(y e); where w = 0 all three are O(y e).

    Relative to the leading terms e is below 2^-(2^63), even for the smallest w. The leading term
    may lie halfway between two float64; then the sign of the bracket decides, and any tiny number
    stands in for e.
    """
    before, ctx.prec = ctx.prec, precision
    try:
        target = exact(t)
        against = arb(1) - target if x > 0 else target
        alpha_t = arb(1) if alpha is None else exact(alpha) * target + (1 - exact(alpha)) * (1 - target)
        if against.is_zero() or alpha_t.is_zero():
            return Truth(0.0, 0.0, 0.0)
        tiny = arb(0) if math.isinf(x) else arb(2) ** -100
        if gamma > 0.0 and against > 0.5:
            tiny = -tiny
        leading = alpha_t * against * (exact(gamma) * against.log()).exp()
        if gamma == int(gamma):
            leading = alpha_t * against ** (int(gamma) + 1)
        slope = unique_double(leading * (1 - tiny))
        value = math.inf if math.isinf(x) else unique_double(leading * abs(exact(x)) * (1 + tiny))
    finally:
        ctx.prec = before
    if slope is None or value is None:
        raise ArithmeticError(f"no unique float64 at {x=}, {t=}, {alpha=}, {gamma=}")
    return Truth(value, math.copysign(slope, x), 0.0)


def digits(
    x: float,
    t: float,
    alpha: float | None,
    gamma: float,
    count: int,
    *,
    soft_targets: str = LINEAR,
    detach_modulator: bool = False,
) -> tuple[str, str, str]:
    """Value, gradient and curvature at a finite ``x`` in decimal, ``count`` proven digits each."""
    precision = FIRST_PRECISION
    while True:
        enclosures = balls(x, t, alpha, gamma, precision, soft_targets=soft_targets, detach_modulator=detach_modulator)
        before, ctx.prec = ctx.prec, precision
        try:
            texts = tuple(ball.str(count, radius=False) for ball in enclosures)
            known = [ball.rel_accuracy_bits() > 3.33 * count + 4 or ball.is_zero() for ball in enclosures]
        finally:
            ctx.prec = before
        if all(known) or precision >= COMPLEMENT_FROM:
            value, gradient, curvature = texts
            return value, gradient, curvature
        precision *= 2
