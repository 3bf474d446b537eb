"""Mask, weight, normalizer and reduction: what they do to the value and to the gradient.

    none, sum_classes   w m l             (sum_classes: summed over the last axis)
    sum                 sum(w m l) / normalizer
    mean                sum(w m l) / max(1, number of unmasked elements)
    mean_positives      sum(w m l) / max(1, number of unmasked targets >= 0.5)

The denominator depends on no logit, so each gradient is the element's own times w m / denominator.
"""

from typing import Any

Array = Any


def masked_inputs(logits: Array, targets: Array, mask: Array | None, xp: Any) -> tuple[Array, Array]:
    """Inputs with a harmless 0 where the mask does not count.

    Before the mathematics, not after: nan times 0 is nan, in the value and in the gradient.
    """
    if mask is None:
        return logits, targets
    zero = xp.zeros_like(logits)
    return xp.where(mask, logits, zero), xp.where(mask, targets, zero)


def weighted(elements: Array, weight: Array | None, mask: Array | None, xp: Any) -> Array:
    """Element losses or element gradients, weighted, and 0 where the mask does not count."""
    if weight is not None:
        elements = elements * weight
    if mask is not None:
        elements = xp.where(mask, elements, xp.zeros_like(elements))
    return elements


def denominator(targets: Array, mask: Array | None, reduction: str, normalizer: Any, xp: Any) -> Any:
    """What the sum is divided by: a number, a 0-d integer array, or None where nothing divides.

    Over no element a mean is 0 with gradient 0, not 0/0: the counts are at least 1.
    """
    if reduction == "mean":
        counted = xp.ones_like(targets, dtype=xp.bool) if mask is None else xp.broadcast_to(mask, targets.shape)
    elif reduction == "mean_positives":
        counted = targets >= 0.5
        counted = counted if mask is None else counted & mask
    else:
        return normalizer
    count = xp.count_nonzero(counted)
    return xp.maximum(count, xp.ones_like(count))


def reduced(elements: Array, divisor: Any, reduction: str, xp: Any) -> Array:
    """Weighted element losses, reduced."""
    if reduction == "none":
        return elements
    if reduction == "sum_classes":
        return xp.sum(elements, axis=-1)
    total = xp.sum(elements)
    return total if divisor is None else total / divisor
