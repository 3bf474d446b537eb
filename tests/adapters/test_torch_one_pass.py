"""Eager torch in one pass over memory: in blocks, in place; what it computes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agreement import INFINITE, INFINITE_ROWS, infinite, infinite_rows  # noqa: E402
from torch_one_pass_cases import (  # noqa: E402
    FLOATS,
    HALVES,
    SIGMOID,
    SOFTMAX,
    both,
    hard,
    indices,
    logits,
    reference,
    small_blocks,  # noqa: F401
    ulps,
)

import focal_ref  # noqa: E402
from focal_adapters import torch as adapter  # noqa: E402
from focal_adapters import torch_blocks, torch_careful, torch_hard, torch_hard_rows  # noqa: E402
from focal_ref import SigmoidFocal, SoftmaxFocal  # noqa: E402


@pytest.fixture
def careful(monkeypatch):
    """How many blocks went the way of soft targets and of logits that are not finite."""
    blocks = []
    careful = torch_blocks.careful

    def counted(*arguments):
        blocks.append(arguments)
        return careful(*arguments)

    monkeypatch.setattr(torch_blocks, "careful", counted)
    monkeypatch.setattr(torch_careful, "careful", counted)
    return blocks


# What is computed


@pytest.mark.parametrize("loss", SIGMOID, ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("scale", [1e-3, 3.0, 60.0])
def test_hard_targets(loss, dtype, scale):
    x = logits(dtype, scale=scale)
    for got, exact in zip(both(loss, x, hard(x)), reference(loss, x, hard(x)), strict=True):
        assert ulps(got, exact) <= (32 if loss.gamma <= 5 else 64)


@pytest.mark.parametrize("loss", SIGMOID, ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_class_indices(loss, dtype):
    x = logits(dtype)
    t = indices(x, others=1)
    for got, exact in zip(both(loss, x, t), reference(loss, x, t), strict=True):
        assert ulps(got, exact) <= (32 if loss.gamma <= 5 else 64)


@pytest.mark.parametrize("loss", SOFTMAX, ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("scale", [1e-3, 3.0, 60.0, 600.0])
def test_rows_of_classes(loss, dtype, scale):
    x = logits(dtype, scale=scale)
    for got, exact in zip(both(loss, x, indices(x)), reference(loss, x, indices(x)), strict=True):
        assert ulps(got, exact) <= 64


def test_only_what_is_soft_takes_the_careful_way(careful):
    x = logits(torch.float32, rows=400)
    t = hard(x)
    both(SigmoidFocal(), x, t)
    assert not careful
    t[[3, 3, 200], [1, 4, 0]] = torch.tensor([0.25, 1e-30, 0.9])
    both(SigmoidFocal(), x, t)
    assert sum(x.numel() for _, x, *_ in careful) == 3


@pytest.mark.parametrize("loss", [*SIGMOID, *SOFTMAX], ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_logits_that_are_not_finite(loss, dtype):
    x = logits(dtype, rows=400)
    t = indices(x)
    for column in range(5):
        x[10 + column, column], x[50 + column, column], x[90 + column, column] = np.nan, np.inf, -np.inf
    for got, exact in zip(both(loss, x, t), reference(loss, x, t), strict=True):
        assert ulps(got, exact) <= 64
        assert np.array_equal(got.isnan().numpy(), np.isnan(exact))


@pytest.mark.parametrize("loss", [*SIGMOID, *SOFTMAX], ids=str)
def test_no_element_depends_on_its_neighbours(loss):
    """The same bits beside soft targets, logits of any size, indices that nobody checked."""
    x = logits(torch.float32, rows=64)
    t = indices(x) if isinstance(loss, SoftmaxFocal) else hard(x)
    alone = both(loss, x, t)
    others, other_t = x.clone(), t.clone()
    rows = torch.arange(0, 64, 3)
    others[rows] = torch.tensor([np.inf, 1e30, -300.0, np.nan, 80.0])
    other_t[rows] = 0 if isinstance(loss, SoftmaxFocal) else 0.3
    other_t[3] = 9 if isinstance(loss, SoftmaxFocal) else 1e-30
    kept = torch.ones(64, dtype=torch.bool)
    kept[rows] = False
    for mine, theirs in zip(alone, both(loss, others, other_t, validate=False), strict=True):
        assert torch.equal(mine[kept], theirs[kept])


@pytest.mark.parametrize("dtype", [*FLOATS, *HALVES], ids=str)
@pytest.mark.parametrize("share", [-1.0, -0.8, 0.8, 1.0])
@pytest.mark.parametrize("t", [0.0, 1.0])
def test_a_logit_whose_double_overflows_and_that_stands_alone(dtype, share, t):
    x = torch.tensor([share * torch.finfo(dtype).max]).to(dtype)
    targets = torch.tensor([t]).to(dtype)
    for got, exact in zip(both(SigmoidFocal(), x, targets), reference(SigmoidFocal(), x, targets), strict=True):
        assert ulps(got, exact) <= 1


@pytest.mark.parametrize("loss", INFINITE, ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_an_infinite_logit_against_a_target_of_any_weight(loss, dtype):
    x, t, exact = (torch.tensor(array).to(dtype) for array in infinite())
    assert torch.equal(both(loss, x, t)[0], exact)


@pytest.mark.parametrize("loss", INFINITE_ROWS, ids=str)
def test_a_class_without_probability_and_of_any_weight(loss):
    x, t, exact = (torch.tensor(array) for array in infinite_rows())
    np.testing.assert_allclose(both(loss, x, t)[0], exact, atol=1e-37)


@pytest.mark.parametrize("largest", [10.0, 11.9, 12.1, 14.0, 17.0, 25.0, 64.5, 88.5])
@pytest.mark.parametrize("neighbour", [50.0, 300.0, np.inf, np.nan])
def test_what_near_logits_are_spared_changes_no_bit(largest, neighbour):
    x = torch.linspace(-largest, largest, 20_001)
    t = (torch.arange(20_001) % 2).float()
    alone, beside = (
        both(SigmoidFocal(), x, t),
        both(SigmoidFocal(), torch.cat([x, torch.tensor([neighbour])]), torch.cat([t, t[:1]])),
    )
    for mine, theirs in zip(alone, beside, strict=True):
        assert torch.equal(mine, theirs[:-1])


@pytest.mark.parametrize("loss", SIGMOID, ids=str)
def test_the_sum_of_hard_and_soft_targets(loss):
    x = logits(torch.float64)
    t = hard(x)
    t[::3] = 0.3
    x[1], t[1] = np.inf, 1.0
    np.testing.assert_allclose(both(loss, x, t, reduction="sum")[0], reference(loss, x, t)[0].sum(), rtol=1e-14)


@pytest.mark.parametrize("t", [0.5, 1e-30, 5e-324, 1 - 2.0**-53])
def test_no_soft_target_passes_for_a_hard_one(t):
    x = torch.linspace(-80, 80, 101, dtype=torch.float64)
    t = torch.full_like(x, t)
    assert torch_hard.HardTargets.of(SigmoidFocal(), x.dtype, 101).evaluated(x, t, True, True, None) is None
    t[50] = 0.0
    odd = torch_hard.HardTargets.of(SigmoidFocal(), x.dtype, 101).evaluated(x, t, True, True, None).odd
    assert odd.sum() == 100
    assert not odd[50]
    t[50] = t[0]
    exact = reference(SigmoidFocal(), x, t)
    assert ulps(both(SigmoidFocal(), x, t)[0], exact[0]) <= 32


def test_an_index_that_nobody_checked_makes_its_row_nan():
    x = logits(torch.float32, rows=40)
    for loss, wrong in ((SigmoidFocal(), 6), (SigmoidFocal(), -1), (SoftmaxFocal(), 5), (SoftmaxFocal(), -1)):
        t = indices(x)
        t[7] = wrong
        value, gradient = both(loss, x, t, validate=False)
        assert gradient.isnan().any(1).nonzero().flatten().tolist() == [7]
        assert value.isnan().reshape(40, -1).any(1).nonzero().flatten().tolist() == [7]


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("upstream", [1.0, 0.3])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_halves_are_rounded_once(dtype, upstream, reduction):
    x = logits(dtype)
    wide = x.float().requires_grad_()
    (adapter.sigmoid_focal_loss(wide, hard(x).float(), reduction=reduction) * upstream).sum().backward()
    narrow = x.requires_grad_()
    value = adapter.sigmoid_focal_loss(narrow, hard(x), reduction=reduction)
    scale = torch.tensor(upstream, dtype=dtype).item() if reduction == "none" else upstream
    (value.float() * upstream).sum().backward()
    if reduction != "none" or scale == upstream:
        assert torch.equal(narrow.grad, wide.grad.to(dtype))


# Layouts


@pytest.mark.parametrize("axis", [1, -1, 2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_images(axis, layout):
    x = torch.randn(2, 5, 6, 7).contiguous(memory_format=layout)
    t = torch.randint(0, x.shape[axis], tuple(np.delete(x.shape, axis)))
    got, exact = both(SoftmaxFocal(axis=axis), x, t), reference(SoftmaxFocal(axis=axis), x, t)
    assert max(ulps(*pair) for pair in zip(got, exact, strict=True)) <= 64
    t = (torch.rand(x.shape) < 0.3).float()
    got, exact = both(SigmoidFocal(), x, t), reference(SigmoidFocal(), x, t)
    assert max(ulps(*pair) for pair in zip(got, exact, strict=True)) <= 32
    assert got[1].stride() == x.stride()


def test_tensors_that_are_parts_of_others():
    wide = torch.randn(400, 12)
    x, t = wide[::2, 1:6], (torch.rand(5, 200) < 0.5).T
    got, exact = both(SigmoidFocal(), x, t), reference(SigmoidFocal(), x, t)
    assert max(ulps(*pair) for pair in zip(got, exact, strict=True)) <= 32
    got, exact = both(SoftmaxFocal(), x, indices(x)), reference(SoftmaxFocal(), x, indices(x))
    assert max(ulps(*pair) for pair in zip(got, exact, strict=True)) <= 64


def test_number_of_threads_changes_no_bit():
    x = logits(torch.float32, rows=20_000)
    results, threads = [], torch.get_num_threads()
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            results.append(both(SigmoidFocal(), x, hard(x), reduction="none"))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_a_reduced_value_is_that_of_the_reference():
    x = logits(torch.float32)
    t = hard(x)
    exact = focal_ref.sigmoid_focal_loss(x.numpy(), t.numpy(), reduction="mean_positives")
    got = adapter.sigmoid_focal_loss(x, t, reduction="mean_positives")
    np.testing.assert_allclose(got, exact, rtol=1e-6)


def test_rows_that_differ_much_within_a_block():
    x = torch.tensor([[0.0, -200.0, 3.0], [1e30, -1e30, 5.0], [-50.0, 50.0, 49.0]])
    t = torch.tensor([1, 0, 2])
    got, exact = both(SoftmaxFocal(), x, t), reference(SoftmaxFocal(), x, t)
    assert max(ulps(*pair) for pair in zip(got, exact, strict=True)) <= 64
    assert torch_hard_rows.HardRows.of(SigmoidFocal(), x.dtype, 9) is None


@pytest.mark.parametrize(("dtype", "furthest"), [(torch.float32, 103.0), (torch.float64, 744.0)], ids=str)
@pytest.mark.parametrize("shift", [0.0, 500.0])
def test_a_target_of_subnormal_probability(dtype, furthest, shift):
    x = torch.linspace(0.5 * furthest, furthest, 200, dtype=dtype)
    x = torch.stack([0.5 * x, -0.5 * x], 1) + shift
    t = torch.ones(200, dtype=torch.int64)
    assert (
        max(ulps(*pair) for pair in zip(both(SoftmaxFocal(), x, t), reference(SoftmaxFocal(), x, t), strict=True)) <= 64
    )
