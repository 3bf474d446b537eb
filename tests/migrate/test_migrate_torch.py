"""The rows of docs/migrate.md that run in PyTorch."""

import numpy as np
import pytest
import torch
from migrate.migration_page import Row, Section, assert_same, factors, inputs, pairs, sections

from focal_conformance.ports.peers import PEERS


def value_and_gradient(expression, imported):
    arrays = {name: torch.tensor(array) for name, array in inputs().items()}
    logits = [arrays[name].requires_grad_() for name in ("x", "z")]
    value = eval(expression, {**imported, **arrays})
    total = (value * torch.tensor(factors(value.shape))).sum()
    slopes = torch.autograd.grad(total, logits, allow_unused=True)
    gradient = [np.zeros(x.shape, np.float32) if s is None else s.numpy() for x, s in zip(logits, slopes, strict=True)]
    return value.detach().numpy(), np.concatenate([part.ravel() for part in gradient])


@pytest.mark.parametrize(("section", "row"), **pairs("torch"))
def test_both_sides_agree(section, row):
    if section.missing:
        pytest.skip(f"not installed: {', '.join(section.missing)}")
    names = section.names()
    assert_same(value_and_gradient(row.theirs, names), value_and_gradient(row.ours, names))


@pytest.mark.parametrize(
    "row",
    [
        Row("another value", "ours(x, t)", "ours(x, t, gamma=2.001)"),
        Row("the same value, another gradient", "ours(x, t)", "ours(x, t.clone(), detach_modulator=True)"),
        Row("another shape", "ours(x, t)", "ours(x, t).reshape(-1)"),
    ],
    ids=lambda row: row.meaning,
)
def test_sides_that_differ_are_seen(row):
    names = Section("", "from focal_adapters.torch import sigmoid_focal_loss as ours", (row,)).names()
    with pytest.raises(AssertionError):
        assert_same(value_and_gradient(row.theirs, names), value_and_gradient(row.ours, names))


def test_the_page_has_every_peer():
    there = {package for section in sections() for package in section.packages}
    assert all(set(peer.packages) <= {*there, peer.framework} for peer in PEERS.values())


def test_every_section_has_rows():
    assert all(len(section.rows) >= 4 for section in sections())
