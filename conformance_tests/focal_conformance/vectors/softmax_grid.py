"""Which points and parameters the softmax focal loss is held to."""

from dataclasses import dataclass

import numpy as np

from focal_conformance.formats import FORMATS, Float64, FloatFormat
from focal_conformance.oracle.soft_targets import CROSS_ENTROPY, EXPECTED, LINEAR, MARGIN
from focal_conformance.vectors.grid import SEED
from focal_conformance.vectors.softmax_rows import (
    INDICES,
    ROWS,
    Rows,
    assembled,
    classes_of,
    long_rows,
    single_rows,
    special_rows,
    vector_of,
)

FEW, MANY = (2, 3, 10), (100, 1000)
PER_CLASS = "per class"
Alpha = float | str | None
Setting = tuple[str, bool, Alpha, float]
"""Rule, detached or not, alpha, gamma."""
Pair = tuple[Alpha, float]


@dataclass(frozen=True)
class Points:
    """A named set of rows with one kind of targets."""

    name: str
    logits: str
    """Name of the logits; index targets and rows may share them."""
    kind: str
    rows: Rows
    vector: Float64
    classes: list[list[int]]


def alpha_per_class(k: int) -> Float64:
    """One weight a class, 0 among them; float32 in every dtype, so that no limit lies between two float64."""
    weights = [0.3] if k == 1 else [0.25, 0.6, 0.0, 1.0, 0.1] if k <= 10 else [0.25, 0.0, 1.0]
    return FORMATS["float32"].rounded(np.resize(weights, k))


def all_points(fmt: FloatFormat) -> list[Points]:
    """All sets of rows of a dtype."""
    generator = np.random.Generator(np.random.PCG64([SEED, fmt.bits, 2]))
    result = []
    for k in (1, *FEW):
        hard = single_rows(fmt, generator, soft=False) if k == 1 else special_rows(k, fmt, generator, soft=False)
        soft = single_rows(fmt, generator, soft=True) if k == 1 else special_rows(k, fmt, generator, soft=True)
        classes, vector = classes_of(hard, generator), vector_of(k)
        result += [
            Points(f"k{k}-indices", f"k{k}", INDICES, hard, vector, classes),
            Points(f"k{k}-onehot", f"k{k}", ROWS, hard, vector, classes),
            Points(f"k{k}-rows", f"k{k}-soft", ROWS, soft, vector, classes_of(soft, generator)),
        ]
    for k in MANY:
        rows = long_rows(k, fmt, generator)
        hard, soft = (assembled(rows, fmt, generator, soft=s) for s in (False, True))
        classes, vector = classes_of(hard, generator), vector_of(k)
        result.append(Points(f"k{k}-indices", f"k{k}", INDICES, hard, vector, classes))
        if k == 100:
            result.append(Points(f"k{k}-onehot", f"k{k}", ROWS, hard, vector, classes))
        if k == 100 or not fmt.is_half:
            result.append(Points(f"k{k}-rows", f"k{k}", ROWS, soft, vector, classes))
    return result


def settings(points: Points, fmt: FloatFormat) -> list[Setting]:
    """The parameters that a set of rows meets; fewer for half types, which round what float32 computes."""
    k, shape = points.rows.logits.shape[1], points.name.split("-")[1]
    full = not fmt.is_half
    if k == 1:
        return [(LINEAR, False, None, 2.0), (LINEAR, False, PER_CLASS, 0.5), (LINEAR, True, 0.25, 0.0)]
    if shape == "onehot":
        other: list[Setting] = [(rule, False, None, 2.0) for rule in (CROSS_ENTROPY, MARGIN, EXPECTED)]
        return [(LINEAR, False, PER_CLASS, 0.5), *(other if k == 2 else [])]
    if shape == "indices":
        detached: list[Setting] = [(LINEAR, True, 0.25, 2.0)]
        return [(LINEAR, False, *pair) for pair in _index_parameters(k, full=full)] + detached
    rules = (LINEAR, CROSS_ENTROPY, MARGIN, EXPECTED)
    plain = [(rule, False, *pair) for rule in rules for pair in _row_parameters(k, rule, full=full)]
    return [*plain, *_detached(k, full=full)]


def _index_parameters(k: int, *, full: bool) -> list[Pair]:
    if k > 10:
        return [(None, 0.0), (None, 2.0), (0.25, 0.5), (0.25, 2.7), (PER_CLASS, 2.0), *([(None, 5.0)] if full else [])]
    if not full:
        return [(None, 2.0), (0.25, 0.0), (0.25, 0.5), (0.25, 2.7), (PER_CLASS, 2.0)]
    if k == 2:
        # The sigmoid loss by another name.
        return [(None, 0.5), (None, 2.0), (None, 5.0), (0.25, 0.0), (0.25, 2.7), (PER_CLASS, 2.0)]
    every = [0.0, 0.5, 1.0, 1.5, 2.0, 2.7, 5.0, 10.0]
    return [*((None, gamma) for gamma in every), (0.25, 0.0), (0.25, 0.5), (0.25, 2.0), (0.25, 2.7), (PER_CLASS, 0.5)]


def _row_parameters(k: int, rule: str, *, full: bool) -> list[Pair]:
    if k == 1000:
        return [(None, 2.0), (0.25, 0.5)] if rule == LINEAR else [(None, 2.0)]
    if k == 100:
        return [(None, 2.0), (PER_CLASS, 0.5)]
    if not full:
        return [(None, 0.5), (0.25, 0.0), (0.25, 2.0), (PER_CLASS, 2.7)] if rule == LINEAR else [(PER_CLASS, 2.0)]
    if k == 2:
        return [(None, 2.0), (0.25, 0.5), (PER_CLASS, 2.7)]
    if rule == LINEAR:
        every = [0.0, 0.5, 1.0, 2.0, 2.7, 5.0]
        return [*((None, gamma) for gamma in every), (0.25, 0.5), (PER_CLASS, 2.0)]
    return [
        *((None, gamma) for gamma in (0.5, 2.0, 2.7, 5.0)),
        *([(0.25, 0.0)] if rule == EXPECTED else [(0.25, 1.0)]),
        (PER_CLASS, 0.5),
    ]


def _detached(k: int, *, full: bool) -> list[Setting]:
    if k > 10:
        return []
    both: list[Setting] = [(LINEAR, True, None, 2.0), (EXPECTED, True, PER_CLASS, 2.7)]
    return [*both, (CROSS_ENTROPY, True, 0.25, 0.5), (MARGIN, True, None, 2.0)] if full else both
