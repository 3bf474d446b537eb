"""What is measured beside time, and what it should be at most."""

from typing import Any

from benchmarks.cases import OF_ONE_SIZE, OURS, RECOMPUTE, Case
from benchmarks.contestants import Entrant
from benchmarks.memory import extra_of_numpy

TIME, EXTRA = "ns a logit", "extra MiB"
BANDWIDTH = "GB/s at the bytes of one pass"
NUMPY = {TIME: 16.0, EXTRA: 64.0}
SAVED_BYTES = {"float32": 4.0, "bfloat16": 2.0}
SLACK = 1024
"""Bytes of numbers that do not grow with the logits, such as the value itself."""


def measures(case: Case, entrants: dict[str, Entrant], medians: dict[str, float]) -> list[dict[str, Any]]:
    """A dict each: who, what, how much, at most how much, and whether that is so."""
    n = case.work.elements
    found = []
    for name, entrant in entrants.items():
        if case.framework == "numpy":
            limits = NUMPY if name == OURS and case.work.name != "small" else {}
            found.append(_measure(name, TIME, medians[name] / n * 1e9, limits.get(TIME)))
            found.append(_measure(name, EXTRA, extra_of_numpy(entrant.call) / 2**20, limits.get(EXTRA)))
        if entrant.forward is not None and case.work.name not in OF_ONE_SIZE:
            found += _bytes_a_logit(case, name, entrant)
        if case.device != "cpu":
            found.append(_measure(name, BANDWIDTH, n * case.work.least_bytes / medians[name] / 1e9, None))
    return found


def _bytes_a_logit(case: Case, name: str, entrant: Entrant) -> list[dict[str, Any]]:
    from benchmarks.saved import PEAK, torch_bytes

    limit = {OURS: SAVED_BYTES[case.work.dtype], RECOMPUTE: 0.0}.get(name)
    n = case.work.elements
    return [
        _measure(name, f"bytes a logit {what}", count / n, None if what == PEAK else limit, SLACK / n)
        for what, count in torch_bytes(entrant, case.device).items()
    ]


def _measure(name: str, what: str, value: float, to_reach: float | None, slack: float = 0.0) -> dict[str, Any]:
    reached = None if to_reach is None else value <= to_reach + slack
    return {"contestant": name, "what": what, "value": value, "to_reach": to_reach, "reached": reached}
