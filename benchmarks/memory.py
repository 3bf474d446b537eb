"""Memory that a step takes: of the whole process, and of NumPy's own allocations."""

import ctypes
import gc
import os
import re
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

FEWEST = 1_000_000
"""Logits below which the pages of a process say nothing."""
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


GIVES_BACK = {"TF_ENABLE_ONEDNN_OPTS": "0"}
"""With oneDNN TensorFlow on CPU keeps all memory that it ever had: what a step needs can be seen without it alone."""


def gives_memory_back(framework: str) -> bool:
    """Whether the process shrinks when a step is over."""
    return framework != "tensorflow" or all(os.environ.get(name) == value for name, value in GIVES_BACK.items())


def available() -> int | None:
    """Bytes that the machine can still give; None where it does not say."""
    with suppress(OSError):
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        return int(found[1]) * 1024 if found else None
    return None


def peak_of_process(call: Callable[[], Any]) -> int | None:
    """Bytes by which the process grows while it runs, what is returned included; None where it is not told."""
    gc.collect()
    with suppress(AttributeError, OSError):
        # What was freed before and kept by the allocator is no part of it.
        ctypes.CDLL(None).malloc_trim(0)
    try:
        CLEAR.write_text("5")
        before = _kilobytes("VmRSS")
    except OSError:
        return None
    call()
    return max(0, _kilobytes("VmHWM") - before) * 1024


def extra_of_numpy(call: Callable[[], Any]) -> int:
    """Bytes at the peak beyond the gradient that is returned."""
    tracemalloc.start()
    try:
        _, gradient = call()
        return tracemalloc.get_traced_memory()[1] - int(gradient.nbytes)
    finally:
        tracemalloc.stop()


def _kilobytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    if found is None:
        raise OSError(f"{STATUS} has no {name}")
    return int(found[1])
