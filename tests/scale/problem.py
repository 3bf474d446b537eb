"""Logits and targets that every test of this folder spreads over devices, and what their loss has to be."""

import math

import numpy as np

from focal_adapters.parameters import held_in_float32
from focal_conformance.bounds import bound
from focal_conformance.errors import ulp_errors
from focal_conformance.formats import FORMATS
from focal_ref import SigmoidFocal, SoftmaxFocal

ROWS, CLASSES = 1000, 8


def logits_and_targets(dtype="float32"):
    """Positives become more frequent with the row: from 2 % to 20 %, so that no two parts have the same number."""
    random = np.random.default_rng(1708)
    x = random.normal(0.0, 3.0, (ROWS, CLASSES)).astype(dtype)
    t = random.random((ROWS, CLASSES)) < np.geomspace(0.02, 0.2, ROWS)[:, None]
    return x, t.astype(dtype)


def class_indices():
    """For the softmax loss."""
    return np.random.default_rng(42).integers(0, CLASSES, ROWS)


def assert_sum(got, x, t, denominator, backend):
    """A sum over a denominator, against the exact sum of the reference's losses."""
    rows = np.ndim(t) < np.ndim(x)
    loss = SoftmaxFocal() if rows else SigmoidFocal()
    held = held_in_float32(loss) if x.dtype == np.float32 else loss
    exact = np.array(math.fsum(held.value(x, t).ravel()) / denominator)
    error = ulp_errors(np.array(float(got)), exact, exact, FORMATS[str(x.dtype)])
    assert error <= bound(loss.name, backend, "value", str(x.dtype), 2.0)


def assert_sum_of_rows(got, one_device, terms):
    """Two sums over the rows (the first axis of the terms) in any order, at most n eps of the absolute terms apart."""
    limit = terms.shape[0] * np.finfo(terms.dtype).eps * np.abs(terms).sum(0)
    assert (np.abs(got - one_device) <= limit).all()
