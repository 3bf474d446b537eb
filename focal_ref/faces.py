"""The named functions: thin faces of a loss object, one signature and one docstring for all backends.

Made from the registry, so that a new loss has its functions in the reference and in every adapter
without touching them.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from focal_ref.losses import LOSSES, Loss

OPTIONS: dict[str, Any] = {
    "weight": None,
    "mask": None,
    "ignore_index": None,
    "reduction": "none",
    "normalizer": None,
}
"""Keywords that every function takes beside those of its loss, with their defaults."""

SHARED_PARAMETERS = """
weight : {array}, optional
    Multiplies the losses; of their shape or broadcast to it. In no denominator.
mask : bool {array}, optional
    True counts; of the shape of the losses or broadcast to it. What is masked reaches nothing.
ignore_index : int, optional
    Class indices, or targets of single logits, that equal it are masked.
reduction : {{"none", "sum", "mean", "sum_classes", "mean_positives"}}
    "mean" divides by the number of unmasked losses, "mean_positives" by
    max(1, number of unmasked targets >= 0.5), a class index counting as one; "sum_classes" sums
    over the last axis, which a loss of rows has done.
normalizer : {number} > 0, optional
    With "sum": divides it.
""".strip()

TARGETS = {
    False: (
        "targets : {array} of the shape of logits, floating in [0, 1], integer or bool; or class indices\n"
        "    Probability of the positive class. Class indices are integers of the shape of logits without\n"
        "    its last axis; the number of classes stands for the background: positive in no class."
    ),
    True: (
        "targets : {array} of class indices, or of the shape of logits, floating in [0, 1], integer or bool\n"
        "    Class indices are integers of the shape of logits without the class axis; rows sum to 1."
    ),
}


@dataclasses.dataclass(frozen=True)
class Words:
    """How a backend speaks of its arrays, for docstrings."""

    array: str
    number: str
    logits: str
    returns: str
    raises: str
    notes: str
    more_parameters: str = ""


def function_names() -> list[str]:
    """Names of the functions of every registered loss."""
    return [f"{name}_loss{ending}" for name in LOSSES for ending in ("", "_value_and_gradient")]


def named_functions(
    words: Words,
    apply: Callable[..., Any],
    apply_value_and_gradient: Callable[..., Any] | None = None,
    *,
    more_options: Mapping[str, Any] | None = None,
    module: str,
    guard: Callable[[Mapping[str, Any]], None] = lambda parameters: None,
) -> dict[str, Callable[..., Any]]:
    """Functions of every registered loss, by name: ``sigmoid_focal_loss`` and so on.

    Parameters
    ----------
    words : Words
        For the docstrings.
    apply, apply_value_and_gradient : callables
        ``apply(loss, logits, targets, **options)``.
    more_options : mapping, optional
        Keywords of the backend with their defaults, such as ``validate``.
    module : str
        The name of the module that exposes the functions.
    guard : callable, optional
        Sees the given parameters of the loss first; may raise.
    """
    options = {**OPTIONS, **(more_options or {})}
    functions: dict[str, Callable[..., Any]] = {}
    for name, loss in LOSSES.items():
        doc = _docstring(loss, words)
        own = f"{name}_loss"
        functions[own] = _function(own, loss, apply, options, doc, module, guard)
        if apply_value_and_gradient is not None:
            both = f"{own}_value_and_gradient"
            text = (
                f"`{own}` and its derivative with respect to the logits, in one pass.\n\nTakes what `{own}` takes. "
                "The gradient has the shape of logits;\nwhere the value is an array it is the gradient of its sum. "
                "Masked elements have gradient 0."
            )
            functions[both] = _function(both, loss, apply_value_and_gradient, options, text, module, guard)
    return functions


def _function(
    name: str,
    loss_class: type[Loss],
    apply: Callable[..., Any],
    options: Mapping[str, Any],
    doc: str,
    module: str,
    guard: Callable[[Mapping[str, Any]], None],
) -> Callable[..., Any]:
    parameters = {field.name: field.default for field in dataclasses.fields(loss_class)}  # type: ignore[arg-type]
    parameter_names, option_names = tuple(parameters), tuple(options)

    def function(logits: Any, targets: Any, **keywords: Any) -> Any:
        of_loss = {key: value for key, value in keywords.items() if key in parameter_names}
        of_call = {key: value for key, value in keywords.items() if key in option_names}
        if len(of_loss) + len(of_call) < len(keywords):
            unknown = next(key for key in keywords if key not in parameter_names and key not in option_names)
            known = ", ".join((*parameter_names, *option_names))
            raise TypeError(f"{name}() has no argument {unknown!r}; beside logits and targets it takes {known}")
        guard(of_loss)
        return apply(loss_class(**of_loss), logits, targets, **of_call)

    positional, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(argument, positional) for argument in ("logits", "targets")]
        + [inspect.Parameter(key, keyword, default=value) for key, value in {**parameters, **options}.items()]
    )
    function.__name__ = function.__qualname__ = name
    function.__module__, function.__doc__ = module, doc
    return function


def _docstring(loss: type[Loss], words: Words) -> str:
    sections = _sections(inspect.getdoc(loss) or "")
    shared = SHARED_PARAMETERS.format(array=words.array, number=words.number)
    targets = TARGETS[loss.consumes_classes].format(array=words.array)
    parameters = [f"logits : {words.logits}", targets, sections["Parameters"], shared, words.more_parameters]
    parts = {
        "Parameters": "\n".join(part for part in parameters if part),
        "Returns": words.returns,
        "Raises": words.raises,
        "Notes": words.notes,
        "References": sections["References"],
    }
    titled = [f"{title}\n{'-' * len(title)}\n{text}" for title, text in parts.items() if text]
    return "\n\n".join([sections[""], *titled])


def _sections(doc: str) -> dict[str, str]:
    """The text before the first section under "", and each section under its title."""
    sections, title = {"": ""}, ""
    lines = doc.splitlines()
    for index, line in enumerate(lines):
        if line and not line.strip("-") and index:
            continue
        if index + 1 < len(lines) and lines[index + 1] and not lines[index + 1].strip("-"):
            title = line
            sections[title] = ""
        else:
            sections[title] += line + "\n"
    return {key: text.strip() for key, text in sections.items()}
