"""What torch keeps between the value and the gradient, and the most that it holds at once."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.contestants import Entrant

SAVED, KEPT, PEAK = "saved for the gradient", "kept until the gradient", "peak, gradient included"


def torch_bytes(entrant: Entrant, device: str) -> dict[str, int]:
    """Bytes of a step, the inputs apart.

    SAVED are the storages that autograd is given to keep. KEPT is what the allocator has given and not got back when
    the value is there: it counts what is kept beside autograd, too. PEAK is the most of both passes.
    """
    assert entrant.forward is not None
    found = {SAVED: saved(entrant.forward, entrant.inputs)}
    entrant.clear()
    found[KEPT], _ = allocated(entrant.forward, device)
    _, found[PEAK] = allocated(entrant.call, device)
    entrant.clear()
    return found


def saved(forward: Callable[[], Any], inputs: tuple[Any, ...]) -> int:
    """Distinct storages that are saved, without those of the inputs."""
    # Held, so that no storage gets the address of another.
    storages: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    given = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    return sum(storage.nbytes() for address, storage in storages.items() if address not in given)


def allocated(call: Callable[[], Any], device: str) -> tuple[int, int]:
    """Bytes more than before while the result of ``call`` lives, and the most in between."""
    if device != "cpu":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = call()
        torch.cuda.synchronize()
        kept = torch.cuda.memory_allocated() - before
        del result
        return kept, torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        result = call()
    del result
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    now = most = 0
    for event in sorted((event for event in events if event.get("name") == "[memory]"), key=lambda event: event["ts"]):
        now += event["args"]["Bytes"]
        most = max(most, now)
    return now, most
