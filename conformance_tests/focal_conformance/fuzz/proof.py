"""Value and gradient of one random point in ball arithmetic (python-flint)."""

import math
from collections.abc import Sequence
from typing import Any

from flint import ctx

from focal_conformance.dialect import Parameters
from focal_conformance.oracle.rounding import nearest_double, unique_double
from focal_conformance.oracle.sigmoid_focal import FAR_FROM, balls, sigmoid_focal
from focal_conformance.oracle.soft_targets import LINEAR
from focal_conformance.oracle.softmax_focal import COMPLEMENT_FROM, NO_DIRECTION, Row

LAST_PRECISION = 1 << 16
ENOUGH = 128
"""Bits beyond those that log p of a probability near 1 takes."""
TIED = 400
"""A ball of so many good bits that still holds two float64 is halfway between them."""
SMALLEST = 1100.0
"""exp(-|x|) beyond this is no float64 any more."""


def proven_point(x: float, t: float, parameters: Parameters) -> tuple[float, float]:
    """Value and gradient of the sigmoid loss."""
    alpha, gamma = parameters.alpha, parameters.gamma
    assert not isinstance(alpha, tuple)
    rule, detach = parameters.soft_targets, parameters.detach_modulator
    if math.isnan(x) or abs(x) > FAR_FROM:
        truth = sigmoid_focal(x, t, alpha, gamma, rule, detach)
        return truth.value, truth.gradient
    if t in (0.0, 1.0):
        # Where the rules agree, the linear one needs the fewest bits.
        rule = LINEAR
    precision = _first_precision(abs(x))
    while True:
        value, gradient, _ = balls(
            x, t, alpha, gamma, precision, complement=True, soft_targets=rule, detach_modulator=detach
        )
        numbers = rounded(value, precision), rounded(gradient, precision)
        if numbers[0] is not None and numbers[1] is not None:
            return numbers[0], numbers[1]
        precision = _more(precision, f"{x=}, {t=}, {parameters=}")


def proven_row(x: Sequence[float], t: Any, parameters: Parameters) -> tuple[float, list[float]]:
    """Value and gradient of a row of the softmax loss."""
    row = Row(x, t)
    if row.isnan or len(row.present) == 1:
        constant = math.nan if row.isnan else 0.0
        return constant, [constant] * len(x)
    rule = LINEAR if sorted(row.targets)[-2:] == [0.0, 1.0] else parameters.soft_targets
    present = [x[c] for c in row.present]
    first = _first_precision(min(max(present) - min(present), COMPLEMENT_FROM))

    def number(kind: str, c: int) -> float:
        precision = first
        while True:
            ball = row.ball(kind, c, parameters.alpha, parameters.gamma, precision, rule, parameters.detach_modulator)
            result = rounded(ball, precision)
            if result is not None:
                return result
            precision = _more(precision, f"{x=}, {t=}, class {c}, {parameters=}")

    value = number("value", NO_DIRECTION)
    return value, [number("gradient", c) if c in row.present else 0.0 for c in range(len(x))]


def rounded(ball: Any, precision: int) -> float | None:
    """The float64 that a ball rounds to; of a tie one of the two; None if it takes more bits."""
    result = unique_double(ball)
    if result is None and ball.is_finite() and ball.rel_accuracy_bits() >= TIED:
        mantissa, exponent = (int(part) for part in ball.mid().man_exp())
        return nearest_double(mantissa, exponent)
    return result


def row_digits(x: Sequence[float], t: Any, parameters: Parameters, count: int) -> tuple[str, list[str]]:
    """Value and gradient of a row in decimal, ``count`` digits each; only for finite logits."""
    row = Row(x, t)

    def text(kind: str, c: int) -> str:
        if c != NO_DIRECTION and c not in row.present:
            return "0"
        precision = 1024
        while True:
            ball = row.ball(
                kind, c, parameters.alpha, parameters.gamma, precision, parameters.soft_targets,
                parameters.detach_modulator,
            )  # fmt: skip
            if ball.is_zero() or ball.rel_accuracy_bits() > 3.33 * count + 4 or precision >= LAST_PRECISION:
                before, ctx.prec = ctx.prec, precision
                try:
                    return str(ball.str(count, radius=False))
                finally:
                    ctx.prec = before
            precision *= 4

    return text("value", NO_DIRECTION), [text("gradient", c) for c in range(len(x))]


def _first_precision(distance: float) -> int:
    """Bits that log(1 + exp(-distance)) takes, while it is a float64 at all."""
    return ENOUGH + int(min(distance, SMALLEST) / math.log(2.0))


def _more(precision: int, where: str) -> int:
    if precision > LAST_PRECISION:
        raise ArithmeticError(f"no float64 with {precision} bits at {where}")
    return 2 * precision
