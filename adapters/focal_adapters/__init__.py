"""Thin adapters of focal_ref: one module per framework, none imported before it is asked for.

from focal_adapters.torch import sigmoid_focal_loss, SigmoidFocalLoss
from focal_adapters.tensorflow import sigmoid_focal_loss, SigmoidFocalLoss
from focal_adapters.jax import sigmoid_focal_loss
from focal_adapters.array_api import sigmoid_focal_loss, sigmoid_focal_loss_value_and_gradient
"""

__all__ = ["array_api", "jax", "tensorflow", "torch"]
