"""Targets: class indices, what is ignored, label smoothing."""

import math
from typing import Any

from focal_ref.checks import check_all_in_unit_interval, checked_number
from focal_ref.namespace import class_numbers, is_numpy, namespace_of
from focal_ref.stable import Array

MOST_EXACT = 2**20
"""Every whole number up to it is a float32 of its own, and none of the integers beyond is rounded to one."""


def is_class_index(targets: Array, logits: Array) -> bool:
    """Whether targets lack the class axis, the last one in a formula."""
    return len(targets.shape) == len(logits.shape) - 1


def one_hot(indices: Array, logits: Array, xp: Any, *, others_allowed: bool) -> Array:
    """One-hot rows, made where they are used so that they are never kept: a compiler fuses them away.

    ``others_allowed``: an index that equals the number of classes is a row of zeros. Any other index
    outside the classes makes its row nan: where nobody could check it, it must not pass for a class.
    """
    classes = logits.shape[-1]
    column = xp.expand_dims(indices, axis=-1)
    # As floats, which hold the numbers of so many classes: vectors of int64 are half as long, and slow.
    kind = logits.dtype if classes <= MOST_EXACT else indices.dtype
    column = xp.astype(column, kind)
    chosen = xp.astype(column == class_numbers(logits, kind, xp), logits.dtype)
    valid = (column >= 0) & (column <= classes if others_allowed else column < classes)
    # 0, or inf - inf where it is not valid. A constant nan PyTorch's compiler takes for different from itself: it would
    # compute the same targets again for the gradient.
    zero = xp.zeros_like(xp.astype(valid, logits.dtype))
    infinite = xp.full_like(zero, math.inf)
    return chosen + (xp.where(valid, zero, infinite) + xp.where(valid, zero, -infinite))


def smooth_targets(targets: Any, epsilon: float, *, num_classes: int = 2, xp: Any = None) -> Any:
    """Mix targets with the uniform distribution: ``t (1 - epsilon) + epsilon / num_classes``.

    Parameters
    ----------
    targets : array, or nested list
        Probabilities of the positive class, or rows of a one-hot encoding; not class indices.
        Integers and bools become floats of the default dtype.
    epsilon : float in [0, 1]
        The weight of the uniform distribution.
    num_classes : int >= 2
        2 for the sigmoid loss, K for rows of K classes.
    xp : array-API namespace, optional
        Default: that of the targets.

    Returns
    -------
    array of the shape of targets, of their library and dtype

    Raises
    ------
    TypeError, ValueError
        Naming the parameter, the value and the rule.

    Notes
    -----
    The result is a soft target like any other: alpha_t and p_t follow the rule for soft targets.
    Source: Szegedy et al. 2016, arXiv:1512.00567, section 7.

    Examples
    --------
    >>> from focal_ref import smooth_targets
    >>> smooth_targets([1.0, 0.0], 0.25).tolist()
    [0.875, 0.125]
    """
    rule = "a number in [0, 1]"
    epsilon = checked_number("epsilon", epsilon, rule)
    if not 0.0 <= epsilon <= 1.0:
        raise ValueError(f"epsilon must be {rule}, got {epsilon!r}")
    if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 2:
        raise ValueError(f"num_classes must be an integer >= 2, got {num_classes!r}")
    xp = namespace_of(targets) if xp is None else xp
    if isinstance(targets, (list, tuple, bool, int, float)):
        targets = xp.asarray(targets)
    shape = tuple(targets.shape)
    if num_classes > 2 and (not shape or shape[-1] != num_classes):
        raise ValueError(
            f"targets must be rows of num_classes={num_classes} along the last axis, got shape {shape}; "
            "make class indices one-hot first"
        )
    if is_numpy(xp) and targets.size and targets.dtype.kind != "b":
        check_all_in_unit_interval(float(targets.min()), float(targets.max()))
    if xp.isdtype(targets.dtype, ("bool", "integral")):
        targets = xp.astype(targets, xp.asarray(0.0).dtype)
    return targets * (1.0 - epsilon) + epsilon / num_classes
