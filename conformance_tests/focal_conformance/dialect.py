"""How a port is called and what it claims to compute, as data.

A port is verified against its own declaration: a library that returns float32 for float64 and says
so conforms to what it says, one that does not say so fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class NotClaimed(Exception):
    """The dialect cannot express what a check asks for; the reason is the message."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """What one call asks for, in the words of the specification."""

    alpha: float | None = 0.25
    gamma: float = 2.0
    reduction: str = "none"
    normalizer: float | None = None
    weight: Any = None
    mask: Any = None


@dataclass(frozen=True)
class Dialect:
    """Names of arguments, off-switches, reductions, dtypes and shapes of one port."""

    logits: str = "logits"
    targets: str = "targets"
    alpha: str | None = "alpha"
    gamma: str | None = "gamma"
    reduction: str | None = "reduction"
    normalizer: str | None = None
    weight: str | None = None
    mask: str | None = None
    """Names of the port's arguments; None: it has no such argument."""

    alpha_off: tuple[Any, ...] = (None,)
    """What switches alpha off, as a tuple of one; empty: nothing does."""
    fixed_alpha: tuple[float | None, ...] = ()
    """The one alpha of a port without such an argument, as a tuple of one."""
    fixed_gamma: tuple[float, ...] = ()
    when_balanced: Mapping[str, Any] = field(default_factory=dict)
    """Arguments added when alpha is on."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """Arguments added to every call."""

    reductions: Mapping[str, Any] = field(default_factory=lambda: {"none": "none", "sum": "sum", "mean": "mean"})
    """Reduction of the specification -> the port's value for it; what is missing is not claimed."""
    returns: str = "none"
    """Reduction of a port that has no such argument."""

    soft_targets: str | None = "linear"
    """Rule for soft targets; None: hard targets only."""
    dtypes: tuple[str, ...] = ("float32", "float64", "float16", "bfloat16")
    result_dtype: str = "logits"
    """'logits': that of the logits; else the documented dtype of every result."""
    reduced_half_dtype: str = "any"
    """Dtype of a reduced value of half inputs: 'float32', or 'any' where nothing is declared."""
    layout: str = "any"
    """'any' shape; 'column': (N, 1), one class; 'rows': at least two axes, (N, C)."""
    element_axes: str = "all"
    """Axes of an unreduced result: 'all', or 'all but last' where the last one is averaged."""
    broadcasts_targets: bool = False
    """Whether its documentation admits targets that broadcast to the logits."""
    integer_targets: bool = True
    empty: bool = True
    zero_d: bool = True
    """Whether the port's documentation admits these inputs."""
    refuses_bad_parameters: bool = True
    """Whether the port's documentation promises an error for bad parameters."""
    flushes_subnormals: bool = False
    source: str = ""
    """Where the declaration was read."""

    def keywords(self, parameters: Parameters) -> dict[str, Any]:
        """The port's keyword arguments for a call, logits and targets apart."""
        result = dict(self.always)
        self._add_alpha(result, parameters.alpha)
        self._add_gamma(result, parameters.gamma)
        self._add_reduction(result, parameters.reduction)
        for name in ("normalizer", "weight", "mask"):
            value, argument = getattr(parameters, name), getattr(self, name)
            if value is not None:
                if argument is None:
                    raise NotClaimed(f"it has no {name} argument")
                result[argument] = value
        return result

    def _add_alpha(self, result: dict[str, Any], alpha: float | None) -> None:
        if self.alpha is None:
            if self.fixed_alpha != (alpha,):
                raise NotClaimed("it has no alpha argument")
        elif alpha is not None:
            result[self.alpha] = alpha
            result.update(self.when_balanced)
        elif self.alpha_off:
            result[self.alpha] = self.alpha_off[0]
        else:
            raise NotClaimed("its alpha cannot be switched off")

    def _add_gamma(self, result: dict[str, Any], gamma: float) -> None:
        if self.gamma is not None:
            result[self.gamma] = gamma
        elif self.fixed_gamma != (gamma,):
            raise NotClaimed("it has no gamma argument")

    def _add_reduction(self, result: dict[str, Any], reduction: str) -> None:
        if self.reduction is None:
            if reduction != self.returns:
                raise NotClaimed(f"it has no reduction argument and returns reduction {self.returns!r}")
        elif reduction not in self.reductions:
            raise NotClaimed(f"it has no reduction {reduction!r}")
        else:
            result[self.reduction] = self.reductions[reduction]
