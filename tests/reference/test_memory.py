"""Ten million elements in blocks: the extra memory is bounded."""

import tracemalloc

import numpy as np
import pytest

import focal_ref
from focal_ref import ranges

COUNT = 10_000_000
MEGABYTE = 2**20


def peak_beyond_the_gradient(x, t, **settings):
    """Bytes, at the most, that are neither inputs nor the gradient returned."""
    tracemalloc.start()
    try:
        total, gradient = focal_ref.sigmoid_focal_loss_value_and_gradient(x, t, reduction="sum", **settings)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.isfinite(total)
    return peak - gradient.nbytes


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_extra_memory_does_not_grow_with_the_arrays(dtype):
    x = np.linspace(-20.0, 20.0, COUNT, dtype=dtype)
    t = np.arange(COUNT) % 3 == 0
    # The gradient itself is the result; everything else has to fit in 32 MiB.
    assert peak_beyond_the_gradient(x, t) <= 32 * MEGABYTE


@pytest.mark.parametrize("kind", ["hard", "soft", "half soft", "indices"])
def test_as_many_threads_as_there_may_be_stay_within_64_megabytes(kind, monkeypatch):
    monkeypatch.setattr(ranges, "threads", lambda: ranges.MOST_THREADS)
    x = np.linspace(-20.0, 20.0, COUNT).reshape(-1, 80)
    if kind == "indices":
        t = np.arange(len(x)) % 81
    else:
        t = (np.arange(COUNT) % 3 == 0).astype(float).reshape(x.shape)
        t[:, :: {"hard": 81, "soft": 1, "half soft": 2}[kind]] *= 0.5 if kind != "hard" else 1.0
    assert peak_beyond_the_gradient(x, t) <= 64 * MEGABYTE


def test_blocks_leave_no_seam():
    count = 40_000
    x, t = np.linspace(-9.0, 9.0, count), np.arange(count) % 2
    whole = focal_ref.SigmoidFocal().value(x, t)
    parts = np.concatenate(
        [focal_ref.SigmoidFocal().value(x[i : i + 7777], t[i : i + 7777]) for i in range(0, count, 7777)]
    )
    np.testing.assert_array_equal(whole, parts)
