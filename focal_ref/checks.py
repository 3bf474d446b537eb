"""Input checks. Every message names the parameter, the value and the rule."""

import math
from numbers import Real
from typing import Any

REDUCTIONS = ("none", "sum", "mean", "sum_classes", "mean_positives")


def checked_number(name: str, value: Any, rule: str) -> float:
    """A Python float from a real number, or a TypeError that states the rule."""
    if isinstance(value, float):
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {rule}, got {describe(value)}")
    return float(value)


def checked_gamma(gamma: Any) -> float:
    """The focusing parameter: a finite number >= 0."""
    rule = "a finite number >= 0"
    number = checked_number("gamma", gamma, rule)
    if not 0.0 <= number < math.inf:
        raise ValueError(f"gamma must be {rule}, got {gamma!r}")
    return number


def checked_alpha(alpha: Any) -> float | None:
    """The weight of the positive class: None (off) or a number in [0, 1]."""
    rule = "None (no balancing) or a number in [0, 1]"
    if alpha is None:
        return None
    number = checked_number("alpha", alpha, rule)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"alpha must be {rule}, got {alpha!r}")
    return number


def check_reduction(reduction: Any, normalizer: Any) -> None:
    """A known reduction, and a normalizer only where it means something."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}")
    if normalizer is not None and reduction != "sum":
        raise ValueError(f"normalizer divides a sum: it needs reduction='sum', got reduction={reduction!r}")


def checked_normalizer(normalizer: Any) -> float:
    """A normalizer that is a plain number: finite and > 0, never clamped."""
    rule = "a finite number > 0"
    number = checked_number("normalizer", normalizer, rule)
    if not 0.0 < number < math.inf:
        raise ValueError(f"normalizer must be {rule}, got {normalizer!r}")
    return number


def check_same_shape(logits_shape: tuple[Any, ...], targets_shape: tuple[Any, ...]) -> None:
    """Logits and targets never broadcast: (N, 1) against (N,) would give (N, N)."""
    # Length by length: while torch.compile traces, tuples of symbolic lengths do not compare.
    same = len(logits_shape) == len(targets_shape) and all(
        n == m for n, m in zip(logits_shape, targets_shape, strict=True)
    )
    if not same:
        raise ValueError(
            f"targets must have the shape of logits, got logits {tuple(logits_shape)} and targets "
            f"{tuple(targets_shape)}; they are not broadcast"
        )


def check_fits(name: str, shape: tuple[Any, ...], logits_shape: tuple[Any, ...]) -> None:
    """A weight or mask may be broadcast to the logits, and may not enlarge them."""
    aligned = (1,) * (len(logits_shape) - len(shape)) + tuple(shape)
    fits = len(aligned) == len(logits_shape) and all(
        n == 1 or n == m for n, m in zip(aligned, logits_shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{name} must have the shape of logits, {tuple(logits_shape)}, or broadcast to it without "
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


def describe(value: Any) -> str:
    """A value for a message: short, with its type."""
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
