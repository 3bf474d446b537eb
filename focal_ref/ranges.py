"""A long evaluation cut into ranges that threads share: NumPy releases the interpreter's lock inside its loops.

Where it is cut depends on the length alone, never on the number of threads, so that sums over the
parts have the same bits on every machine.
"""

import os
from collections.abc import Callable
from typing import TypeVar

Part = TypeVar("Part")

MOST_THREADS = 4
"""Each thread holds the temporaries of one block, and more threads would wait for the interpreter."""


def threads() -> int:
    """Threads that this process may run at a time."""
    # Where a process can be bound to processors, it may have fewer than the machine.
    affinity = getattr(os, "sched_getaffinity", None)
    return min(MOST_THREADS, len(affinity(0)) if affinity else os.cpu_count() or 1)


def over_ranges(part: Callable[[int, int], Part], count: int, length: int) -> list[Part]:
    """``part(start, stop)`` of every range of ``length`` out of ``count``, the last one shorter, in order.

    Threads live as long as the call: none to look after in a forked process, and what one raises is
    raised here.
    """
    if count <= length:
        return [part(0, count)] if count else []
    starts = range(0, count, length)
    stops = [min(start + length, count) for start in starts]
    workers = min(len(starts), threads())
    if workers == 1:
        return list(map(part, starts, stops))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers, thread_name_prefix="focal_ref") as pool:
        return list(pool.map(part, starts, stops))
