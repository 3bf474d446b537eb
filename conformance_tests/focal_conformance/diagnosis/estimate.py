"""The parameter of a deviation, from a port's outputs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from focal_conformance.deviations.deviation import Parameter
from focal_conformance.diagnosis.asked import Asked

GRID, ROUNDS, LOCAL = 24, 9, 9


def estimated(asked: Sequence[Asked], changes: Callable[[float], Any], parameter: Parameter) -> float:
    """The value that comes nearest to the port; one that is usual where it explains as much."""
    distances: dict[float, float] = {}

    def distance(value: float) -> float:
        if value not in distances:
            distances[value] = sum(part.distance(*part.answers(changes(value))) for part in asked)
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
        if high - low <= 1e-9 * abs(high):
            break
        for value in spaced(low, high, LOCAL):
            distance(value)
    best = min(distances, key=distances.__getitem__)
    # Whoever wrote it wrote a short number.
    for digits in (1, 2, 3):
        distance(float(f"{best:.{digits}g}"))
    best = min(distances, key=distances.__getitem__)
    return usual if distances[usual] <= 1.02 * distances[best] + 1e-9 else best
