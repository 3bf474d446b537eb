"""Which inputs and parameters the rules of soft targets are held to, and the detached modulator."""

import math

import numpy as np

from focal_conformance.formats import Float64, FloatFormat
from focal_conformance.oracle.soft_targets import CROSS_ENTROPY, EXPECTED, LINEAR, MARGIN
from focal_conformance.vectors.grid import MAGNITUDES
from focal_conformance.vectors.powers import powers_of_two

SOFT = (0.3, 0.5, 0.95)
OTHER_RULES = (CROSS_ENTROPY, MARGIN, EXPECTED)
_FULL: list[tuple[float | None, float]] = [(None, 1.0), (None, 2.0), *((0.25, g) for g in (0.5, 2.0, 2.7, 5.0))]
_HALF: list[tuple[float | None, float]] = [(None, 2.0), (0.25, 0.5), (0.25, 2.7)]
_OFF: list[tuple[float | None, float]] = [(0.25, 0.0)]
"""With gamma 0 only `expected` differs from the linear rule."""


def rule_parameters(rule: str, fmt: FloatFormat) -> list[tuple[float | None, float]]:
    """Alpha and gamma of a rule's groups; fewer for half types, which round what float32 computes."""
    return (_HALF if fmt.is_half else _FULL) + (_OFF if rule == EXPECTED else [])


def detached_groups(fmt: FloatFormat) -> list[tuple[str, float | None, float]]:
    """Rule, alpha and gamma of the groups with a detached modulator."""
    linear: list[tuple[str, float | None, float]] = [(LINEAR, 0.25, 0.5), (LINEAR, None, 2.0), (LINEAR, 0.25, 2.7)]
    return [*linear[: 2 if fmt.is_half else 3], (CROSS_ENTROPY, 0.25, 0.5), (MARGIN, 0.25, 2.0), (EXPECTED, 0.25, 2.7)]


def soft_special_points(fmt: FloatFormat) -> tuple[Float64, Float64]:
    """Special logits of the format crossed with soft targets; nan once."""
    magnitudes = {float(fmt.rounded(m)) for m in (*MAGNITUDES, fmt.largest)}
    logits = sorted({sign * m for m in magnitudes for sign in (-1.0, 1.0)})
    pairs = [(x, float(fmt.rounded(t))) for x in logits for t in SOFT] + [(math.nan, float(fmt.rounded(SOFT[0])))]
    return np.array([x for x, _ in pairs]), np.array([t for _, t in pairs])


def soft_random_points(fmt: FloatFormat, generator: np.random.Generator, count: int) -> tuple[Float64, Float64]:
    """Random logits, most of them moderate; soft targets, some close to 0 and 1."""
    spread = generator.choice([1.0, 6.0, 40.0, 700.0 if fmt.bits == 53 else 100.0], size=count, p=[0.3, 0.3, 0.3, 0.1])
    logits = generator.uniform(-1.0, 1.0, count) * spread
    small = powers_of_two(generator.uniform(-7.0, -1.0, count))
    choices = np.stack([generator.uniform(0.05, 0.95, count), small, 1.0 - small])
    targets = np.take_along_axis(choices, generator.integers(0, 3, (1, count)), axis=0)[0]
    return fmt.rounded(logits), fmt.rounded(targets)
