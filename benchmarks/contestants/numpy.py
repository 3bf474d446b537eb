"""NumPy: the reference in float64 against the formula of the paper as one would write it down."""

from collections.abc import Callable
from typing import Any

import numpy as np

import focal_ref
from benchmarks.cases import OURS, Case
from benchmarks.contestants import Entrant
from benchmarks.data import Data


def opened(case: Case, data: Data) -> Callable[[str], Entrant]:
    """Contestants by name, on the same two arrays."""
    work, x, t = case.work, data.logits, data.targets

    def ours() -> Any:
        return focal_ref.sigmoid_focal_loss_value_and_gradient(
            x, t, alpha=work.alpha, gamma=work.gamma, reduction="sum"
        )

    def naive() -> Any:
        dense = t if work.targets == "dense" else (t[:, None] == np.arange(work.classes)).astype(x.dtype)
        return _naive(x, dense, work.alpha, work.gamma)

    return lambda name: Entrant(ours if name == OURS else naive, lambda result: (float(result[0]), result[1]))


def _naive(x: Any, t: Any, alpha: Any, gamma: float) -> tuple[Any, Any]:
    p = 1.0 / (1.0 + np.exp(-x))
    p_t = p * t + (1.0 - p) * (1.0 - t)
    alpha_t = alpha * t + (1.0 - alpha) * (1.0 - t)
    log_p_t = np.log(p_t)
    modulated = alpha_t * (1.0 - p_t) ** gamma
    return -np.sum(modulated * log_p_t), modulated * (2.0 * t - 1.0) * (gamma * p_t * log_p_t - (1.0 - p_t))
