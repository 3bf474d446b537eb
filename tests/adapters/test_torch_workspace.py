"""Eager torch: buffers that stay, whoever uses them next."""

from concurrent.futures import ThreadPoolExecutor

import pytest

torch = pytest.importorskip("torch")

from torch_one_pass_cases import (  # noqa: E402
    both,
    hard,
    indices,
    logits,
    small_blocks,  # noqa: F401
)

from focal_adapters import torch_blocks, torch_half_table, torch_workspace  # noqa: E402
from focal_ref import SigmoidFocal, SoftmaxFocal  # noqa: E402


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", ["dense", "indices", "softmax"])
def test_defaults_of_torch_change_nothing(dtype, kind, monkeypatch):
    """Neither the device nor the dtype that a user may have set for tensors of their own."""
    monkeypatch.setattr(torch_half_table, "WORTHWHILE", 1)
    loss = SoftmaxFocal(alpha=0.3) if kind == "softmax" else SigmoidFocal()
    x = logits(dtype)
    t = hard(x) if kind == "dense" else indices(x)
    expected = both(loss, x, t, reduction="sum")
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            got = both(loss, x, t, reduction="sum")
    finally:
        torch.set_default_dtype(torch.float32)
    for mine, theirs in zip(got, expected, strict=True):
        assert torch.equal(mine, theirs)


def test_two_threads_at_once_write_into_buffers_of_their_own(monkeypatch):
    monkeypatch.setattr(torch_blocks, "BLOCK", torch_workspace.KEPT)
    inputs = [(logits(torch.float32, rows=150_000, seed=k), k) for k in range(4)]
    alone = [both(SigmoidFocal(), x, hard(x, seed=k)) for x, k in inputs]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda pair: both(SigmoidFocal(), pair[0], hard(pair[0], seed=pair[1])), inputs))
    for mine, theirs in zip(together, alone, strict=True):
        assert all(torch.equal(*pair) for pair in zip(mine, theirs, strict=True))


def test_buffers_that_were_first_used_in_inference_mode():
    def first(dtype):
        with torch.inference_mode():
            torch_workspace.buffers(2, torch_workspace.KEPT, dtype)
        torch_workspace.buffers(3, torch_workspace.KEPT, dtype)[0].mul_(2.0)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(first, torch.float32).result()
