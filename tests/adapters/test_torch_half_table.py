"""Eager torch, half precision: what is looked up in a table of all that there are."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch_one_pass_cases import (  # noqa: E402
    HALVES,
    SIGMOID,
    both,
    hard,
    indices,
    logits,
    small_blocks,  # noqa: F401
)

from focal_adapters import torch_blocks, torch_half_table, torch_workspace  # noqa: E402
from focal_ref import SigmoidFocal  # noqa: E402


@pytest.mark.parametrize("loss", SIGMOID, ids=str)
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("targets", ["dense", "indices"])
@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_what_is_looked_up_is_what_is_computed(loss, dtype, targets, reduction, monkeypatch):
    """For every bit pattern that there is, nan and infinities included."""
    x = torch.arange(2**16, dtype=torch.int32).to(torch.uint16).view(dtype).reshape(-1, 4).repeat(1, 2)
    if targets == "indices":
        # nan would be the whole sum.
        x = x.nan_to_num()
    t = hard(x) if targets == "dense" else indices(x, others=1)
    t[::2] = 1 - t[::2] if targets == "dense" else t[::2]
    monkeypatch.setattr(torch_blocks, "BLOCK", 4096)
    computed = both(loss, x, t, reduction=reduction)
    asked = []
    evaluated = torch_half_table.HalfTable.evaluated

    def counted(*arguments):
        asked.append(evaluated(*arguments))
        return asked[-1]

    monkeypatch.setattr(torch_half_table, "WORTHWHILE", 1)
    monkeypatch.setattr(torch_half_table.HalfTable, "evaluated", counted)
    looked_up = both(loss, x, t, reduction=reduction)
    assert asked
    assert all(found is not None for found in asked)
    for mine, theirs in zip(looked_up, computed, strict=True):
        assert torch.equal(mine.nan_to_num(7.0), theirs.nan_to_num(7.0))


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_a_table_has_no_soft_targets(dtype, monkeypatch):
    x = logits(dtype)
    t = hard(x)
    t[[5, 300]] = torch.tensor([0.25, 1e-6], dtype=dtype).unsqueeze(1)
    computed = both(SigmoidFocal(), x, t, reduction="sum")
    monkeypatch.setattr(torch_half_table, "WORTHWHILE", 1)
    for mine, theirs in zip(both(SigmoidFocal(), x, t, reduction="sum"), computed, strict=True):
        assert torch.equal(mine, theirs)


def test_a_table_outlives_blocks_that_it_does_not_take(monkeypatch):
    """They are computed in the buffers in which the table was."""
    monkeypatch.setattr(torch_blocks, "BLOCK", torch_workspace.KEPT)
    x = logits(torch.bfloat16, rows=3 * torch_workspace.KEPT // 5)
    t = hard(x)
    t[0, 0] = 0.5
    assert x.numel() >= torch_half_table.WORTHWHILE
    looked_up = both(SigmoidFocal(), x, t, reduction="sum")
    monkeypatch.setattr(torch_half_table, "WORTHWHILE", np.inf)
    for mine, theirs in zip(looked_up, both(SigmoidFocal(), x, t, reduction="sum"), strict=True):
        assert torch.equal(mine, theirs)
