"""The ground truth of the focal loss: NumPy float64, analytic derivatives, array-API functions only."""

from focal_ref.functions import (
    apply,
    apply_value_and_gradient,
    sigmoid_focal_loss,
    sigmoid_focal_loss_value_and_gradient,
)
from focal_ref.losses import LOSSES, SigmoidFocal

__version__ = "0.1.0"

__all__ = [
    "LOSSES",
    "SigmoidFocal",
    "apply",
    "apply_value_and_gradient",
    "sigmoid_focal_loss",
    "sigmoid_focal_loss_value_and_gradient",
]
