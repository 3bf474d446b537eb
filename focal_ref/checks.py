"""Input checks. Every message names the parameter, the value and the rule."""

import math
import operator
from numbers import Integral, Real
from typing import Any

SOFT_TARGETS = ("linear", "cross_entropy", "margin", "expected")
REDUCTIONS = ("none", "sum", "mean", "sum_classes", "mean_positives")


def checked_number(name: str, value: Any, rule: str) -> float:
    """A Python float from a real number, or a TypeError that states the rule."""
    if isinstance(value, float):
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {rule}, got {describe(value)}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be {rule} that a float holds, got {describe(value)}") from None


def checked_gamma(gamma: Any) -> float:
    """The focusing parameter: a finite number >= 0."""
    rule = "a finite number >= 0"
    number = checked_number("gamma", gamma, rule)
    if not 0.0 <= number < math.inf:
        raise ValueError(f"gamma must be {rule}, got {gamma!r}")
    return number


def checked_alpha(alpha: Any) -> float | tuple[float, ...] | None:
    """The weight of the positive class: None (off), a number in [0, 1], or one a class."""
    rule = "None (no balancing), a number in [0, 1] or one such number a class"
    if alpha is None:
        return None
    # A number first: Dynamo knows no attributes of the floats that it traces.
    if not isinstance(alpha, float) and hasattr(alpha, "__array__"):
        if getattr(alpha, "requires_grad", False):
            raise TypeError("alpha must not require a derivative: it is a constant; pass alpha.detach()")
        # One number stays a Python number: a 0-d array would be another compiled function each time.
        alpha = _numbers(alpha) if getattr(alpha, "ndim", 0) == 1 else alpha
    if isinstance(alpha, (list, tuple)):
        if not alpha:
            raise ValueError(f"alpha must be {rule}, got {alpha!r}")
        return tuple(_checked_weight("alpha", number, rule) for number in alpha)
    return _checked_weight("alpha", alpha, rule)


def _numbers(array: Any) -> list[float]:
    # Here, so that the package can be imported without NumPy's weight.
    import numpy as np

    numbers: list[float] = np.asarray(array).tolist()
    return numbers


def _checked_weight(name: str, value: Any, rule: str) -> float:
    number = checked_number(name, value, rule)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    return number


def checked_soft_targets(rule: Any) -> str:
    """A named rule for targets between 0 and 1."""
    if not isinstance(rule, str) or rule not in SOFT_TARGETS:
        raise ValueError(f"soft_targets must be one of {', '.join(map(repr, SOFT_TARGETS))}, got {rule!r}")
    return rule


def checked_flag(name: str, value: Any) -> bool:
    """True or False, and nothing that merely counts as such."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {describe(value)}")
    return value


def checked_integer(name: str, value: Any) -> int:
    """An integer; a NumPy integer is one."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {describe(value)}")
    # Not int(): under torch.compile that leaves a symbol, and an axis must be a number.
    return operator.index(value)


def checked_ignore_index(ignore_index: Any) -> int | None:
    """The target that says that there is nothing: an integer, or None."""
    if ignore_index is None:
        return None
    index = checked_integer("ignore_index", ignore_index)
    if not -(2**31) <= index < 2**31:
        raise ValueError(f"ignore_index must be an integer of 32 bits, got {index}")
    return index


def check_ignore_index_fits(ignore_index: int | None, consumes_classes: bool, indices: bool) -> None:
    """Class indices and targets of single logits can be ignored; rows of classes have no one target."""
    if ignore_index is not None and consumes_classes and not indices:
        raise ValueError(
            f"ignore_index marks class indices, got ignore_index={ignore_index} and targets with the class axis; "
            "give mask instead"
        )


def checked_validate(validate: Any) -> bool | None:
    """None, or a flag."""
    return None if validate is None else checked_flag("validate", validate)


def check_reduction(reduction: Any, normalizer: Any) -> None:
    """A known reduction, and a normalizer only where it means something."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}")
    if normalizer is not None and reduction != "sum":
        raise ValueError(f"normalizer divides a sum: it needs reduction='sum', got reduction={reduction!r}")


def checked_normalizer(normalizer: Any, smallest: float = 0.0) -> float:
    """A normalizer that is a plain number: finite and > 0, never clamped.

    ``smallest``: the smallest normal number of a dtype in which the gradient is multiplied by the reciprocal, which for
    a smaller one may be infinite.
    """
    rule = "a finite number > 0"
    number = checked_number("normalizer", normalizer, rule)
    if not 0.0 < number < math.inf:
        raise ValueError(f"normalizer must be {rule}, got {normalizer!r}")
    if number < smallest:
        raise ValueError(
            f"normalizer must not be below {smallest:.4g}, the smallest normal number of the dtype of computation, "
            f"got {normalizer!r}"
        )
    return number


def check_alpha_fits(alpha: Any, logits_shape: tuple[Any, ...], axis: int) -> None:
    """As many numbers as classes; nothing is broadcast."""
    if isinstance(alpha, tuple):
        classes = logits_shape[axis] if logits_shape else 0
        if classes is not None and len(alpha) != classes:
            raise ValueError(
                f"alpha must hold one number a class, {classes} for logits of shape {tuple(logits_shape)}, "
                f"got {len(alpha)}"
            )


def check_targets_shape(
    logits_shape: tuple[Any, ...], targets_shape: tuple[Any, ...], index_shape: tuple[Any, ...] | None, kind: str
) -> None:
    """Logits and targets never broadcast: (N, 1) against (N,) would give (N, N).

    ``index_shape`` is the shape of class indices, where the logits have an axis of classes.
    """
    if _same(logits_shape, targets_shape):
        return
    if index_shape is not None and _same(index_shape, targets_shape):
        if kind == "integer":
            return
        raise ValueError(
            f"targets must have the shape of logits, {tuple(logits_shape)}, or be integer class indices of shape "
            f"{tuple(index_shape)}, got {kind} targets of shape {tuple(targets_shape)}; they are not broadcast"
        )
    indices = "" if index_shape is None else f", or be integer class indices of shape {tuple(index_shape)}"
    raise ValueError(
        f"targets must have the shape of logits{indices}, got logits {tuple(logits_shape)} and targets "
        f"{tuple(targets_shape)}; they are not broadcast"
    )


def _same(shape: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    # Length by length: while torch.compile traces, tuples of symbolic lengths do not compare.
    return len(shape) == len(other) and all(n == m for n, m in zip(shape, other, strict=True))


def check_fits(name: str, shape: tuple[Any, ...], losses_shape: tuple[Any, ...], losses: str) -> None:
    """A weight or mask may be broadcast to the losses, and may not enlarge them.

    ``losses`` says what has that shape: "logits", or "logits without the class axis".
    """
    aligned = (1,) * (len(losses_shape) - len(shape)) + tuple(shape)
    fits = len(aligned) == len(losses_shape) and all(
        n == 1 or n == m for n, m in zip(aligned, losses_shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{name} must have the shape of {losses}, {tuple(losses_shape)}, or broadcast to it without "
            f"enlarging it, got {tuple(shape)}"
        )


def check_kind(name: str, kind: str, allowed: tuple[str, ...], dtype: Any) -> None:
    """The kind of a dtype: 'floating', 'integer', 'bool' or 'complex'."""
    if kind not in allowed:
        wanted = " or ".join(allowed).replace("floating", "real floating point")
        raise TypeError(f"{name} must be {wanted}, got {dtype}")


def check_all_in_unit_interval(smallest: float, largest: float) -> None:
    """Targets are probabilities; nan is none."""
    if not (smallest >= 0.0 and largest <= 1.0):
        wrong = smallest if not smallest >= 0.0 else largest
        raise ValueError(f"targets must lie in [0, 1] where the mask counts them, got {wrong!r}")


ROW_SUM_TOLERANCE = 0.01
"""How far the sum of a row of targets may be from 1: bfloat16 rows are off by up to 0.004."""


def check_rows_sum_to_one(smallest: float, largest: float) -> None:
    """A row of targets is a distribution over the classes, up to the rounding of its dtype."""
    if not (abs(smallest - 1.0) <= ROW_SUM_TOLERANCE and abs(largest - 1.0) <= ROW_SUM_TOLERANCE):
        wrong = smallest if not abs(smallest - 1.0) <= ROW_SUM_TOLERANCE else largest
        raise ValueError(f"targets must sum to 1 over the classes where the mask counts them, got a sum of {wrong!r}")


def check_class_indices(smallest: int, largest: int, classes: int, background: bool) -> None:
    """Class indices within the classes; one more stands for the background, where the loss knows one."""
    last = classes if background else classes - 1
    if smallest < 0 or largest > last:
        wrong = smallest if smallest < 0 else largest
        meaning = f" ({classes} for background)" if background else ""
        raise ValueError(
            f"targets must be class indices from 0 to {last}{meaning} where they are not ignored, got {wrong}"
        )


def describe(value: Any) -> str:
    """A value for a message: short, with its type."""
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
