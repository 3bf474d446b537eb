"""The properties of all modules as tests of one framework."""

from types import ModuleType
from typing import Any

from hypothesis import Phase, settings
from properties import balance, dtypes, formulas, limits, masking, parameters, reductions, refusals, targets

FOR_ALL = (formulas, balance, parameters, targets, masking, reductions, limits, dtypes, refusals)


WITHOUT_SHRINKING = (Phase.explicit, Phase.generate)
"""Where an example takes a compilation, making a failing one smaller takes minutes."""


def properties_of(*more: ModuleType, examples: int, phases: tuple[Phase, ...] = tuple(Phase)) -> dict[str, Any]:
    """Tests and fixtures by name, for the globals of a test file; so many examples of each property."""
    of_framework = settings(max_examples=examples, phases=phases)
    collected: dict[str, Any] = {}
    for module in (*FOR_ALL, *more):
        for name, thing in vars(module).items():
            if name.startswith("test_"):
                assert name not in collected, name
                collected[name] = of_framework(thing) if hasattr(thing, "hypothesis") else thing
    return {**collected, "half": dtypes.half, "adapter": refusals.adapter}
