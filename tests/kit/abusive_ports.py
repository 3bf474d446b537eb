"""Ports that misbehave, in NumPy: each gets one clear line, and the run goes on with the next."""

import os
import sys
import time

import numpy as np

import focal_ref

CALLS = {"count": 0}


def right(logits, targets, alpha=0.25, gamma=2.0):
    x, t = np.asarray(logits, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if x.shape != t.shape:
        raise ValueError("shapes differ")
    return focal_ref.sigmoid_focal_loss(x, t, alpha=alpha, gamma=gamma).astype(logits.dtype)


def hangs(logits, targets, alpha=0.25, gamma=2.0):
    time.sleep(1e6)


def prints_megabytes(logits, targets, alpha=0.25, gamma=2.0):
    print("x" * 1_000_000)
    return right(logits, targets, alpha, gamma)


def wrong_shape(logits, targets, alpha=0.25, gamma=2.0):
    return right(logits, targets, alpha, gamma)[..., :-1]


def wrong_dtype(logits, targets, alpha=0.25, gamma=2.0):
    return right(logits, targets, alpha, gamma).astype(np.int64)


def complex_numbers(logits, targets, alpha=0.25, gamma=2.0):
    return right(logits, targets, alpha, gamma).astype(np.complex128)


def none(logits, targets, alpha=0.25, gamma=2.0):
    return None


def raises(logits, targets, alpha=0.25, gamma=2.0):
    raise RuntimeError("nothing works\nat all")


def changes_its_arguments(logits, targets, alpha=0.25, gamma=2.0):
    result = right(logits, targets, alpha, gamma)
    logits[...] = 0.0
    return result


def counts_its_calls(logits, targets, alpha=0.25, gamma=2.0):
    CALLS["count"] += 1
    return (right(logits, targets, alpha, gamma) * (1.0 + 1e-4 * CALLS["count"])).astype(logits.dtype)


def exits_in_the_middle(logits, targets, alpha=0.25, gamma=2.0):
    CALLS["count"] += 1
    if CALLS["count"] > 30:
        sys.exit(0)
    return right(logits, targets, alpha, gamma)


def ends_its_process(logits, targets, alpha=0.25, gamma=2.0):
    os._exit(0)


EXPECTED = {
    "hangs": (3, "no answer within 12 s"),
    "prints_megabytes": (0, ""),
    "wrong_shape": (3, "returned shape (4,) for logits of shape (5,)"),
    "wrong_dtype": (1, "result_kind"),
    "complex_numbers": (1, "result_kind"),
    "none": (3, "returned None"),
    "raises": (3, "RuntimeError: nothing works"),
    "changes_its_arguments": (1, "no_trace"),
    "counts_its_calls": (1, "repeatable"),
    "exits_in_the_middle": (3, "ended with code 0 without a report (it was at:"),
    "ends_its_process": (3, "ended with code 0 without a report (it was being opened)"),
    "right": (0, ""),
}
"""Port -> exit code, and what its report says."""
