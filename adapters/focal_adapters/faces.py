"""What the adapters' modules expose: functions made from the registry of losses, and how they are looked up."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from focal_ref.faces import Words, named_functions
from focal_ref.losses import LOSSES, Loss

VALIDATE = """
validate : bool, optional
    Whether values of targets and normalizer are checked. None: where that waits for no device,
    outside of tracing.
""".strip()

ACCURACY = (
    "Unit: nats. For gamma <= 5 within 32 ULP of float32 or float64, 64 for rows of classes, of the exact\n"
    "result at the alpha and gamma that the dtype of computation holds (of the sum of absolute terms where\n"
    "terms of opposite sign are added); half types within 0.51 ULP. docs/accuracy.md has what was measured."
)


def adapter_functions(
    words: Words,
    module: str,
    apply: Callable[..., Any],
    both: Callable[..., Any] | None = None,
    *,
    more_options: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Callable[..., Any]]:
    """The functions of every registered loss for a module; ``more_options`` are keywords of this adapter alone."""
    options = {"validate": None, **(more_options or {})}
    return named_functions(words, apply, both, more_options=options, module=module, **more)


def class_names() -> dict[str, type[Loss]]:
    """Names of a framework's classes: ``SigmoidFocalLoss`` for `SigmoidFocal`."""
    return {f"{loss.__name__}Loss": loss for loss in LOSSES.values()}


def check_names(owner: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refuse keywords of a class that its loss does not have."""
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise TypeError(
            f"{owner}() has no argument {unknown!r}; of the loss it takes {', '.join(known)}. Weights and masks go "
            "into the call"
        )


def class_signature(loss: type[Loss], others: Mapping[str, Any]) -> inspect.Signature:
    """Keywords of the loss and of the class, for help()."""
    own = {field.name: field.default for field in dataclasses.fields(loss)}  # type: ignore[arg-type]
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature([inspect.Parameter(name, keyword, default=d) for name, d in {**own, **others}.items()])


def looked_up(module: str, name: str, *tables: Mapping[str, Any]) -> Any:
    """An attribute from the first table that has it; AttributeError as a module raises it."""
    for table in tables:
        if name in table:
            return table[name]
    raise AttributeError(f"module {module!r} has no attribute {name!r}")
