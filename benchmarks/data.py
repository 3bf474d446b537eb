"""Logits and targets of a work, the same in every run, and how far a result is from the reference."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import focal_ref
from benchmarks.cases import Work

POSITIVES = 0.02
"""Of all dense targets; of all rows where targets are class indices, the others are background."""
SPREAD = 2.0
"""Standard deviation of the logits: probabilities from 1e-5 to 1 - 1e-5."""
TOLERANCE = {"float64": 1e-3, "float32": 1e-3, "bfloat16": 1e-2}
"""Relative, of the value and of the norm of the gradient: contestants compute the same thing."""
BLOCK = 2**20


@dataclass(frozen=True)
class Data:
    """NumPy arrays; what is bfloat16 is float32 here, of values that bfloat16 holds."""

    logits: npt.NDArray[Any]
    targets: npt.NDArray[Any]


def made(work: Work) -> Data:
    """The arrays of a work."""
    random = np.random.default_rng(1708)
    shape = (work.rows, work.classes)
    logits = random.standard_normal(shape, dtype=np.float32)
    logits *= SPREAD
    if work.dtype == "bfloat16":
        logits.view(np.uint32)[...] &= np.uint32(0xFFFF0000)
    if work.dtype == "float64":
        logits = logits.astype(np.float64)
    if work.targets == "dense":
        return Data(logits, (random.random(shape, dtype=np.float32) < POSITIVES).astype(logits.dtype))
    classes = random.integers(0, work.classes, work.rows)
    if work.loss == "sigmoid_focal":
        classes[random.random(work.rows) >= POSITIVES] = work.classes
    return Data(logits, classes)


def reference(work: Work, data: Data) -> tuple[float, npt.NDArray[np.float32]]:
    """Sum and gradient by focal_ref, some rows at a time: extra memory is bounded."""
    function = getattr(focal_ref, f"{work.loss}_loss_value_and_gradient")
    total, gradient = 0.0, np.empty(data.logits.shape, np.float32)
    step = max(1, BLOCK // work.classes)
    for start in range(0, work.rows, step):
        rows = slice(start, start + step)
        value, part = function(
            data.logits[rows], data.targets[rows], alpha=work.alpha, gamma=work.gamma, reduction="sum"
        )
        total += float(value)
        gradient[rows] = part
    return total, gradient


def distance(
    value: float, gradient: npt.NDArray[Any], exact_value: float, exact_gradient: npt.NDArray[np.float32]
) -> tuple[float, float]:
    """Relative errors of the value, and of the gradient in the Euclidean norm."""
    if gradient.shape != exact_gradient.shape:
        raise ValueError(f"the gradient has the shape {gradient.shape}, not that of the logits, {exact_gradient.shape}")
    step = max(1, BLOCK // gradient.shape[-1])
    wrong = norm = 0.0
    for start in range(0, len(gradient), step):
        exact = exact_gradient[start : start + step].astype(np.float64)
        wrong += float(np.sum((gradient[start : start + step] - exact) ** 2))
        norm += float(np.sum(exact**2))
    return abs(value - exact_value) / exact_value, float(np.sqrt(wrong / norm))
