"""Random logits: every bit pattern of a dtype can come up, those where ports go wrong come up often."""

import math
from functools import lru_cache

import numpy as np

from focal_conformance.formats import FORMATS, Float64, FloatFormat
from focal_conformance.vectors.load import in_required_range

CLIPS = (1e-15, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
"""Epsilons that public code clips probabilities with: where it does is a logit of its own."""
SWITCHES = (1.0, 2.0, 5.0, 10.0, 15.0, 16.0, 18.0, 20.0, 30.0, 50.0, 100.0)
"""Where code changes its formula; torch's softplus at 20."""
NEAR = 8
"""Neighbours are at most so many ULP away."""


def random_logits(
    fmt: FloatFormat, gamma: float, generator: np.random.Generator, count: int, *, ordinary: bool
) -> Float64:
    """Logits of the format; ``ordinary``: only finite ones of the size that the required level asks for."""
    kinds = np.stack(
        [
            any_pattern(fmt, generator, count),
            _moderate(fmt, generator, count),
            _moderate(fmt, generator, count),
            neighbours(thresholds(fmt, gamma), fmt, generator, count),
            neighbours(thresholds(fmt, gamma), fmt, generator, count),
            _around_zero(fmt, generator, count),
        ]
    )
    chosen = np.take_along_axis(kinds, generator.integers(0, len(kinds), (1, count)), axis=0)[0]
    if ordinary:
        chosen = np.where(in_required_range(chosen, fmt.name), chosen, _moderate(fmt, generator, count))
    return chosen


@lru_cache
def thresholds(fmt: FloatFormat, gamma: float) -> Float64:
    """|x| at which something rounds to 1, underflows, overflows or is treated apart."""
    found = {0.5, math.log(2.0), *SWITCHES, *(math.log1p(-eps) - math.log(eps) for eps in CLIPS)}
    for each in {fmt, FORMATS[fmt.compute_name]}:
        digits, smallest = each.bits * math.log(2.0), -each.min_exponent * math.log(2.0)
        # sigmoid is 1, and log1p(exp(-x)) is exp(-x); exp(-x) is subnormal, then 0; exp(x) is inf.
        found |= {digits - math.log(2.0), digits, digits + math.log(2.0), 0.5 * digits}
        found |= {smallest, smallest + digits - math.log(2.0), smallest + digits}
        found |= {(each.max_exponent + 1) * math.log(2.0)}
        # The powers of gamma and what multiplies them, exp(-gamma x) and exp(-(gamma + 1) x).
        found |= {f * edge for edge in (smallest, smallest + digits) for f in (1.0 / (gamma + 1.0), 0.5)}
        if gamma > 0.125:
            found |= {edge / gamma for edge in (digits, smallest, smallest + digits)}
    found |= {1e3, 1e4, fmt.largest}
    return np.unique(fmt.rounded(sorted(found)))


def neighbours(centres: Float64, fmt: FloatFormat, generator: np.random.Generator, count: int) -> Float64:
    """One of the centres, of either sign, or a number a few ULP from it."""
    centre = generator.choice(centres, count)
    steps = generator.integers(-NEAR, NEAR + 1, count)
    # Beyond the largest number there is infinity, a neighbour too.
    with np.errstate(over="ignore"):
        moved = np.abs(centre + steps * fmt.ulp(centre))
    return fmt.rounded(moved * generator.choice([-1.0, 1.0], count))


def any_pattern(fmt: FloatFormat, generator: np.random.Generator, count: int) -> Float64:
    """Numbers of uniformly random bit patterns: infinities, nan and subnormals with them."""
    width = {"float64": 64, "float32": 32}.get(fmt.name, 16)
    return from_patterns(generator.integers(0, 1 << width, count, dtype=np.uint64), fmt)


def from_patterns(patterns: "np.ndarray[tuple[int], np.dtype[np.uint64]]", fmt: FloatFormat) -> Float64:
    """The numbers that bit patterns stand for."""
    if fmt.name == "float64":
        return patterns.view(np.float64).copy()
    if fmt.name == "float16":
        return patterns.astype(np.uint16).view(np.float16).astype(np.float64)
    # bfloat16 is the upper half of a float32.
    words = (patterns << np.uint64(16) if fmt.name == "bfloat16" else patterns).astype(np.uint32)
    with np.errstate(invalid="ignore"):
        return words.view(np.float32).astype(np.float64)


def _moderate(fmt: FloatFormat, generator: np.random.Generator, count: int) -> Float64:
    wide = 750.0 if fmt.bits == 53 else 110.0
    spread = generator.choice([1.0, 6.0, 40.0, wide], size=count, p=[0.3, 0.3, 0.3, 0.1])
    return fmt.rounded(generator.uniform(-1.0, 1.0, count) * spread)


def _around_zero(fmt: FloatFormat, generator: np.random.Generator, count: int) -> Float64:
    """Zeros, subnormals, the smallest normal numbers, and powers of 2 down to them."""
    smallest = fmt.smallest_normal
    kinds = np.stack(
        [
            generator.integers(0, 4, count) * fmt.ulp(0.0),
            generator.uniform(0.0, 2.0, count) * smallest,
            2.0 ** generator.uniform(fmt.min_exponent, 0.0, count),
            2.0 ** generator.uniform(-2.0 * fmt.bits, 0.0, count),
        ]
    )
    chosen = np.take_along_axis(kinds, generator.integers(0, len(kinds), (1, count)), axis=0)[0]
    return fmt.rounded(chosen) * generator.choice([-1.0, 1.0], count)
