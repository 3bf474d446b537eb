"""The parameter of a deviation, from a port's outputs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from focal_conformance.deviations.deviation import Parameter
from focal_conformance.deviations.formula import Contradiction, evaluate
from focal_conformance.diagnosis.asked import Asked
from focal_conformance.formats import Float64

GRID, ROUNDS, LOCAL = 24, 7, 9


def _answers(asked: Asked, changes: Any) -> tuple[Float64, Float64]:
    try:
        return evaluate(asked.questions, changes)
    except Contradiction:
        return np.full_like(asked.value, np.nan), np.full_like(asked.questions.logits, np.nan)


def estimated(asked: Sequence[Asked], changes: Callable[[float], Any], parameter: Parameter) -> float:
    """The value that comes nearest to the port; one that is usual where it explains as much."""
    distances: dict[float, float] = {}

    def distance(value: float) -> float:
        if value not in distances:
            distances[value] = sum(part.distance(*_answers(part, changes(value))) for part in asked)
        return distances[value]

    def spaced(low: float, high: float, count: int) -> list[float]:
        if parameter.logarithmic:
            return [float(v) for v in np.geomspace(low, high, count)]
        return [float(v) for v in np.linspace(low, high, count)]

    for value in (*parameter.usual, *spaced(parameter.low, parameter.high, GRID)):
        distance(value)
    usual = min(parameter.usual, key=distance)
    for _ in range(ROUNDS):
        known = sorted(distances)
        at = known.index(min(distances, key=distances.__getitem__))
        low, high = known[max(0, at - 1)], known[min(len(known) - 1, at + 1)]
        if high - low <= 1e-6 * abs(high):
            break
        for value in spaced(low, high, LOCAL):
            distance(value)
    best = min(distances, key=distances.__getitem__)
    return usual if distances[usual] <= 1.02 * distances[best] + 1e-9 else best
