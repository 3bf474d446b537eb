"""What takes part, a module a framework; `opened` in each makes the contestants of a case, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy.typing as npt

from benchmarks.cases import Case
from benchmarks.data import Data


class NotMeasured(Exception):
    """Why a contestant cannot take part here."""


def nothing() -> None:
    """Nothing to let go of."""


@dataclass(frozen=True)
class Entrant:
    """One contestant, ready to run."""

    call: Callable[[], Any]
    """One step, value and gradient; returns when both are there."""
    numbers: Callable[[Any], tuple[float, npt.NDArray[Any]]] | None
    """Value and gradient as NumPy of what `call` returned; None where it is no loss."""
    clear: Callable[[], None] = nothing
    """Lets go of what a step left, outside of what is timed."""
    forward: Callable[[], Any] | None = None
    """torch: the value alone, with what it saves for the gradient."""
    inputs: tuple[Any, ...] = ()
    """torch: what `forward` is given."""


def opened(case: Case, data: Data) -> Callable[[str], Entrant]:
    """Contestants of a case by name; imports its framework."""
    maker: Callable[[str], Entrant] = import_module(f"benchmarks.contestants.{case.framework}").opened(case, data)
    return maker
