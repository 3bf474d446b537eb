"""The name of a mutant: `alpha_swapped`, `epsilon_in_log=1e-5`, two of them with a plus."""

from dataclasses import dataclass
from difflib import get_close_matches

from focal_conformance.deviations import CATALOGUE, FORMULA, REDUCED
from focal_conformance.deviations.deviation import Deviation, Parameter
from focal_conformance.ports.port import UsageError

UNCHANGED = "unchanged"
"""The port that the mutants change."""
BEFORE_A_DEVIATION = r"\+(?=[a-z])"


@dataclass(frozen=True)
class Mutation:
    """One deviation with its parameter."""

    deviation: Deviation
    value: float
    """0 of a deviation that has none."""


def mutations(text: str) -> tuple[Mutation, ...]:
    """What a mutant's name says; UsageError for what is no deviation."""
    if text == UNCHANGED:
        return ()
    # The plus of 1e+5 is a number's.
    found = tuple(_mutation(part) for part in _parts(text))
    if len(found) > 1 and any(m.deviation.name not in FORMULA and m.deviation.name not in REDUCED for m in found):
        raise UsageError(f"mutant {text!r}: deviations of conduct come alone")
    if sum(m.deviation.name in REDUCED for m in found) > 1:
        raise UsageError(f"mutant {text!r}: at most one of them can be a reduction")
    return found


def losses_of(text: str) -> tuple[str, ...]:
    """The losses that every deviation of a mutant is about."""
    found = [mutation.deviation.losses for mutation in mutations(text)]
    if not found:
        return ("sigmoid_focal", "softmax_focal")
    return tuple(loss for loss in found[0] if all(loss in losses for losses in found))


def written(found: tuple[Mutation, ...]) -> str:
    """The name again."""
    return "+".join(m.deviation.name + (f"={m.value!r}" if m.deviation.parameter is not None else "") for m in found)


def _parts(text: str) -> list[str]:
    from re import split

    return split(BEFORE_A_DEVIATION, text)


def _mutation(text: str) -> Mutation:
    name, separator, number = text.partition("=")
    if name not in CATALOGUE:
        near = get_close_matches(name, CATALOGUE, n=3, cutoff=0.5)
        hint = f" (did you mean {', '.join(near)}?)" if near else ""
        raise UsageError(f"unknown deviation {name!r}{hint}; docs/deviations.md names them all")
    deviation = CATALOGUE[name]
    parameter = deviation.parameter
    if parameter is None:
        if separator:
            raise UsageError(f"mutant {text!r}: {name} has no parameter")
        return Mutation(deviation, 0.0)
    return Mutation(deviation, _number(text, number, parameter) if separator else parameter.usual[0])


def _number(text: str, number: str, parameter: Parameter) -> float:
    try:
        value = float(number)
    except ValueError as error:
        raise UsageError(f"mutant {text!r}: {parameter.name} must be a number, got {number!r}") from error
    if not parameter.low <= value <= parameter.high:
        raise UsageError(
            f"mutant {text!r}: {parameter.name} must be in [{parameter.low:g}, {parameter.high:g}], got {value:g}"
        )
    return value
