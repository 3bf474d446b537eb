"""Evaluation of NumPy arrays in blocks: bounded extra memory, and temporaries that stay in cache."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

BLOCK = 16_384
"""Elements a block: about twenty float64 temporaries of 128 KiB (benchmarks/ compares sizes)."""


def evaluate_in_blocks(
    kernel: Callable[..., tuple[Float64, ...]],
    operands: Sequence[npt.NDArray[Any]],
    shape: tuple[int, ...],
    kept: Sequence[bool],
) -> list[Float64]:
    """Call ``kernel`` on one-dimensional float64 blocks of the operands, broadcast to ``shape``.

    Parameters
    ----------
    kernel : callable
        Takes one block of each operand, returns one block of each result.
    operands : sequence of arrays
        Of any real dtype and memory layout; converted block by block.
    shape : tuple of int
        The shape that the operands have or are broadcast to.
    kept : sequence of bool
        One per result: True for the array of all elements, False for their sum alone.

    Returns
    -------
    list of arrays, float64
        Arrays of ``shape``, or 0-d sums.
    """
    arrays = [np.empty(shape) if keep else None for keep in kept]
    written = [array for array in arrays if array is not None]
    sums: list[list[float]] = [[] for _ in kept]
    # Its stub wants literal strings, which nested lists of flags are not.
    nditer: Any = np.nditer
    iterator = nditer(
        [*operands, *written],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"]] * len(operands) + [["writeonly"]] * len(written),
        op_dtypes=[np.dtype(np.float64)] * (len(operands) + len(written)),
        # 'unsafe' admits bfloat16, which NumPy knows no casting rule for; dtypes are checked before.
        casting="unsafe",
        itershape=shape,
        buffersize=BLOCK,
    )
    # Untaken branches of `where` and underflow to the right limit are not worth a warning.
    with iterator, np.errstate(all="ignore"):
        for blocks in iterator:
            results = kernel(*blocks[: len(operands)])
            outputs = iter(blocks[len(operands) :])
            for keep, block_sums, result in zip(kept, sums, results, strict=True):
                if keep:
                    next(outputs)[...] = result
                else:
                    block_sums.append(float(np.sum(result)))
        return [
            array if array is not None else np.asarray(np.sum(np.asarray(block_sums)))
            for array, block_sums in zip(arrays, sums, strict=True)
        ]


def evaluate_rows(
    kernel: Callable[..., tuple[Float64, ...]],
    operands: Sequence[npt.NDArray[Any]],
    widths: Sequence[tuple[int, ...] | None],
) -> list[Float64]:
    """Call ``kernel`` on blocks of rows of the operands, which share their first axis.

    Parameters
    ----------
    kernel : callable
        Takes a block of rows of each operand, float64 or, for integers, int64; returns one block of
        each result.
    operands : sequence of arrays
        The first has two axes, rows and classes.
    widths : sequence of tuple or None
        One per result: the shape of a row of it, or None for the sum of all its elements alone.

    Returns
    -------
    list of arrays, float64
    """
    count, classes = operands[0].shape
    arrays = [None if width is None else np.empty((count, *width)) for width in widths]
    sums: list[list[float]] = [[] for _ in widths]
    step = max(1, BLOCK // max(1, classes))
    with np.errstate(all="ignore"):
        for start in range(0, count, step):
            rows = slice(start, start + step)
            # bfloat16 is neither: NumPy knows it as a foreign dtype.
            blocks = [
                o[rows].astype(np.int64 if o.dtype.kind in "iu" and o.ndim == 1 else np.float64) for o in operands
            ]
            for array, block_sums, result in zip(arrays, sums, kernel(*blocks), strict=True):
                if array is not None:
                    array[rows] = result
                else:
                    block_sums.append(float(np.sum(result)))
    return [
        array if array is not None else np.asarray(np.sum(np.asarray(block_sums)))
        for array, block_sums in zip(arrays, sums, strict=True)
    ]
