"""A right port in NumPy, without a gradient."""

from typing import Any

import numpy as np


def without_gradient(y_true: Any, y_pred: Any, alpha: float | None = 0.25, gamma: float = 2.0) -> Any:
    """Labels first; computed in float64, returned in the dtype of the logits."""
    if y_true.shape != y_pred.shape:
        raise ValueError("shapes differ")
    dtype = y_pred.dtype
    x, t = y_pred.astype(np.float64), y_true.astype(np.float64)
    e = np.exp(-np.abs(x))
    p, not_p = np.where(x >= 0, 1, e) / (1 + e), np.where(x >= 0, e, 1) / (1 + e)
    cross_entropy = np.log1p(e) + np.maximum(x, 0) * (1 - t) + np.maximum(-x, 0) * t
    loss = (p * (1 - t) + not_p * t) ** gamma * cross_entropy
    if alpha is not None:
        loss = (alpha * t + (1 - alpha) * (1 - t)) * loss
    return loss.astype(dtype)
