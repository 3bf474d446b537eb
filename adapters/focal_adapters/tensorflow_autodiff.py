"""Element losses of TensorFlow with analytic first and second derivatives."""

from typing import Any

import tensorflow as tf

from focal_adapters import tensorflow_namespace as xp
from focal_adapters.parameters import held_in_float32
from focal_ref.losses import ElementwiseLoss

Tensor = Any

_FORMULAS = ("value", "gradient", "curvature")


def element_losses(loss: ElementwiseLoss, logits: Tensor, targets: Tensor) -> Tensor:
    """Loss of each element, differentiable twice with respect to the logits.

    Parameters
    ----------
    loss : ElementwiseLoss
        Its parameters are rounded to the dtype of the logits.
    logits, targets : tensors of one shape, float32 or float64
        ``targets`` of the dtype of ``logits``; not connected, their gradient is None.

    Returns
    -------
    tensor of the shape and dtype of logits, in nats

    Raises
    ------
    NotImplementedError
        On a third differentiation.
    """
    return _derivative(0, loss if logits.dtype == tf.float64 else held_in_float32(loss), logits, targets)


def _derivative(order: int, loss: ElementwiseLoss, logits: Tensor, targets: Tensor) -> Tensor:
    """Evaluate the derivative of some order; its rule gives the next one."""
    if order == len(_FORMULAS):
        raise NotImplementedError(
            "the focal losses have analytic first and second derivatives; third derivatives are not provided"
        )

    @tf.custom_gradient
    def derivative(x: Tensor, t: Tensor) -> Any:
        def next_order(upstream: Tensor) -> tuple[Tensor, None]:
            return upstream * _derivative(order + 1, loss, x, t), None

        return getattr(loss, _FORMULAS[order])(x, t, xp=xp), next_order

    # The rule's own tensors must live in the graph that it is called from: without the identity they
    # stay in the graph of the forward function, out of scope in a gradient of its gradient.
    return derivative(tf.identity(logits), tf.identity(targets))
