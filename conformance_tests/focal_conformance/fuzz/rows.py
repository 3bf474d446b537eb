"""Random rows of logits, and their targets: class indices and soft rows that sum to 1."""

from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import Float64, FloatFormat
from focal_conformance.fuzz.logits import neighbours, random_logits, thresholds
from focal_conformance.vectors.load import in_required_range

CLASSES = (2, 3, 4, 5, 6, 7, 8, 9, 10)


def random_rows(
    fmt: FloatFormat, gamma: float, generator: np.random.Generator, count: int, classes: int, *, ordinary: bool
) -> Float64:
    """Rows of several kinds; at most one logit of a row is +inf, else it has no limit."""
    rows = np.stack([_row(fmt, gamma, generator, classes) for _ in range(count)])
    if ordinary:
        return np.where(in_required_range(rows, fmt.name), rows, fmt.rounded(generator.normal(size=rows.shape)))
    several = (rows == np.inf) & (np.cumsum(rows == np.inf, axis=-1) > 1)
    rows = np.where(several, fmt.largest, rows)
    # One class at least is there.
    rows[np.all(rows == -np.inf, axis=-1), 0] = 0.0
    return rows


def _row(fmt: FloatFormat, gamma: float, generator: np.random.Generator, classes: int) -> Float64:
    kind = int(generator.integers(0, 7))
    near = generator.uniform(-1.0, 1.0, classes)
    one = int(generator.integers(0, classes))
    if kind == 0:
        return random_logits(fmt, gamma, generator, classes, ordinary=False)
    if kind == 1:
        return fmt.rounded(near * 2.0 ** generator.uniform(-4.0, 9.5 if fmt.bits == 53 else 7.0))
    if kind == 2:
        # One class above or below the others by what saturates.
        gap = neighbours(thresholds(fmt, gamma), fmt, generator, 1)
        row = fmt.rounded(near * float(generator.choice([0.0, 1e-3, 1.0])))
        row[one] = row[(one + 1) % classes] + gap[0]
        return fmt.rounded(row)
    if kind == 3:
        # Ties, and nearly so.
        middle = fmt.rounded(np.full(classes, generator.normal() * 8.0))
        return fmt.rounded(middle + generator.integers(-3, 4, classes) * fmt.ulp(middle))
    if kind == 4:
        row = fmt.rounded(3.0 * near)
        row[one] = -np.inf
        return row
    if kind == 5:
        # An offset changes nothing, but costs digits.
        return fmt.rounded(2.0 * near + generator.choice([-1.0, 1.0]) * 2.0 ** generator.uniform(0.0, 9.0))
    return fmt.rounded(3.0 * near)


def random_indices(rows: Float64, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """A class of each row that is there; the largest often."""
    masked = np.isneginf(rows)
    scores = generator.random(rows.shape) - 2.0 * masked
    top = np.where(np.isnan(rows), -np.inf, rows)
    often = generator.random(len(rows)) < 0.3
    return np.where(often, np.argmax(top, axis=-1), np.argmax(scores, axis=-1)).astype(np.int64)


def random_soft_rows(rows: Float64, fmt: FloatFormat, generator: np.random.Generator) -> Float64:
    """Multiples of the spacing below 1, so that each row sums to 1; 0 at masked classes."""
    return np.stack([_soft_row(row, fmt, generator) for row in rows])


def _soft_row(row: Float64, fmt: FloatFormat, generator: np.random.Generator) -> Any:
    there = np.flatnonzero(~np.isneginf(row))
    kind = int(generator.integers(0, 5))
    shares = generator.dirichlet(np.full(there.size, 0.7))
    largest = int(generator.integers(0, there.size))
    if kind == 0:
        shares = np.full(there.size, 0.1 / there.size)
    elif kind == 1:
        shares = shares * 2.0 ** generator.uniform(-float(fmt.bits), -1.0)
    elif kind == 2 and np.isfinite(row[there]).all():
        # p itself, up to the rounding of its parts.
        e = np.exp(row[there] - row[there].max())
        shares = e / e.sum()
        largest = int(np.argmax(shares))
    elif kind == 3:
        shares = np.zeros(there.size)
        shares[int(generator.integers(0, there.size))] = fmt.eps * float(generator.integers(1, 4))
    parts = np.rint(shares / fmt.eps) * fmt.eps
    parts[largest] = 0.0
    # A ratio of integers: the sum and the rest are exact.
    parts[largest] = max(1.0 - parts.sum(), 0.0)
    result = np.zeros(row.size)
    result[there] = parts
    return result
