"""Random targets of elements: hard ones, and soft ones near 0, 1, 1/2 and p."""

import numpy as np

from focal_conformance.formats import Float64, FloatFormat


def random_targets(
    logits: Float64, fmt: FloatFormat, generator: np.random.Generator, *, soft: bool, subnormal: bool
) -> Float64:
    """Targets of the format, a third of them hard; all of them unless ``soft``.

    Without ``subnormal`` the small ones are normal numbers: a backend that flushes reads others as 0.
    """
    count = logits.size
    hard = generator.integers(0, 2, count).astype(np.float64)
    if not soft:
        return hard
    kinds = np.stack(
        [
            hard,
            hard,
            hard,
            generator.uniform(0.0, 1.0, count),
            _near_zero(fmt, generator, count),
            1.0 - _near_zero(fmt, generator, count, -float(fmt.bits)),
            _near(np.full(count, 0.5), fmt, generator),
            _near(_sigmoid(logits), fmt, generator),
            _near(_sigmoid(logits), fmt, generator),
        ]
    )
    chosen = np.take_along_axis(kinds, generator.integers(0, len(kinds), (1, count)), axis=0)[0]
    result = np.clip(fmt.rounded(chosen), 0.0, 1.0)
    return result if subnormal else np.where(result < fmt.smallest_normal, 0.0, result)


def _sigmoid(logits: Float64) -> Float64:
    e = np.exp(-np.abs(np.nan_to_num(logits)))
    return np.where(logits >= 0.0, 1.0, e) / (1.0 + e)


def _near_zero(fmt: FloatFormat, generator: np.random.Generator, count: int, lowest: float | None = None) -> Float64:
    """A few ULP of 0 or of 1, or any power of 2 down to ``lowest``, the smallest normal number."""
    lowest = float(fmt.min_exponent) if lowest is None else lowest
    unit = fmt.ulp(0.0) if lowest == fmt.min_exponent else fmt.eps / 2.0
    kinds = np.stack(
        [
            generator.integers(1, 5, count) * unit,
            2.0 ** generator.uniform(lowest, -1.0, count),
            2.0 ** generator.uniform(-2.0 * fmt.bits, -1.0, count),
        ]
    )
    return np.take_along_axis(kinds, generator.integers(0, len(kinds), (1, count)), axis=0)[0]


def _near(centres: Float64, fmt: FloatFormat, generator: np.random.Generator) -> Float64:
    """A few ULP beside a centre, or a power of 2 of it."""
    count = centres.size
    steps = generator.integers(-4, 5, count) * fmt.ulp(centres)
    offset = centres * 2.0 ** generator.uniform(-float(fmt.bits), -1.0, count) * generator.choice([-1.0, 1.0], count)
    return fmt.rounded(centres) + np.where(generator.integers(0, 2, count) == 1, steps, offset)
