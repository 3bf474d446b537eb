"""Element losses of TensorFlow with analytic first and second derivatives."""

from typing import Any

import tensorflow as tf

from focal_adapters import tensorflow_namespace as xp
from focal_adapters.parameters import held_in_float32
from focal_ref.losses import Loss

Tensor = Any


def element_losses(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    """Loss of each element or row, differentiable twice with respect to the logits.

    Parameters
    ----------
    loss : Loss
        Its parameters are rounded to the dtype of the logits.
    logits, targets : tensors, float32 or float64
        ``targets`` of the shape and dtype of ``logits``, or class indices; not connected, their
        gradient is None.

    Returns
    -------
    tensor of the dtype of logits, in nats

    Raises
    ------
    NotImplementedError
        On a third differentiation.
    """
    return _value(loss if logits.dtype == tf.float64 else held_in_float32(loss), *_held(logits, targets))


def _held(*tensors: Tensor) -> list[Tensor]:
    # A rule's own tensors must live in the graph that it is called from: without the identity they
    # stay in the graph of the forward function, out of scope in a gradient of its gradient.
    return [tf.identity(tensor) for tensor in tensors]


def _value(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    @tf.custom_gradient
    def value(x: Tensor, t: Tensor) -> Any:
        def backward(upstream: Tensor) -> tuple[Tensor, None]:
            return loss.spread(upstream, xp) * _gradient(loss, *_held(x, t)), None

        return loss.value(x, t, xp=xp), backward

    return value(logits, targets)


def _gradient(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    @tf.custom_gradient
    def gradient(x: Tensor, t: Tensor) -> Any:
        def backward(upstream: Tensor) -> tuple[Tensor, None]:
            if loss.consumes_classes:
                return _hessian_product(loss, *_held(x, t, upstream)), None
            return upstream * _curvature(loss, *_held(x, t)), None

        return loss.gradient(x, t, xp=xp), backward

    return gradient(logits, targets)


def _curvature(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    @tf.custom_gradient
    def curvature(x: Tensor, t: Tensor) -> Any:
        return loss.curvature(x, t, xp=xp), _refuse_third

    return curvature(logits, targets)


def _hessian_product(loss: Loss, logits: Tensor, targets: Tensor, vector: Tensor) -> Tensor:
    @tf.custom_gradient
    def product(x: Tensor, t: Tensor, v: Tensor) -> Any:
        return loss.hessian_product(x, t, v, xp=xp), _refuse_third

    return product(logits, targets, vector)


def _refuse_third(*upstream: Tensor) -> Any:
    raise NotImplementedError(
        "the focal losses have analytic first and second derivatives; third derivatives are not provided"
    )
