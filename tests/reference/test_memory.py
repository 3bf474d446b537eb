"""Ten million elements in blocks: the extra memory is bounded."""

import tracemalloc

import numpy as np
import pytest

import focal_ref

COUNT = 10_000_000
MEGABYTE = 2**20


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_extra_memory_does_not_grow_with_the_arrays(dtype):
    x = np.linspace(-20.0, 20.0, COUNT, dtype=dtype)
    t = np.arange(COUNT) % 3 == 0
    tracemalloc.start()
    try:
        total, gradient = focal_ref.sigmoid_focal_loss_value_and_gradient(x, t, reduction="sum")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.isfinite(total)
    # The gradient itself is the result; everything else has to fit in 32 MiB.
    assert peak - gradient.nbytes <= 32 * MEGABYTE


def test_blocks_leave_no_seam():
    count = 40_000
    x, t = np.linspace(-9.0, 9.0, count), np.arange(count) % 2
    whole = focal_ref.SigmoidFocal().value(x, t)
    parts = np.concatenate(
        [focal_ref.SigmoidFocal().value(x[i : i + 7777], t[i : i + 7777]) for i in range(0, count, 7777)]
    )
    np.testing.assert_array_equal(whole, parts)
