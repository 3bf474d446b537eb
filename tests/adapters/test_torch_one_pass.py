"""Eager torch in one pass over memory: in blocks, in place, with one array kept for backward or none."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.checkpoint import checkpoint  # noqa: E402

import focal_ref  # noqa: E402
from focal_adapters import torch as adapter  # noqa: E402
from focal_adapters import torch_blocks, torch_careful, torch_half_table, torch_hard, torch_hard_rows, torch_workspace  # noqa: E402
from focal_adapters.parameters import held_in_float32  # noqa: E402
from focal_ref import SigmoidFocal, SoftmaxFocal  # noqa: E402

SIGMOID = [SigmoidFocal(gamma=gamma) for gamma in (0.0, 0.4, 0.5, 1.0, 1.5, 2.0, 2.7, 5.0, 10.0)] + [
    SigmoidFocal(alpha=None),
    SigmoidFocal(alpha=0.0),
    SigmoidFocal(alpha=1.0),
    SigmoidFocal(alpha=0.001),
    SigmoidFocal(alpha=0.999),
    SigmoidFocal(detach_modulator=True),
]
SOFTMAX = [SoftmaxFocal(gamma=gamma) for gamma in (0.0, 0.5, 1.0, 2.0, 3.3, 5.0)] + [
    SoftmaxFocal(alpha=0.3),
    SoftmaxFocal(alpha=(0.1, 0.0, 1.0, 0.5, 0.7)),
    SoftmaxFocal(detach_modulator=True),
]
FLOATS = [torch.float32, torch.float64]
HALVES = [torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Many of them, and a rest."""
    monkeypatch.setattr(torch_blocks, "BLOCK", 64)
    monkeypatch.setattr(torch_blocks, "ROWS", 64)


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


def logits(dtype, rows=403, scale=3.0, seed=1):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(size=(rows, 5)) * scale).to(dtype)


def hard(x, seed=2):
    return torch.tensor(np.random.default_rng(seed).integers(0, 2, x.shape)).to(x.dtype)


def indices(x, others=0, seed=2):
    return torch.tensor(np.random.default_rng(seed).integers(0, x.shape[-1] + others, len(x)))


def both(loss, x, t, **options):
    x = x.detach().requires_grad_()
    value = adapter.apply(loss, x, t, **options)
    value.sum().backward()
    return value.detach(), x.grad


def reference(loss, x, t):
    held = loss if x.dtype == torch.float64 else held_in_float32(loss)
    return held.value_and_gradient(x.double().numpy(), t.double().numpy() if t.is_floating_point() else t.numpy())


def ulps(got, exact):
    got, dtype = got.double().numpy(), got.dtype
    unit = torch.finfo(dtype).eps * np.exp2(np.floor(np.log2(np.maximum(np.abs(exact), torch.finfo(dtype).tiny))))
    same = (got == exact) | (np.isnan(got) & np.isnan(exact))
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, np.abs(got - exact) / unit).max()


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


@pytest.mark.parametrize("loss", SIGMOID, ids=str)
def test_the_sum_of_hard_and_soft_targets(loss):
    x = logits(torch.float64)
    t = hard(x)
    t[::3] = 0.3
    x[1], t[1] = np.inf, 1.0
    np.testing.assert_allclose(both(loss, x, t, reduction="sum")[0], reference(loss, x, t)[0].sum(), rtol=1e-14)


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


# What is kept


def saved_bytes(function, *inputs):
    sizes = {}

    def pack(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function()
    for tensor in inputs:
        sizes.pop(tensor.untyped_storage().data_ptr(), None)
    return sum(sizes.values()), result


@pytest.mark.parametrize(
    ("dtype", "recompute", "a_logit"),
    [(torch.float32, False, 4), (torch.float32, True, 0), (torch.bfloat16, False, 2), (torch.float16, False, 0)],
)
@pytest.mark.parametrize("loss", [SigmoidFocal(), SoftmaxFocal()], ids=str)
def test_bytes_that_are_kept(loss, dtype, recompute, a_logit):
    x = logits(dtype).requires_grad_()
    t = indices(x)
    kept, _ = saved_bytes(lambda: adapter.apply(loss, x, t, reduction="mean", recompute=recompute), x, t)
    assert kept == a_logit * x.numel()


@pytest.mark.parametrize("loss", [SigmoidFocal(), SoftmaxFocal()], ids=str)
@pytest.mark.parametrize("dtype", [*FLOATS, *HALVES], ids=str)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "mean_positives"])
def test_recomputed_is_the_same(loss, dtype, reduction):
    x = logits(dtype)
    one, other = (both(loss, x, indices(x), reduction=reduction, recompute=recompute) for recompute in (False, True))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_recompute_is_a_flag():
    with pytest.raises(TypeError, match="recompute"):
        adapter.sigmoid_focal_loss(logits(torch.float32), hard(logits(torch.float32)), recompute="yes")
    assert "recompute=True" in repr(adapter.SigmoidFocalLoss(recompute=True))


# How autograd may use it


@pytest.mark.parametrize("loss", [SigmoidFocal(), SoftmaxFocal()], ids=str)
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_graph_may_be_kept(loss, recompute, reduction, dtype):
    x = logits(dtype).requires_grad_()
    value = adapter.apply(loss, x, indices(x), reduction=reduction, recompute=recompute).sum()
    (first,) = torch.autograd.grad(value, x, retain_graph=True)
    seen = first.clone()
    first.zero_()
    (second,) = torch.autograd.grad(3.0 * value, x, retain_graph=True)
    (third,) = torch.autograd.grad(value, x)
    assert torch.equal(third, seen)
    np.testing.assert_allclose(second.double(), 3.0 * seen.double(), rtol=0.01 if dtype == torch.bfloat16 else 1e-6)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(value, x)


def test_gradients_are_accumulated():
    x = logits(torch.float32).requires_grad_()
    t = hard(x)
    for _ in range(2):
        adapter.sigmoid_focal_loss(x, t, reduction="sum").backward()
    np.testing.assert_allclose(x.grad, 2.0 * both(SigmoidFocal(), x, t)[1], rtol=1e-6)


def test_a_gradient_of_a_gradient():
    x = logits(torch.float64, rows=7).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: adapter.sigmoid_focal_loss(x, hard(x), reduction="mean"), (x,))
    t = indices(x)
    assert torch.autograd.gradgradcheck(lambda x: adapter.softmax_focal_loss(x, t, reduction="mean"), (x,))


def test_batches_of_gradients():
    x = logits(torch.float64, rows=4).requires_grad_()
    value = adapter.sigmoid_focal_loss(x, hard(x)).sum(1)
    (batched,) = torch.autograd.grad(value, x, torch.eye(4, dtype=x.dtype), is_grads_batched=True, retain_graph=True)
    single = torch.stack([torch.autograd.grad(value[i], x, retain_graph=True)[0] for i in range(4)])
    np.testing.assert_allclose(batched, single, rtol=1e-12)


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpointed(use_reentrant):
    x = logits(torch.float32).requires_grad_()
    t = hard(x)
    checkpoint(lambda x: adapter.sigmoid_focal_loss(x, t, reduction="sum"), x, use_reentrant=use_reentrant).backward()
    assert torch.equal(x.grad, both(SigmoidFocal(), x, t)[1])


def test_nothing_is_computed_for_a_gradient_that_nobody_wants(monkeypatch):
    wanted = []
    evaluated = torch_hard.HardTargets.evaluated

    def counted(self, x, t, value, gradient, out):
        wanted.append(gradient)
        return evaluated(self, x, t, value, gradient, out)

    monkeypatch.setattr(torch_hard.HardTargets, "evaluated", counted)
    x = logits(torch.float32)
    adapter.sigmoid_focal_loss(x, hard(x))
    with torch.no_grad():
        adapter.sigmoid_focal_loss(x.requires_grad_(), hard(x))
    with torch.inference_mode():
        adapter.sigmoid_focal_loss(x.detach(), hard(x))
    assert wanted
    assert not any(wanted)


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
