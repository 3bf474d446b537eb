"""Masks, weights, normalizer and reduction of a mutant, right or with the one change that it is about."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad

from focal_conformance.deviations import Reduction
from focal_conformance.deviations.reductions import Batch
from focal_conformance.formats import Float64

Reduce = Callable[[Batch], Any]
RIGHT: dict[str, Reduce] = {
    "none": lambda b: b.losses * b.counted * b.weight,
    "sum": lambda b: b.total / b.normalizer,
    "mean": lambda b: b.total / max(1.0, float(np.sum(b.counted))),
}


def reducer(reduction: str, change: Reduction | None, given: frozenset[str]) -> Reduce:
    """What a reduction does: the change where it is about this reduction and an argument that is given."""
    if change is not None and change.reduction == reduction and (not change.needs or change.needs in given):
        return change.reduces
    return RIGHT[reduction]


def reduced(batch: Batch, reduce: Reduce) -> tuple[Float64, Float64]:
    """The result, and its derivative with respect to each loss."""
    with np.errstate(all="ignore"):
        result = np.asarray(reduce(batch), dtype=np.float64)
        slope = grad(lambda losses: anp.sum(reduce(replace(batch, losses=losses))))(batch.losses)
    return result, np.asarray(slope)
