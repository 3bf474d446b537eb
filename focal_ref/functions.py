"""Whole arrays in NumPy float64: any loss object with mask, weight, reduction, and its gradient."""

from typing import Any

import numpy as np
import numpy.typing as npt

from focal_ref.blocks import Float64
from focal_ref.checks import check_ignore_index_fits, check_reduction, checked_ignore_index, checked_normalizer
from focal_ref.evaluation import Kind, evaluate
from focal_ref.faces import Words, named_functions
from focal_ref.inputs import check_targets, checked_inputs, checked_mask, checked_weight
from focal_ref.losses import Loss
from focal_ref.namespace import numpy_namespace as xp
from focal_ref.reduction import counted, denominator, masked_inputs, reduced, weighted


def apply(loss: Loss, logits: Any, targets: Any, **options: Any) -> Any:
    """Any loss object, reduced; the options are the keywords of `sigmoid_focal_loss` without the loss's own."""
    return _apply(loss, logits, targets, with_gradient=False, **options)[0]


def apply_value_and_gradient(loss: Loss, logits: Any, targets: Any, **options: Any) -> tuple[Any, Float64]:
    """The value of `apply` and its derivative with respect to the logits."""
    value, gradient = _apply(loss, logits, targets, with_gradient=True, **options)
    return value, gradient


def _apply(
    loss: Loss,
    logits: Any,
    targets: Any,
    *,
    with_gradient: bool,
    weight: Any = None,
    mask: Any = None,
    ignore_index: int | None = None,
    reduction: str = "none",
    normalizer: float | None = None,
) -> Any:
    check_reduction(reduction, normalizer)
    if normalizer is not None:
        normalizer = checked_normalizer(normalizer)
    x, t = checked_inputs(loss, logits, targets)
    if reduction == "sum_classes" and x.ndim == 0:
        raise ValueError("reduction='sum_classes' sums over the last axis: logits must have one, got shape ()")
    indices = t.ndim < x.ndim
    w, m = checked_weight(weight, loss, x.shape), checked_mask(mask, loss, x.shape)
    ignore_index = checked_ignore_index(ignore_index)
    check_ignore_index_fits(ignore_index, loss.consumes_classes, indices)
    m = counted(loss, t, indices, m, ignore_index, xp)
    check_targets(loss, x, t, m)
    if indices and m is not None:
        _, t = masked_inputs(loss, x, t, True, m, xp)
    divisor = denominator(loss, x, t, indices, m, reduction, normalizer, xp)
    extras = [array for array in (w, m) if array is not None]
    formula = loss.block_formula("value_and_gradient" if with_gradient else "value")

    def kernel(x_block: Float64, t_block: npt.NDArray[Any], *blocks: Float64) -> tuple[Float64, ...]:
        remaining = list(blocks)
        w_block = None if w is None else remaining.pop(0)
        m_block = None if m is None else remaining.pop(0) != 0.0

        def of_logits(block: Any) -> Any:
            return block if block is None or not loss.consumes_classes else block[..., None]

        if m_block is not None:
            x_block = np.where(of_logits(m_block), x_block, 0.0)
            harmless = 1.0 / x_block.shape[-1] if loss.consumes_classes else 0.0
            t_block = t_block if indices else np.where(of_logits(m_block), t_block, harmless)
        if not with_gradient:
            return (weighted(formula(x_block, t_block), w_block, m_block, xp),)
        value, gradient = formula(x_block, t_block)
        gradient = weighted(gradient, of_logits(w_block), of_logits(m_block), xp)
        return weighted(value, w_block, m_block, xp), gradient if divisor is None else gradient / divisor

    keep: Kind = "loss" if reduction in ("none", "sum_classes") else "sum"
    kinds: list[Kind] = [keep, "logit"] if with_gradient else [keep]
    results = evaluate(loss, kernel, x, t, extras, [], kinds)
    value = results[0]
    if keep == "loss":
        value = reduced(loss, value, None, reduction, xp)
    elif divisor is not None:
        value = value / divisor
    return value[()], results[1][()] if with_gradient else None


_WORDS = Words(
    array="array",
    number="float",
    logits="array, real floating, or nested list",
    returns='float64 array of the shape of the losses ("none"), without the classes ("sum_classes"), or a number.',
    raises="TypeError, ValueError\n    Naming the parameter, the value and the rule.",
    notes="Unit: nats. The class documents the accuracy. Evaluated in blocks: extra memory is bounded.",
)
FUNCTIONS: dict[str, Any] = {
    "apply": apply,
    "apply_value_and_gradient": apply_value_and_gradient,
    **named_functions(_WORDS, apply, apply_value_and_gradient, module="focal_ref"),
}
"""What the package exposes of this module, and the functions of every registered loss."""
