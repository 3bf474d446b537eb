"""Mask, weight, normalizer and reduction: what they do to the value and to the gradient.

    none                w m l
    sum_classes         w m l, summed over the classes (the last axis) of independent logits
    sum                 sum(w m l) / normalizer
    mean                sum(w m l) / max(1, number of unmasked losses)
    mean_positives      sum(w m l) / max(1, number of unmasked targets >= 0.5)

The denominator depends on no logit, so each gradient is the element's own times w m / denominator.
l has the shape of the losses: that of the logits, without the class axis for a loss of rows.
"""

from typing import Any

from focal_ref.losses.loss import Loss
from focal_ref.namespace import class_numbers

Array = Any


def counted(loss: Loss, targets: Array, indices: bool, mask: Array | None, ignore_index: int | None, xp: Any) -> Any:
    """Which losses count: what the mask says and the targets do not ask to ignore. None: all."""
    if ignore_index is None:
        return mask
    wanted = targets != ignore_index
    if indices and not loss.consumes_classes:
        wanted = xp.expand_dims(wanted, axis=-1)
    return wanted if mask is None else wanted & mask


def masked_inputs(
    loss: Loss, logits: Array, targets: Array, indices: bool, mask: Array | None, xp: Any
) -> tuple[Array, Array]:
    """Inputs with a harmless 0 where the mask does not count.

    Before the mathematics, not after: nan times 0 is nan, in the value and in the gradient.
    """
    if mask is None:
        return logits, targets
    per_logit = loss.spread(mask, xp)
    logits = xp.where(per_logit, logits, xp.zeros_like(logits))
    if indices:
        per_row = mask if loss.consumes_classes else xp.any(mask, axis=-1)
        return logits, xp.where(per_row, targets, xp.zeros_like(targets))
    # A row stays a distribution.
    harmless = 1.0 / targets.shape[loss.axis] if loss.consumes_classes else 0.0
    return logits, xp.where(per_logit, targets, xp.full_like(targets, harmless))


def weighted(elements: Array, weight: Array | None, mask: Array | None, xp: Any) -> Array:
    """Element losses or element gradients, weighted, and 0 where the mask does not count."""
    if weight is not None:
        elements = elements * weight
    if mask is not None:
        elements = xp.where(mask, elements, xp.zeros_like(elements))
    return elements


def denominator(
    loss: Loss,
    logits: Array,
    targets: Array,
    indices: bool,
    mask: Array | None,
    reduction: str,
    normalizer: Any,
    xp: Any,
) -> Any:
    """What the sum is divided by: a number, a 0-d integer array, or None where nothing divides.

    Over no element a mean is 0 with gradient 0, not 0/0: the counts are at least 1.
    """
    if reduction == "mean":
        losses = logits[..., 0] if loss.consumes_classes else logits
        if loss.consumes_classes and loss.axis != -1:
            losses = xp.max(logits, axis=loss.axis)
        everything = xp.ones_like(losses, dtype=xp.bool)
        positive = everything if mask is None else xp.broadcast_to(mask, losses.shape)
    elif reduction == "mean_positives":
        positive = _positives(loss, logits, targets, indices, mask, xp)
    else:
        return normalizer
    count = xp.count_nonzero(positive)
    return xp.maximum(count, xp.ones_like(count))


def _positives(loss: Loss, logits: Array, targets: Array, indices: bool, mask: Array | None, xp: Any) -> Array:
    """Unmasked targets >= 0.5; a class index is one, unless it stands for the background."""
    if not indices:
        positive = targets >= 0.5
        return positive if mask is None else positive & loss.spread(mask, xp)
    positive = (targets >= 0) & (targets < logits.shape[loss.axis])
    if mask is None:
        return positive
    if loss.consumes_classes:
        return positive & mask
    if mask.shape[-1] == 1:
        return xp.expand_dims(positive, axis=-1) & mask
    return (xp.expand_dims(targets, axis=-1) == class_numbers(logits, targets.dtype, xp)) & mask


def reduced(loss: Loss, elements: Array, divisor: Any, reduction: str, xp: Any) -> Array:
    """Weighted element losses, reduced."""
    if reduction == "none" or (reduction == "sum_classes" and loss.consumes_classes):
        return elements
    if reduction == "sum_classes":
        return xp.sum(elements, axis=-1)
    total = xp.sum(elements)
    return total if divisor is None else total / divisor
