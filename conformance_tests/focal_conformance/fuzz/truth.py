"""What is exact at random points: from the oracle, or without python-flint from the reference.

The oracle's numbers are correctly rounded float64; where the exact result is a tie, or so near to
one that thousands of bits do not tell, one of its two neighbours. The reference's are as good as its
bounds in bounds.json, which the judge adds to what a port may err.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.bounds import bound
from focal_conformance.dialect import Parameters
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.softmax_scales import first_scales, pieces
from focal_ref import LOSSES


@dataclass(frozen=True, eq=False)
class Truths:
    """Exact numbers of points or rows."""

    value: Float64
    gradient: Float64
    gradient_scale: Float64
    """Of rows: the sum of the absolute terms; of elements empty, their scale is made at once."""


@dataclass(frozen=True, eq=False)
class Question:
    """Points of one loss with one set of parameters."""

    loss: str
    dtype: str
    parameters: Parameters
    logits: Float64
    targets: npt.NDArray[Any]


@lru_cache
def oracle_installed() -> bool:
    """Whether python-flint, the extra 'oracle', is here."""
    return find_spec("flint") is not None


def source_of_truth() -> str:
    """In words, for reports."""
    if oracle_installed():
        return "judged by the oracle, ball arithmetic"
    return "judged by the reference with its own bound added, as python-flint is not installed (extra 'oracle')"


def answered(question: Question) -> Truths:
    """Exact numbers of a question, from the best source there is."""
    value, gradient = (_from_oracle if oracle_installed() else _from_reference)(question)
    if question.logits.ndim == 1:
        return Truths(value, gradient, np.empty(0))
    return Truths(value, gradient, _row_scales(question))


def reference_errors(loss: str, quantity: str, gamma: float, scale: Float64) -> Float64:
    """How far the reference may be from the exact numbers."""
    limit = bound(loss, "numpy", quantity, "float64", gamma)
    finite = np.where(np.isfinite(scale), scale, 0.0)
    return np.where(finite == 0.0, 0.0, limit * FORMATS["float64"].ulp(finite))


def _from_oracle(question: Question) -> tuple[Float64, Float64]:
    from focal_conformance.fuzz.proof import proven_point, proven_row

    parameters = question.parameters
    if question.logits.ndim == 1:
        pairs = [
            proven_point(x, t, parameters)
            for x, t in zip(question.logits.tolist(), question.targets.tolist(), strict=True)
        ]
        return np.array([value for value, _ in pairs]), np.array([gradient for _, gradient in pairs])
    rows = [
        proven_row(x, t, parameters) for x, t in zip(question.logits.tolist(), question.targets.tolist(), strict=True)
    ]
    return np.array([value for value, _ in rows]), np.array([gradient for _, gradient in rows])


def _from_reference(question: Question) -> tuple[Float64, Float64]:
    parameters = question.parameters
    # Each loss has these parameters under these names.
    loss: Any = LOSSES[question.loss]
    formula = loss(
        alpha=parameters.alpha,
        gamma=parameters.gamma,
        soft_targets=parameters.soft_targets,
        detach_modulator=parameters.detach_modulator,
    )
    value, gradient = formula.value_and_gradient(question.logits, question.targets)
    return np.asarray(value), np.asarray(gradient)


def _row_scales(question: Question) -> Float64:
    """Scale of the gradient of each row; 0 where |exact| is the scale."""
    result = np.zeros(question.logits.shape)
    if question.targets.ndim == 1:
        return result
    parameters = question.parameters
    for row, (x, t) in enumerate(zip(question.logits, question.targets, strict=True)):
        if np.isnan(x).any() or np.isin(t, (0.0, 1.0)).all():
            continue
        with np.errstate(all="ignore"):
            parts = pieces(x, t, parameters.alpha, parameters.gamma)
            scale = first_scales(parts, parameters.soft_targets, parameters.detach_modulator)
        result[row] = np.nan_to_num(scale, posinf=0.0)
    return result
