"""Evaluation of NumPy arrays in blocks: bounded extra memory, temporaries that stay in cache, threads."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_ref.ranges import over_ranges

Float64 = npt.NDArray[np.float64]

BLOCK = 65_536
"""Elements a block: about twenty float64 temporaries of 512 KiB; smaller ones cost threads more waiting."""
RANGE = 2 * BLOCK
"""Elements that one thread takes at a time."""


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
        Takes one block of each operand, returns one block of each result; called by several threads.
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
    # Its stub wants literal strings, which nested lists of flags are not.
    nditer: Any = np.nditer

    def part(start: int, stop: int) -> list[list[float]]:
        sums: list[list[float]] = [[] for _ in kept]
        iterator = nditer(
            [*operands, *written],
            flags=["external_loop", "buffered", "ranged"],
            op_flags=[["readonly"]] * len(operands) + [["writeonly"]] * len(written),
            op_dtypes=[np.dtype(np.float64)] * (len(operands) + len(written)),
            # 'unsafe' admits bfloat16, which NumPy knows no casting rule for; dtypes are checked before.
            casting="unsafe",
            itershape=shape,
            buffersize=BLOCK,
        )
        iterator.iterrange = (start, stop)
        # Untaken branches of `where` and underflow to the right limit are not worth a warning. Each
        # thread has an error state of its own.
        with iterator, np.errstate(all="ignore"):
            for blocks in iterator:
                results = kernel(*blocks[: len(operands)])
                _kept(results, sums, iter(blocks[len(operands) :]), kept)
        return sums

    return _collected(arrays, over_ranges(part, math.prod(shape), RANGE))


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
        each result. Called by several threads.
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
    kept = [array is not None for array in arrays]
    step = max(1, BLOCK // max(1, classes))

    def part(start: int, stop: int) -> list[list[float]]:
        sums: list[list[float]] = [[] for _ in kept]
        with np.errstate(all="ignore"):
            for first in range(start, stop, step):
                rows = slice(first, min(first + step, stop))
                # bfloat16 is neither: NumPy knows it as a foreign dtype.
                blocks = [
                    o[rows].astype(np.int64 if o.dtype.kind in "iu" and o.ndim == 1 else np.float64, copy=False)
                    for o in operands
                ]
                outputs = iter([array[rows] for array in arrays if array is not None])
                _kept(kernel(*blocks), sums, outputs, kept)
        return sums

    return _collected(arrays, over_ranges(part, count, step * (RANGE // BLOCK)))


def extremes(array: npt.NDArray[Any]) -> tuple[Any, Any]:
    """The smallest and the largest of all elements; nan, where there is one."""
    if array.size <= RANGE:
        return array.min(), array.max()

    def part(start: int, stop: int) -> tuple[Any, Any]:
        rows = array[start:stop]
        return rows.min(), rows.max()

    length = max(1, RANGE * len(array) // array.size)
    smallest, largest = zip(*over_ranges(part, len(array), length), strict=True)
    return np.min(smallest), np.max(largest)


def _kept(
    results: Sequence[Float64], sums: list[list[float]], outputs: Iterator[Float64], kept: Sequence[bool]
) -> None:
    """Write the results of a block to the outputs, or add its sum to the sums."""
    for keep, block_sums, result in zip(kept, sums, results, strict=True):
        if keep:
            next(outputs)[...] = result
        else:
            block_sums.append(float(np.sum(result)))


def _collected(arrays: Sequence[Float64 | None], parts: Sequence[list[list[float]]]) -> list[Float64]:
    """The arrays, and the sums of what their blocks sum up to, in the order of the blocks."""
    return [
        array if array is not None else np.asarray(np.sum(np.asarray([s for part in parts for s in part[index]])))
        for index, array in enumerate(arrays)
    ]
