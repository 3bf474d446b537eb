"""Contestants take turns: warm-up apart, in every round each of them once, so that a busy machine slows all."""

import gc
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.cases import Duel
from benchmarks.contestants import Entrant

WARM_UP = 3
WARM = 1.0
"""Calls, or seconds if that is less: the first call, compilation included, is over before."""
SHORTEST = 0.02
"""Seconds of a sample: short calls are repeated, and a sample is the time of one of them."""
MOST_CALLS = 2_000
SHORT = 0.1
"""Seconds: of calls that take less, the first one of a turn is not counted. It pays for what the contestant
before it left: caches full of other data, memory that was given back."""

Clock = Callable[[Callable[[], Any], int], float]
"""Seconds that so many calls take."""


def processor_clock(call: Callable[[], Any], calls: int) -> float:
    """For calls that return when their work is done."""
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - started


def cuda_clock(call: Callable[[], Any], calls: int) -> float:
    """By events of the device's own stream."""
    import torch

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    for _ in range(calls):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


def samples(
    entrants: dict[str, Entrant], rounds: int, clock: Clock, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Seconds of a call of each contestant, one number a round."""
    calls: dict[str, int] = {}
    short: set[str] = set()
    for name, entrant in entrants.items():
        say(f"warm-up of {name}")
        warm = 0.0
        for _ in range(WARM_UP):
            once = clock(entrant.call, 1)
            warm += once
            if warm >= WARM:
                break
        calls[name] = max(1, min(MOST_CALLS, math.ceil(SHORTEST / max(once, 1e-9))))
        if once < SHORT:
            short.add(name)
        entrant.clear()
    taken: dict[str, list[float]] = {name: [] for name in entrants}
    names = list(entrants)
    for k in range(rounds):
        say(f"round {k + 1} of {rounds}")
        gc.collect()
        gc.disable()
        try:
            # Another order each time: nobody always follows the same one.
            for name in names[k % len(names) :] + names[: k % len(names)]:
                if name in short:
                    entrants[name].call()
                taken[name].append(clock(entrants[name].call, calls[name]) / calls[name])
                entrants[name].clear()
        finally:
            gc.enable()
    return taken


def compared(duel: Duel, taken: dict[str, list[float]]) -> dict[str, Any]:
    """The median of the ratios of the rounds, with quartiles."""
    ratios = [a / b for a, b in zip(taken[duel.ours], taken[duel.theirs], strict=True)]
    low, middle, high = quartiles(ratios)
    return {
        "ours": duel.ours,
        "theirs": duel.theirs,
        "ratio": middle,
        "quartiles": [low, high],
        "to_reach": duel.to_reach,
        "reached": None if duel.to_reach is None else middle <= duel.to_reach,
    }


def quartiles(numbers: list[float]) -> tuple[float, float, float]:
    """Of one number, it is all three."""
    if len(numbers) == 1:
        return numbers[0], numbers[0], numbers[0]
    low, _, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return low, statistics.median(numbers), high
