"""Shapes that a traced function does not know: everything is flattened, and the result shaped again."""

from typing import Any

import tensorflow as tf

from focal_ref.checks import check_same_shape

Tensor = Any


def known(*tensors: Tensor | None) -> bool:
    """Whether every size is known."""
    return all(tensor is None or tensor.shape.is_fully_defined() for tensor in tensors)


def flattened(
    logits: Tensor, targets: Tensor, weight: Tensor | None, mask: Tensor | None, *, keep_last: bool
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """All in one dimension, or in two with the last one kept, so that their static shapes agree.

    What the static shapes tell is refused while tracing (ValueError), the rest when the function
    runs (tf.errors.InvalidArgumentError).
    """
    if not logits.shape.is_compatible_with(targets.shape):
        check_same_shape(tuple(logits.shape), tuple(targets.shape))
    shape = tf.shape(logits)
    rule = "targets must have the shape of logits; they are not broadcast"
    with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(targets), shape, message=rule)]):
        target_shape = tf.shape(targets)
    flat = tf.stack([-1, shape[-1]]) if keep_last else tf.constant([-1])

    def fitted(tensor: Tensor | None) -> Tensor | None:
        # broadcast_to refuses to shrink, so that nothing enlarges the logits.
        return None if tensor is None else tf.reshape(tf.broadcast_to(tensor, shape), flat)

    # XLA drops assertions, but no reshape: there the number of elements is compared.
    x = tf.reshape(tf.reshape(logits, target_shape), flat)
    t, w, m = fitted(targets), fitted(weight), fitted(mask)
    static = x.shape
    for tensor in (t, w, m):
        static = static if tensor is None else static.merge_with(tensor.shape)
    for tensor in (x, t, w, m):
        if tensor is not None:
            tensor.set_shape(static)
    return x, t, w, m


def restored(result: Tensor, logits: Tensor, reduction: str) -> Tensor:
    """Give the flat result the shape that the logits ask for."""
    if reduction not in ("none", "sum_classes"):
        return result
    shape, known_shape = tf.shape(logits), logits.shape
    if reduction == "sum_classes":
        shape, known_shape = shape[:-1], known_shape[:-1]
    return tf.ensure_shape(tf.reshape(result, shape), known_shape)
