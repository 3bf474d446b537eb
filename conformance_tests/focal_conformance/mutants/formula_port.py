"""A loss with everything that people ask for, by the formula in NumPy: what mutants change."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from focal_conformance.deviations import Reduction
from focal_conformance.deviations.reductions import Batch
from focal_conformance.mutants.elements import Elements
from focal_conformance.mutants.reduced import RIGHT, reduced, reducer


@dataclass(eq=False)
class FormulaPort:
    """Called like a named function of the specification; `with_gradient` gives (value, gradient)."""

    elements: Elements
    reduction_change: Reduction | None = None
    multiplies_ignored: str = ""
    """'mask' or 'ignore_index': what is left out by a product with 0, after the mathematics."""

    def __call__(self, logits: Any, targets: Any, **keywords: Any) -> Any:
        """The value."""
        return self.with_gradient(logits, targets, **keywords)[0]

    def with_gradient(
        self,
        logits: Any,
        targets: Any,
        *,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        reduction: str = "none",
        weight: Any = None,
        mask: Any = None,
        ignore_index: int | None = None,
        normalizer: float | None = None,
    ) -> tuple[Any, Any]:
        """Value, and its derivative, of a reduced value as of its sum."""
        _check(alpha, gamma, reduction, normalizer)
        logits, targets = np.asarray(logits), np.asarray(targets)
        if logits.dtype.kind != "f" and str(logits.dtype) != "bfloat16":
            raise TypeError(f"logits must be floating-point, got {logits.dtype}")
        classes = logits.shape[-1] if self.elements.rows else 1
        shape = logits.shape[:-1] if self.elements.rows else logits.shape
        indices = self.elements.rows and targets.shape == shape and targets.dtype.kind in "iu"
        if not indices and targets.shape != logits.shape:
            raise ValueError(f"logits {logits.shape} and targets {targets.shape} differ in shape")
        counted = np.ones(shape, dtype=bool) if mask is None else np.broadcast_to(mask, shape)
        kept = np.ones(shape, dtype=bool) if self.multiplies_ignored == "mask" else counted
        if ignore_index is not None:
            valid = targets != ignore_index
            valid = np.all(valid, axis=-1) if valid.ndim > len(shape) else valid
            counted = counted & valid
            kept = kept & valid if self.multiplies_ignored != "ignore_index" else kept
        if self.reduction_change is not None and self.reduction_change.name == "ignored_not_ignored":
            kept = np.ones(shape, dtype=bool)
        x, t = self._flat(logits, targets, kept, counted if indices else None)
        signature = (logits.shape, str(logits.dtype), targets.shape, str(targets.dtype))
        evaluated = self.elements.of(x, t, alpha, gamma, signature)
        losses, _ = evaluated(np.zeros(len(x)))
        batch = Batch(
            losses=losses.reshape(shape),
            counted=counted.astype(np.float64),
            weight=np.broadcast_to(1.0 if weight is None else np.asarray(weight, dtype=np.float64), shape),
            alpha_t=self._alpha_t(t, alpha).reshape(shape),
            positive=np.ones(shape) if self.elements.rows else (t >= 0.5).astype(np.float64).reshape(shape),
            normalizer=1.0 if normalizer is None else normalizer,
            classes=classes,
        )
        given = {"weight": weight is not None, "normalizer": normalizer is not None}
        given["ignored"] = mask is not None or ignore_index is not None
        reduce = reducer(
            reduction, self.reduction_change, frozenset(name for name, is_given in given.items() if is_given)
        )
        value, upstream = (
            (RIGHT["none"](batch), batch.counted * batch.weight) if reduce is RIGHT["none"] else reduced(batch, reduce)
        )
        _, slope = evaluated(upstream.reshape(-1))
        return value.astype(logits.dtype), slope.reshape(logits.shape).astype(logits.dtype)

    def _flat(self, logits: Any, targets: Any, kept: Any, counted: Any) -> tuple[Any, Any]:
        """One axis of losses; ``counted`` is given where targets are class indices.

        An index that names no class has no row, whoever ignores it: it becomes 0.
        """
        classes, indices = logits.shape[-1] if logits.ndim else 1, counted is not None
        if self.elements.rows:
            of_logits = kept[..., None]
            if indices:
                chosen = np.where(counted, targets, 0)
                _in_range(chosen, 0, classes - 1)
                targets = chosen[..., None] == np.arange(classes)
            x, t = np.where(of_logits, logits, 0).astype(logits.dtype), np.where(of_logits, targets, 0.0)
            if not indices and not self.multiplies_ignored:
                _in_range(t, 0.0, 1.0)
            return x.reshape(-1, classes), t.reshape(-1, classes).astype(np.float64)
        x, t = np.where(kept, logits, 0).astype(logits.dtype), np.where(kept, targets, 0).astype(np.float64)
        if not self.multiplies_ignored and self.reduction_change is None:
            _in_range(t, 0.0, 1.0)
        return x.reshape(-1), t.reshape(-1)

    def _alpha_t(self, targets: Any, alpha: Any) -> Any:
        if alpha is None:
            return np.ones(len(targets))
        if self.elements.rows:
            return np.sum(targets * np.asarray(alpha, dtype=np.float64), axis=-1)
        return alpha * targets + (1.0 - alpha) * (1.0 - targets)


def _check(alpha: Any, gamma: float, reduction: str, normalizer: float | None) -> None:
    if alpha is not None and not np.all((np.asarray(alpha) >= 0.0) & (np.asarray(alpha) <= 1.0)):
        raise ValueError(f"alpha must be in [0, 1], got {alpha}")
    if not gamma >= 0.0:
        raise ValueError(f"gamma must be >= 0, got {gamma}")
    if reduction not in RIGHT:
        raise ValueError(f"reduction must be one of {', '.join(RIGHT)}, got {reduction!r}")
    if normalizer is not None and not normalizer > 0.0:
        raise ValueError(f"normalizer must be > 0, got {normalizer}")


def _in_range(targets: Any, low: float, high: float) -> None:
    # nan stays in its own element.
    if np.any((targets < low) | (targets > high)):
        raise ValueError(f"targets must be in [{low:g}, {high:g}]")
