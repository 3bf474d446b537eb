"""Value and gradient of independent logits in the fewest operations that each way to execute them needs.

Outside XLA every operation is a pass over memory. Targets that are all 0 or 1 take a third of the
passes that soft ones take: eager, their values are looked at; in a graph both ways are there, and
the values choose one when it runs.

XLA on CPU (TensorFlow 2.21) vectorises no loop that two results share, and makes one of the value
and the gradient as soon as it sees that they have parts in common; so it is not let see it.
"""

from typing import Any

import tensorflow as tf

from focal_adapters import tensorflow_namespace as xp
from focal_adapters.tensorflow_internals import apart, compiled_by_xla
from focal_ref.losses import Loss

Tensor = Any


def value(loss: Loss, x: Tensor, t: Tensor) -> Tensor:
    """Loss of each element."""
    return _chosen(t, x, lambda: loss.fast_value(x, t, xp=xp, hard=True), lambda: loss.fused_value(x, t, xp=xp))


def gradient(loss: Loss, x: Tensor, t: Tensor) -> Tensor:
    """Its derivative with respect to each logit."""

    def fused() -> Tensor:
        return loss.fused_gradient(x, t, xp=xp)

    return _chosen(t, x, lambda: loss.fast_gradient(x, t, xp=xp, hard=True), fused)


def value_and_gradient(loss: Loss, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Both."""

    def fused() -> tuple[Tensor, Tensor]:
        value = loss.fused_value(x, t, xp=xp)
        if not compiled_by_xla():
            return value, loss.fused_gradient(x, t, xp=xp)
        logits, targets, read = apart(x, t, value)
        return value, loss.fused_gradient(logits, targets, xp=xp, value=read)

    value, gradient = _chosen(t, x, lambda: loss.fast_value_and_gradient(x, t, xp=xp, hard=True), fused)
    return value, gradient


def _chosen(t: Tensor, x: Tensor, hard: Any, soft: Any) -> Any:
    """What one of two functions gives: ``hard`` if all targets are 0 or 1, or class indices."""
    if compiled_by_xla():
        return soft()
    if t.shape.rank < x.shape.rank:
        return hard()
    if tf.executing_eagerly() and ":CPU:" not in t.device:
        # To look would be to wait for the device.
        return soft()
    are_hard = tf.reduce_all(tf.equal(t * t, t))
    if not tf.executing_eagerly():
        return tf.cond(are_hard, hard, soft)
    return hard() if are_hard else soft()
