"""How a port is called and what it claims to compute, as data.

A port is verified against its own declaration: a library that returns float32 for float64 and says
so conforms to what it says, one that does not say so fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DENOMINATORS = {
    "elements": "losses that count: of unmasked elements, in softmax of unmasked rows",
    "all elements": "the same, ignored ones included",
    "rows and classes": "softmax rows times classes, ignored rows included",
    "valid rows": "class rows that are not ignored, whatever the number of classes",
    "weights": "the sum of the class weights of the losses that count",
    "classes": "the number of classes",
    "inner axes": "elements of one (item, class) pair: the axes after the second, or with two axes every element",
    "second axis": "the length of axis 1",
}
"""What a reduction may divide the sum by."""


class NotClaimed(Exception):
    """The dialect cannot express what a check asks for; the reason is the message."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """What one call asks for, in the words of the specification."""

    alpha: float | tuple[float, ...] | None = 0.25
    gamma: float = 2.0
    reduction: str = "none"
    normalizer: float | None = None
    weight: Any = None
    mask: Any = None
    soft_targets: str = "linear"
    detach_modulator: bool = False
    ignore_index: int | None = None
    axis: int = -1
    label_smoothing: float = 0.0


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
    soft_targets_argument: str | None = None
    """The argument that selects the rule for soft targets, of ports that have more than one."""
    detach_modulator: str | None = None
    ignore_index: str | None = None
    axis: str | None = None
    label_smoothing: str | None = None
    """Names of the port's arguments; None: it has no such argument."""
    order: tuple[str, ...] = ()
    """The port's arguments in positional order, of its documented signature; empty: not declared."""

    alpha_off: tuple[Any, ...] = (None,)
    """What switches alpha off, as a tuple of one; empty: nothing does."""
    fixed_alpha: tuple[float | None, ...] = ()
    """The one alpha of a port without such an argument, as a tuple of one."""
    alpha_form: str = "number"
    """What one number says: 'number': as here; 'background' (softmax): 1 - alpha for class 0, alpha for every
    other; 'pair' (sigmoid): the port is given the two weights [1 - alpha, alpha]."""
    alpha_by_class: str | None = None
    """The argument that takes one alpha a class, as a list; None: it has none."""
    fixed_gamma: tuple[float, ...] = ()
    when_balanced: Mapping[str, Any] = field(default_factory=dict)
    """Arguments added when alpha is on."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """Arguments added to every call."""

    reductions: Mapping[str, Any] = field(default_factory=lambda: {"none": "none", "sum": "sum", "mean": "mean"})
    """Reduction of the specification -> the port's value for it; what is missing is not claimed."""
    returns: str = "none"
    """Reduction of a port that has no such argument."""
    denominators: Mapping[str, str] = field(default_factory=lambda: {"mean": "elements"})
    """Reduction of the specification -> what the port divides the sum by, one of DENOMINATORS; missing: by nothing."""
    normalizer_off: tuple[Any, ...] = ()
    """What a normalizer argument that has no default is given when none is asked for, as a tuple of one."""

    soft_targets: str | None = "linear"
    """Rule for soft targets; None: hard targets only."""
    smoothed_targets: str | None = None
    """Rule for labels that the port itself smooths, where it is another than `soft_targets`."""
    targets_form: str = "both"
    """'both'; 'rows': targets of the logits' shape only; 'indices': class indices only (softmax and class_indices)."""
    class_indices: bool = False
    """Whether a sigmoid loss takes class indices: a target of the logits' shape without the class axis."""
    class_axis: int = -1
    """Where a port without an `axis` argument has the classes in the logits; the default of one that has it."""
    dtypes: tuple[str, ...] = ("float32", "float64", "float16", "bfloat16")
    result_dtype: str = "logits"
    """'logits': that of the logits; else the documented dtype of every result."""
    reduced_half_dtype: str = "any"
    """Dtype of a reduced value of half inputs: 'float32', or 'any' where nothing is declared."""
    layout: str = "any"
    """'any' shape; 'column': (N, 1), one class; 'rows': at least two axes, (N, C)."""
    element_axes: str = "all"
    """Axes of an unreduced result: 'all', or 'all but last' where the last one is averaged."""
    keeps_class_axis: bool = False
    """Whether an unreduced softmax result keeps the class axis: a row's loss is its sum over the classes."""
    flattens: bool = False
    """Whether an unreduced result is one-dimensional whatever the rank of the logits."""
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
    transforms: tuple[str, ...] = ()
    """Transformations and devices that the port claims to work under: names of checks, vmap, compile, ..."""

    def keywords(self, parameters: Parameters) -> dict[str, Any]:
        """The port's keyword arguments for a call, logits and targets apart."""
        result = dict(self.always)
        self._add_alpha(result, parameters.alpha)
        self._add_gamma(result, parameters.gamma)
        self._add_reduction(result, parameters.reduction)
        self._add_rule(result, parameters.soft_targets)
        asked = {name: getattr(parameters, name) for name in ("normalizer", "weight", "mask", "ignore_index")}
        asked["detach_modulator"] = parameters.detach_modulator or None
        asked["label_smoothing"] = parameters.label_smoothing or None
        asked["axis"] = None if parameters.axis == (self.class_axis if self.axis else -1) else parameters.axis
        for name, value in asked.items():
            argument = getattr(self, name)
            if value is not None:
                if argument is None:
                    raise NotClaimed(f"it has no {name} argument")
                result[argument] = value
        if self.normalizer is not None and parameters.normalizer is None and self.normalizer_off:
            result[self.normalizer] = self.normalizer_off[0]
        return result

    def _add_alpha(self, result: dict[str, Any], alpha: float | tuple[float, ...] | None) -> None:
        if isinstance(alpha, tuple):
            self._add_alpha_by_class(result, alpha)
        elif self.alpha is None:
            if self.fixed_alpha != (alpha,):
                raise NotClaimed("it has no alpha argument")
        elif alpha is not None:
            if self.alpha_form == "background" and alpha != 0.5:
                raise NotClaimed("one number is 1 - alpha for class 0 and alpha for every other class")
            result[self.alpha] = [1.0 - alpha, alpha] if self.alpha_form == "pair" else alpha
            result.update(self.when_balanced)
        elif self.alpha_off:
            result[self.alpha] = self.alpha_off[0]
        else:
            raise NotClaimed("its alpha cannot be switched off")

    def _add_alpha_by_class(self, result: dict[str, Any], alpha: tuple[float, ...]) -> None:
        background = len(alpha) > 1 and alpha == (1.0 - alpha[1], *[alpha[1]] * (len(alpha) - 1))
        if self.alpha_by_class is not None:
            result[self.alpha_by_class] = list(alpha)
        elif self.alpha is not None and self.alpha_form == "background" and background:
            result[self.alpha] = alpha[1]
        else:
            raise NotClaimed("it has no alpha for each class")
        result.update(self.when_balanced)

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

    def _add_rule(self, result: dict[str, Any], rule: str) -> None:
        if self.soft_targets_argument is not None:
            result[self.soft_targets_argument] = rule
        elif rule not in (Parameters.soft_targets, self.soft_targets):
            # "linear" is what a call that says nothing asks for, and on hard targets the rules agree.
            raise NotClaimed(f"its rule for soft targets is {self.soft_targets or 'none'}")
