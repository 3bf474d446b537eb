"""The functions of the reference: loss, reduction and gradient of whole arrays in NumPy float64."""

from typing import Any

import numpy as np
import numpy.typing as npt

from focal_ref.blocks import evaluate_in_blocks
from focal_ref.checks import check_all_in_unit_interval, check_reduction, checked_normalizer
from focal_ref.inputs import checked_inputs, checked_mask, checked_weight
from focal_ref.losses import SigmoidFocal
from focal_ref.losses.elementwise import ElementwiseLoss
from focal_ref.namespace import numpy_namespace as xp
from focal_ref.reduction import denominator, masked_inputs, weighted

Float64 = npt.NDArray[np.float64]


def sigmoid_focal_loss(
    logits: Any,
    targets: Any,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: float | None = None,
) -> Any:
    """Sigmoid focal loss of whole arrays, exact to a few ULP of float64.

    Parameters
    ----------
    logits : array of any shape S, real floating, or nested list
    targets : array of shape S, floating in [0, 1], integer or bool
        Probability of the positive class; soft targets follow the linear rule.
    alpha : float in [0, 1] or None
        Weight of the positive class, ``1 - alpha`` that of the negative one; None switches it off.
    gamma : float >= 0
        Focusing parameter.
    weight : array, optional
        Multiplies element losses; of shape S or broadcast to it. In no denominator.
    mask : bool array, optional
        True counts; of shape S or broadcast to it. What a masked element holds reaches nothing.
    reduction : {"none", "sum", "mean", "sum_classes", "mean_positives"}
        "mean" divides by the number of unmasked elements, "mean_positives" by
        max(1, number of unmasked targets >= 0.5); "sum_classes" sums over the last axis.
    normalizer : float > 0, optional
        With "sum": divides it.

    Returns
    -------
    float64 array of shape S ("none"), S without its last axis ("sum_classes"), or a float64 number

    Raises
    ------
    TypeError, ValueError
        Naming the parameter, the value and the rule.

    Notes
    -----
    Unit: nats. At most 8 ULP for gamma <= 5. Source: Lin et al. 2017, arXiv:1708.02002, eq. (5).

    Examples
    --------
    >>> import focal_ref
    >>> x, t = [2.0, -1.0, 0.5, -3.0], [1, 0, 0, 1]
    >>> round(float(focal_ref.sigmoid_focal_loss(x, t, reduction="sum")), 8)
    0.99207324
    """
    loss = SigmoidFocal(alpha=alpha, gamma=gamma)
    options = {"weight": weight, "mask": mask, "reduction": reduction, "normalizer": normalizer}
    return apply(loss, logits, targets, **options)


def sigmoid_focal_loss_value_and_gradient(
    logits: Any,
    targets: Any,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: float | None = None,
) -> tuple[Any, Float64]:
    """`sigmoid_focal_loss` and its derivative with respect to the logits, in one pass.

    Takes what `sigmoid_focal_loss` takes. The gradient has the shape of logits; where the value is
    an array ("none", "sum_classes") it is the gradient of the sum of that array. At most 10 ULP of
    the sum of its absolute terms for gamma <= 5; masked elements have gradient 0.
    """
    loss = SigmoidFocal(alpha=alpha, gamma=gamma)
    options = {"weight": weight, "mask": mask, "reduction": reduction, "normalizer": normalizer}
    return apply_value_and_gradient(loss, logits, targets, **options)


def apply(loss: ElementwiseLoss, logits: Any, targets: Any, **options: Any) -> Any:
    """Any loss object with mask, weight, normalizer and reduction; options as `sigmoid_focal_loss`."""
    return _apply(loss, logits, targets, with_gradient=False, **options)[0]


def apply_value_and_gradient(loss: ElementwiseLoss, logits: Any, targets: Any, **options: Any) -> tuple[Any, Float64]:
    """The value of `apply` and its derivative with respect to the logits."""
    value, gradient = _apply(loss, logits, targets, with_gradient=True, **options)
    return value, gradient


def _apply(
    loss: ElementwiseLoss,
    logits: Any,
    targets: Any,
    *,
    with_gradient: bool,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: float | None = None,
) -> Any:
    check_reduction(reduction, normalizer)
    if normalizer is not None:
        normalizer = checked_normalizer(normalizer)
    x, t = checked_inputs(logits, targets)
    w, m = checked_weight(weight, x.shape), checked_mask(mask, x.shape)
    if reduction == "sum_classes" and x.ndim == 0:
        raise ValueError("reduction='sum_classes' sums over the last axis: logits must have one, got shape ()")
    _check_counted_targets(t, m)
    divisor = denominator(t, m, reduction, normalizer, xp)
    keep_values = reduction in ("none", "sum_classes")
    optional = [array for array in (w, m) if array is not None]

    def kernel(x_block: Float64, t_block: Float64, *blocks: Float64) -> tuple[Float64, ...]:
        remaining = list(blocks)
        w_block = None if w is None else remaining.pop(0)
        m_block = None if m is None else remaining.pop(0) != 0.0
        inputs = masked_inputs(x_block, t_block, m_block, xp)
        if not with_gradient:
            return (weighted(loss.value_formula(*inputs, xp), w_block, m_block, xp),)
        value, gradient = loss.value_and_gradient_formula(*inputs, xp)
        gradient = weighted(gradient, w_block, m_block, xp)
        return weighted(value, w_block, m_block, xp), gradient if divisor is None else gradient / divisor

    kept = [keep_values, True] if with_gradient else [keep_values]
    results = evaluate_in_blocks(kernel, [x, t, *optional], x.shape, kept)
    value = results[0]
    if reduction == "sum_classes":
        value = np.sum(value, axis=-1)
    elif divisor is not None:
        value = value / divisor
    return value[()], results[1][()] if with_gradient else None


def _check_counted_targets(t: npt.NDArray[Any], m: npt.NDArray[Any] | None) -> None:
    if t.dtype.kind == "b" or not t.size:
        return
    counted: Any = True if m is None else np.broadcast_to(m, t.shape)
    if np.any(counted):
        smallest = np.min(t, where=counted, initial=1)
        largest = np.max(t, where=counted, initial=0)
        check_all_in_unit_interval(float(smallest), float(largest))
