"""Shapes that a traced function does not know: everything is flattened, and the result shaped again."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from focal_adapters import tensorflow_namespace as xp
from focal_ref.checks import check_targets_shape
from focal_ref.losses import Loss

Tensor = Any


def known(*tensors: Tensor | None) -> bool:
    """Whether every size is known."""
    return all(tensor is None or tensor.shape.is_fully_defined() for tensor in tensors)


@dataclass(frozen=True)
class Flat:
    """Logits of one dimension, or rows of classes, with all else to match; static shapes agree."""

    logits: Tensor
    targets: Tensor
    weight: Tensor | None
    mask: Tensor | None
    shape: Tensor
    """The shape of the losses, in numbers that are known when the function runs."""
    known_shape: Any
    """What is known of it now."""

    def restored(self, result: Tensor, reduction: str, consumes_classes: bool) -> Tensor:
        """Give the flat result the shape that the losses have."""
        if reduction not in ("none", "sum_classes"):
            return result
        shape, known_shape = self.shape, self.known_shape
        if reduction == "sum_classes" and not consumes_classes:
            shape, known_shape = shape[:-1], known_shape[:-1]
        return tf.ensure_shape(tf.reshape(result, shape), known_shape)


def flattened(
    loss: Loss, logits: Tensor, targets: Tensor, weight: Tensor | None, mask: Tensor | None, *, keep_last: bool
) -> Flat:
    """One dimension, or two with the classes kept as the last one.

    What the static shapes tell is refused while tracing (ValueError), the rest when the function
    runs (tf.errors.InvalidArgumentError).
    """
    ranks = logits.shape.rank, targets.shape.rank
    indices = None not in ranks and ranks[1] == ranks[0] - 1 and targets.dtype.is_integer
    rows = loss.consumes_classes or indices or isinstance(loss.alpha, tuple)
    if rows and (logits.shape.rank is None or logits.shape[loss.axis] is None):
        raise ValueError(f"logits must have a known number of classes while a function is traced, got {logits.shape}")
    if loss.axis != -1:
        logits = xp.moveaxis(logits, loss.axis, -1)
        targets = targets if indices else xp.moveaxis(targets, loss.axis, -1)
    expected = logits.shape[:-1] if indices else logits.shape
    if not expected.is_compatible_with(targets.shape):
        check_targets_shape(tuple(logits.shape), tuple(targets.shape), tuple(logits.shape[:-1]), "floating")
    shape = tf.shape(logits)
    wanted = shape[:-1] if indices else shape
    rule = "targets must have the shape of logits; they are not broadcast"
    with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(targets), wanted, message=rule)]):
        seen = tf.shape(targets)
    target_shape = tf.concat([seen, shape[-1:]], axis=0) if indices else seen
    last = logits.shape[-1] if rows else shape[-1] if keep_last else None
    flat = tf.constant([-1]) if last is None else tf.stack([-1, last])
    losses_shape = shape[:-1] if loss.consumes_classes else shape
    losses_flat = tf.constant([-1]) if loss.consumes_classes else flat

    def fitted(tensor: Tensor | None) -> Tensor | None:
        # broadcast_to refuses to shrink, so that nothing enlarges the losses.
        return None if tensor is None else tf.reshape(tf.broadcast_to(tensor, losses_shape), losses_flat)

    # XLA drops assertions, but no reshape: there the number of elements is compared.
    x = tf.reshape(tf.reshape(logits, target_shape), flat)
    t = tf.reshape(targets, [-1]) if indices else tf.reshape(tf.broadcast_to(targets, shape), flat)
    w, m = fitted(weight), fitted(mask)
    _agree(x, t, w, m)
    known_shape = logits.shape[:-1] if loss.consumes_classes else logits.shape
    return Flat(x, t, w, m, losses_shape, known_shape)


def _agree(*tensors: Tensor | None) -> None:
    """The static number of rows is the same for all, known from any of them."""
    given = [tensor for tensor in tensors if tensor is not None]
    rows = tf.TensorShape([None])
    for tensor in given:
        rows = rows.merge_with(tensor.shape[:1])
    last = next((tensor.shape[1] for tensor in given if tensor.shape.rank == 2 and tensor.shape[1] is not None), None)
    for tensor in given:
        tensor.set_shape(rows if tensor.shape.rank == 1 else [rows[0], last])
