"""Eager torch in one pass: what is kept for the backward pass, and every way to ask for it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.checkpoint import checkpoint  # noqa: E402
from torch_one_pass_cases import (  # noqa: E402
    FLOATS,
    HALVES,
    both,
    hard,
    indices,
    logits,
    small_blocks,  # noqa: F401
)

from focal_adapters import torch as adapter  # noqa: E402
from focal_adapters import torch_hard  # noqa: E402
from focal_ref import SigmoidFocal, SoftmaxFocal  # noqa: E402


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
