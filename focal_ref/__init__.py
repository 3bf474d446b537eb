"""The ground truth of the focal loss: NumPy float64, analytic derivatives, array-API functions only.

Every registered loss has a class and two functions: ``SigmoidFocal``, ``sigmoid_focal_loss`` and
``sigmoid_focal_loss_value_and_gradient``; ``SoftmaxFocal`` and so on.
"""

from typing import TYPE_CHECKING, Any

from focal_ref.faces import function_names
from focal_ref.losses import LOSSES, SigmoidFocal, SoftmaxFocal
from focal_ref.targets import smooth_targets

if TYPE_CHECKING:
    from focal_ref.functions import apply, apply_value_and_gradient

__version__ = "0.3.0"

__all__ = ["LOSSES", "SigmoidFocal", "SoftmaxFocal", "apply", "apply_value_and_gradient", "smooth_targets"]
__all__ += function_names()


def __getattr__(name: str) -> Any:
    """Functions of whole arrays, loaded on first use: NumPy takes longer to import than all the rest."""
    if name in __all__:
        from focal_ref.functions import FUNCTIONS

        return FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What is public."""
    return sorted({*globals(), *__all__})
