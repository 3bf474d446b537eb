"""What the tests of eager torch in one pass share: losses, points, errors in ULP, blocks small enough to be many."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from focal_adapters import torch as adapter  # noqa: E402
from focal_adapters import torch_blocks  # noqa: E402
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
