"""Element losses of TensorFlow with analytic first and second derivatives."""

from typing import Any

import tensorflow as tf

from focal_adapters import tensorflow_kernels as kernels
from focal_adapters import tensorflow_namespace as xp
from focal_adapters.parameters import held_in_float32
from focal_adapters.tensorflow_internals import watched
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


def _constant(*tensors: Tensor) -> list[Tensor]:
    # An eager tape would record, and keep, every step of a formula whose derivative it is given.
    return [tf.stop_gradient(tensor) for tensor in tensors]


def _value(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    @tf.custom_gradient
    def value(x: Tensor, t: Tensor) -> Any:
        if loss.consumes_classes or not watched(x):
            value, slope = _kernel(loss, "value", x, t), None
        else:
            value, slope = _value_and_gradient(loss, x, t)

        def backward(upstream: Tensor) -> tuple[Tensor, None]:
            gradient = slope if _at_hand(slope) else _gradient(loss, *_held(x, t))
            return loss.spread(upstream, xp) * gradient, None

        return value, backward

    return value(logits, targets)


def _at_hand(slope: Tensor | None) -> bool:
    # Where a tape surrounds a tf.function the gradient is made in another graph than the value. To hand
    # it over it would be an output of the function, which TensorFlow then differentiates to every order.
    return slope is not None and getattr(slope, "graph", None) in (None, tf.compat.v1.get_default_graph())


def _kernel(loss: Loss, name: str, x: Tensor, t: Tensor) -> Any:
    """A formula, of rows of classes as it stands."""
    x, t = _constant(x, t)
    return getattr(loss, name)(x, t, xp=xp) if loss.consumes_classes else getattr(kernels, name)(loss, x, t)


def _value_and_gradient(loss: Loss, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Both of independent logits, of which only the gradient is differentiated: `_value` has it for its own."""

    @tf.custom_gradient
    def both(x: Tensor, t: Tensor) -> Any:
        def backward(_: Tensor, upstream: Tensor) -> tuple[Tensor, None]:
            return upstream * _curvature(loss, *_held(x, t)), None

        return _kernel(loss, "value_and_gradient", x, t), backward

    value, gradient = both(logits, targets)
    return value, gradient


def _gradient(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    @tf.custom_gradient
    def gradient(x: Tensor, t: Tensor) -> Any:
        def backward(upstream: Tensor) -> tuple[Tensor, None]:
            if loss.consumes_classes:
                return _hessian_product(loss, *_held(x, t, upstream)), None
            return upstream * _curvature(loss, *_held(x, t)), None

        return _kernel(loss, "gradient", x, t), backward

    return gradient(logits, targets)


def _curvature(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    @tf.custom_gradient
    def curvature(x: Tensor, t: Tensor) -> Any:
        return loss.curvature(*_constant(x, t), xp=xp), _refuse_third

    return curvature(logits, targets)


def _hessian_product(loss: Loss, logits: Tensor, targets: Tensor, vector: Tensor) -> Tensor:
    @tf.custom_gradient
    def product(x: Tensor, t: Tensor, v: Tensor) -> Any:
        return loss.hessian_product(*_constant(x, t, v), xp=xp), _refuse_third

    return product(logits, targets, vector)


def _refuse_third(*upstream: Tensor) -> Any:
    raise NotImplementedError(
        "the focal losses have analytic first and second derivatives; third derivatives are not provided"
    )
