"""Buffers that stay for the next call: fresh memory costs a page fault every four kilobytes."""

import threading

import torch
from torch import Tensor

KEPT = 262_144
"""Elements of a buffer that is kept, as many as a block has; a smaller one costs nothing worth keeping."""


class _Kept(threading.local):
    """One set a thread and dtype: two calls at once would write into each other's."""

    def __init__(self) -> None:
        self.buffers: dict[torch.dtype, list[Tensor]] = {}


_kept = _Kept()


def buffers(count: int, size: int, dtype: torch.dtype) -> list[Tensor]:
    """``count`` one-dimensional tensors of ``size`` elements, whose content is anything."""
    if size > KEPT or 2 * size < KEPT:
        return list(torch.empty((count, size), dtype=dtype, device="cpu").unbind())
    kept = _kept.buffers.setdefault(dtype, [])
    # Never as inference tensors, which no later call outside inference mode may write.
    with torch.inference_mode(False):
        kept.extend(torch.empty(KEPT, dtype=dtype, device="cpu") for _ in range(count - len(kept)))
    return parts(kept[:count], size)


def parts(whole: list[Tensor], size: int) -> list[Tensor]:
    """The first elements of each."""
    return whole if whole[0].numel() == size else [buffer[:size] for buffer in whole]
