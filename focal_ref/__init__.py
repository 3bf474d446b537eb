"""The ground truth of the focal loss: NumPy float64, analytic derivatives, array-API functions only.

Every registered loss has a class and two functions: ``SigmoidFocal``, ``sigmoid_focal_loss`` and
``sigmoid_focal_loss_value_and_gradient``; ``SoftmaxFocal`` and so on.
"""

from typing import Any

from focal_ref.faces import Words, named_functions
from focal_ref.functions import apply, apply_value_and_gradient
from focal_ref.losses import LOSSES, SigmoidFocal, SoftmaxFocal
from focal_ref.targets import smooth_targets

__version__ = "0.3.0"

_FUNCTIONS = named_functions(
    Words(
        array="array",
        number="float",
        logits="array, real floating, or nested list",
        returns='float64 array of the shape of the losses ("none"), without the classes ("sum_classes"), or a number.',
        raises="TypeError, ValueError\n    Naming the parameter, the value and the rule.",
        notes="Unit: nats. The class documents the accuracy. Evaluated in blocks: extra memory is bounded.",
    ),
    apply,
    apply_value_and_gradient,
    module=__name__,
)

__all__ = ["LOSSES", "SigmoidFocal", "SoftmaxFocal", "apply", "apply_value_and_gradient", "smooth_targets"]
__all__ += list(_FUNCTIONS)


def __getattr__(name: str) -> Any:
    """The functions of every registered loss."""
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What is public."""
    return sorted({*globals(), *_FUNCTIONS})
