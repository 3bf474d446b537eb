"""Numbers simpler than a given one, the simplest first: what a failing point is reduced to."""

import math

import numpy as np

from focal_conformance.formats import Float64, FloatFormat
from focal_conformance.vectors.grid import held

ROUND = (0.0, 1.0, -1.0, 2.0, -2.0, 5.0, -5.0, 10.0, -10.0)
DIGITS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20)
GAMMAS = (2.0, 0.0, 1.0, 0.5)
ALPHAS = (0.25, 0.5)
TARGETS = (0.0, 1.0, 0.5, 0.25, 0.75)


def simpler_numbers(own: float, fmt: FloatFormat) -> list[float]:
    """Round numbers, then the number itself with fewer binary digits."""
    numbers = [*ROUND, *(digits_of(own, bits) for bits in DIGITS if bits < fmt.bits)]
    if 0.0 < abs(own) < fmt.smallest_normal:
        numbers.insert(len(ROUND), math.copysign(float(fmt.ulp(0.0)), own))
    return _distinct([x for x in numbers if abs(x) <= fmt.largest], own)


def simpler_targets(x: float, own_x: float, own: float, fmt: FloatFormat) -> list[float]:
    """Round targets, fewer digits; p of the logit ``x``, and as far from it as the own one is."""
    if own in (0.0, 1.0):
        return [0.0] if own else []
    p, own_p = _sigmoid(x), _sigmoid(own_x)
    relative = [0.5, 0.5] if math.isnan(p + own_p) else [p, p + (own - own_p)]
    numbers = [*TARGETS, *relative, *(digits_of(own, bits) for bits in DIGITS if bits < fmt.bits)]
    held_numbers: Float64 = fmt.rounded(numbers)
    # The same length for every logit: Hypothesis takes a place in the list for a choice.
    return [float(t) if 0.0 <= t <= 1.0 else own for t in held_numbers]


def simpler_shares(own: float, fmt: FloatFormat) -> list[float]:
    """Fewer digits of a share of a row, none below the spacing of numbers below 1."""
    numbers = [digits_of(own, bits) for bits in DIGITS[:4]]
    return [float(np.rint(number / fmt.eps) * fmt.eps) for number in numbers]


def simpler_gammas(own: float, compute: FloatFormat) -> list[float]:
    """Common gammas, then fewer digits."""
    return _distinct([*GAMMAS, *(digits_of(own, bits) for bits in DIGITS if bits < compute.bits)], own)


def simpler_alphas(own: float | None, compute: FloatFormat, may_be_off: bool) -> list[float | None]:
    """Off, where the port can; common alphas, then fewer digits."""
    if own is None:
        return []
    fewer = [digits_of(own, bits) for bits in DIGITS if bits < compute.bits]
    numbers = _distinct([held(alpha, compute) for alpha in (*ALPHAS, *fewer) if alpha <= 1.0], own)
    return [None, *numbers] if may_be_off else [*numbers]


def digits_of(number: float, bits: int) -> float:
    """The number with so many significant binary digits."""
    if not math.isfinite(number) or number == 0.0:
        return number
    fraction, exponent = math.frexp(number)
    try:
        return math.ldexp(float(np.rint(math.ldexp(fraction, bits))), exponent - bits)
    except OverflowError:
        return number


def _distinct(numbers: list[float], own: float) -> list[float]:
    return [x for x in dict.fromkeys(numbers) if x != own]


def _sigmoid(x: float) -> float:
    e = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)
