"""What a deviation is: a small declared change to the specification's formula."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Step = Callable[[Any, Callable[[], Any], float], Any]
"""``step(state, before, parameter)`` -> what the step gives; ``before()`` is what it gave without the change."""

ELEMENTS, ROWS = "sigmoid_focal", "softmax_focal"
BOTH = (ELEMENTS, ROWS)


@dataclass(frozen=True)
class Parameter:
    """A number that is estimated from a port's outputs."""

    name: str
    low: float
    high: float
    usual: tuple[float, ...]
    """What is met in the wild; tried first, and preferred where it explains as much."""
    logarithmic: bool = True


@dataclass(frozen=True)
class Deviation:
    """One way in which ports differ from the specification."""

    name: str
    topic: str
    """Which question of the specification it answers otherwise: alpha, modulator, soft targets, ..."""
    sentence: str
    """What the port does; ``{value}`` stands for the estimated parameter."""
    change: str
    """What to write instead."""
    steps: Mapping[str, Step] = field(default_factory=dict)
    losses: tuple[str, ...] = BOTH
    parameter: Parameter | None = None
    links: tuple[str, ...] = ()
    """Where the same mistake was met."""
    written: str = ""
    """Regular expression of the line of source code that does it."""
    coarse: float = 0.0
    """Relative error that belongs to the deviation: results of half precision agree no better."""
    bits: int = 0
    """Significant bits that its results have at most; 0: as many as the dtype."""
    over_batch: bool = False
    """Whether a loss depends on its neighbours in the same call."""
    style: bool = False
    """Whether it is a way to compute the right formula, inaccurate or nan somewhere, beside which others stand."""
    rule: str = ""
    """Of a deviation that is another rule for soft targets: its name, which a port may declare instead."""
    same: Mapping[str, str] = field(default_factory=dict)
    """Deviations that no output of a port tells from this one -> why."""
    power: Callable[[Any, Any, Any], Any] | None = None
    """``power(state, base, gamma)`` in the place of every base^gamma, whatever formula it stands in."""
