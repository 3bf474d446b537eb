"""Dask arrays: the page's code on an array that does not fit into the memory that the process may have."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
from scale.problem import assert_sum, class_indices, logits_and_targets
from scale.scale_page import run_section, wrong_by

from focal_adapters.array_api import sigmoid_focal_loss, softmax_focal_loss, softmax_focal_loss_value_and_gradient
from focal_adapters.array_api import sigmoid_focal_loss_value_and_gradient as both

MEBIBYTE = 2**20
REDUCTIONS = ["none", "sum_classes", "sum", "mean", "mean_positives"]
ROWS_OF_A_CHUNK = 250


def chunked(array):
    return da.from_array(array, chunks=(ROWS_OF_A_CHUNK, *array.shape[1:]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_gradient_is_that_of_one_array(reduction, dtype):
    x, t = logits_and_targets(dtype)
    options = {"reduction": reduction, "mask": x > -1.0, "weight": np.abs(x)}
    value, gradient = both(x, t, **options)
    lazy = both(chunked(x), chunked(t), **{k: v if k == "reduction" else chunked(v) for k, v in options.items()})
    assert all(isinstance(part, da.Array) for part in lazy)
    assert lazy[1].chunks == chunked(x).chunks
    there = dask.compute(*lazy)
    np.testing.assert_allclose(there[0], value, rtol=32 * np.finfo(dtype).eps, atol=0.0)
    np.testing.assert_array_equal(there[1], gradient)


def test_rows_of_classes():
    x, _ = logits_and_targets()
    y = class_indices()
    value, gradient = dask.compute(*softmax_focal_loss_value_and_gradient(chunked(x), chunked(y), reduction="sum"))
    assert_sum(value, x, y, 1, "array_api")
    np.testing.assert_array_equal(gradient, softmax_focal_loss_value_and_gradient(x, y, reduction="sum")[1])
    # Several chunks a row are slower, and no other numbers.
    pieces = softmax_focal_loss(da.from_array(x, chunks=(ROWS_OF_A_CHUNK, 3)), chunked(y))
    np.testing.assert_array_equal(pieces.compute(), softmax_focal_loss(x, y))


def test_the_code_of_the_page(tmp_path):
    x, t = logits_and_targets()
    value = run_section("Dask: larger than memory")["stored"](chunked(x), chunked(t), tmp_path / "gradient.npy")
    assert_sum(value, x, t, np.count_nonzero(t), "array_api")
    expected = both(x, t, reduction="mean_positives")[1]
    # The page casts the count to the dtype of the logits, as the mean over the positives does.
    np.testing.assert_array_equal(np.load(tmp_path / "gradient.npy"), expected)


def test_a_mean_over_the_positives_of_each_chunk_is_another_number():
    x, t = logits_and_targets()
    parts = [
        sigmoid_focal_loss(x[i : i + ROWS_OF_A_CHUNK], t[i : i + ROWS_OF_A_CHUNK], reduction="mean_positives")
        for i in range(0, len(x), ROWS_OF_A_CHUNK)
    ]
    exact = sigmoid_focal_loss(chunked(x), chunked(t), reduction="mean_positives").compute()
    assert np.mean(parts) / exact - 1.0 == pytest.approx(wrong_by("Dask"), abs=0.005)


def test_an_array_larger_than_the_memory(tmp_path):
    run = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "gradient.npy")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    value, size, allowed = (float(word) for word in run.stdout.split())
    assert size > 2 * allowed
    assert np.isfinite(value)
    gradient = np.load(tmp_path / "gradient.npy", mmap_mode="r")
    assert gradient.nbytes == size
    assert np.isfinite(gradient[-1]).all()
    assert (gradient[-1] != 0.0).all()


def main(path, rows=750_000, rows_of_a_chunk=2_000, mebibytes=112):
    """Run the page's code on rows of 80 logits, with so much memory more than the imports have taken."""
    stored = run_section("Dask: larger than memory")["stored"]
    allowed, chunks = mebibytes * MEBIBYTE, (rows_of_a_chunk, 80)
    logits = da.random.default_rng(1).standard_normal((rows, 80), dtype="float32", chunks=chunks)
    targets = da.random.default_rng(2).integers(0, 50, (rows, 80), dtype="uint8", chunks=chunks) == 0
    size = logits.nbytes
    with dask.config.set(scheduler="threads", num_workers=2):
        # Files that are mapped, as that of the gradient, are no data of the process.
        data = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (data + allowed, data + allowed))
        with pytest.raises(MemoryError):
            np.empty(logits.shape, logits.dtype)
        print(stored(logits, targets, path), size, allowed)


if __name__ == "__main__":
    main(*sys.argv[1:2], *(int(word) for word in sys.argv[2:]))
