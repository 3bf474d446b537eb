"""The Triton kernel, interpreted, against the reference in NumPy float64; and compiled for a GPU."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
BEFORE = os.environ.get("TRITON_INTERPRET")
os.environ["TRITON_INTERPRET"] = "1"  # Read when Triton is imported; set back below, for other tests.
pytest.importorskip("triton", reason="Triton is published for Linux only")

from triton.language import sum as triton_sum  # noqa: E402

from focal_adapters import torch_triton  # noqa: E402
from focal_adapters.parameters import held_in_float32  # noqa: E402
from focal_adapters.torch import sigmoid_focal_loss  # noqa: E402
from focal_adapters.torch_triton import in_one_kernel, rescaled, takes  # noqa: E402
from focal_ref import SigmoidFocal, SoftmaxFocal  # noqa: E402

if BEFORE is None:
    del os.environ["TRITON_INTERPRET"]
COMPILES = hasattr(triton_sum, "cache_key")
"""Whether somebody imported Triton before, without its interpreter."""
HERE = Path(__file__)
DIGITS = {torch.float64: 52, torch.float32: 23, torch.float16: 10, torch.bfloat16: 7}
TINY = {torch.float64: 5e-324, torch.float32: 2.0**-149, torch.float16: 2.0**-24, torch.bfloat16: 2.0**-133}
PER_CLASS = (0.0, 0.25, 0.9, 1.0, 0.5)
LOSSES = [
    *(SigmoidFocal(alpha=0.25, gamma=gamma) for gamma in (0.0, 0.1, 0.5, 1.0, 1.5, 2.0, 2.7, 5.0)),
    SigmoidFocal(alpha=None),
    SigmoidFocal(alpha=0.0, gamma=3.5),
    SigmoidFocal(alpha=1.0, gamma=4.3),
    SigmoidFocal(alpha=PER_CLASS),
    SigmoidFocal(detach_modulator=True),
]


@pytest.fixture(autouse=True)
def interpreted(monkeypatch, request):
    if COMPILES and request.node.originalname not in ("test_alone", "test_compiles"):
        pytest.skip("Triton was imported without its interpreter: test_alone runs this in a process of its own")
    monkeypatch.setenv("TRITON_INTERPRET", "1")


def points(dtype, rows=400):
    rng = np.random.default_rng(3)
    corners = [0.0, 1e-40, 1e-8, 0.5, 10.0, 88.0, 103.0, 104.0, 708.0, 745.0, 1e4, np.inf]
    x = np.concatenate([corners, np.negative(corners), rng.uniform(-1, 1, 5 * rows), rng.uniform(-90, 90, 5 * rows)])
    x = rng.permutation(x)[: 5 * rows].reshape(rows, 5)
    return torch.tensor(x).to(dtype), torch.tensor(rng.integers(0, 2, x.shape)).to(dtype)


def soft(x):
    return torch.tensor(np.resize([0.25, 0.5, 0.999, 1e-7, 0.0, 1.0, 0.3], tuple(x.shape))).to(x.dtype)


def double(tensor):
    return tensor.detach().double().numpy()


def reference(loss, x, t):
    loss = loss if x.dtype == torch.float64 else held_in_float32(loss)
    return loss.value_and_gradient(double(x), double(t) if t.is_floating_point() else t.numpy())


def ulps(got, want, scale=None):
    """Largest difference in ULP of the dtype at the scale, where both are finite; where not, they are the same."""
    got, dtype = double(got), got.dtype
    finite = np.isfinite(want)
    assert np.array_equal(got[~finite], want[~finite], equal_nan=True)
    size = np.abs(want if scale is None else scale)[finite]
    unit = np.maximum(2.0 ** (np.floor(np.log2(np.where(size == 0.0, 1.0, size))) - DIGITS[dtype]), TINY[dtype])
    return np.max(np.abs(got[finite] - want[finite]) / np.where(size == 0.0, TINY[dtype], unit))


def value_and_gradient(loss, x, t):
    return in_one_kernel(loss, x, t, total=False, value=True, gradient=True)


def sum_and_gradient(loss, x, t, factor=None):
    return in_one_kernel(loss, x, t, total=True, value=True, gradient=True, factor=factor)


# What is computed


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient(loss, dtype):
    x, t = points(dtype)
    value, gradient = value_and_gradient(loss, x, t)
    wanted = reference(loss, x, t)
    assert ulps(value, wanted[0]) <= 32
    assert ulps(gradient, wanted[1]) <= 32


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_soft_targets(loss):
    x, _ = points(torch.float32)
    value, gradient = value_and_gradient(loss, x, soft(x))
    wanted = reference(loss, x, soft(x))
    assert ulps(value, wanted[0]) <= 32
    # Terms of opposite sign are added: the kit knows how large they are, here none exceeds 1.
    assert np.max(np.abs(double(gradient) - wanted[1])) <= 32 * 2.0**-23


@pytest.mark.parametrize("indices", [torch.int32, torch.int64])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_class_indices(loss, indices):
    x, _ = points(torch.float32)
    t = torch.arange(len(x), dtype=indices) % 6
    value, gradient = value_and_gradient(loss, x, t)
    wanted = reference(loss, x, t)
    assert ulps(value, wanted[0]) <= 32
    assert ulps(gradient, wanted[1]) <= 32


def test_an_index_outside_the_classes_is_nan():
    x, t = torch.zeros(3, 5), torch.tensor([-1, 2, 6])
    for result in value_and_gradient(SigmoidFocal(), x, t):
        assert result.isnan().any(1).tolist() == result.isnan().all(1).tolist() == [True, False, True]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_nan_stays_in_its_element(loss):
    x, t = torch.zeros(2, 5), torch.full((2, 5), 0.5)
    x[0, 2] = t[1, 3] = float("nan")
    for result in value_and_gradient(loss, x, t):
        assert result.isnan().nonzero().tolist() == [[0, 2], [1, 3]]


def test_the_smallest_targets():
    """A mixture of the targets is subnormal, its reciprocal infinite."""
    for dtype, x in ((torch.float64, 744.0), (torch.float32, 103.0)):
        for t in (TINY[dtype], 1024 * TINY[dtype]):
            x = torch.tensor([-x, x], dtype=dtype)
            t = torch.full_like(x, t)
            value, gradient = value_and_gradient(SigmoidFocal(gamma=0.0), x, t)
            wanted = reference(SigmoidFocal(gamma=0.0), x, t)
            assert ulps(value, wanted[0]) <= 32
            assert ulps(gradient, wanted[1]) <= 32
            x = 10.0


# The sum


@pytest.mark.parametrize("dtype", list(DIGITS))
@pytest.mark.parametrize("targets", ["dense", "indices"])
def test_sum_and_gradient(dtype, targets):
    x, t = points(dtype)
    x = x.clamp(-1e3, 1e3)
    t = t if targets == "dense" else torch.arange(len(x)) % 6
    total, gradient = sum_and_gradient(SigmoidFocal(), x, t)
    value, slopes = reference(SigmoidFocal(), x, t)
    assert total.shape == ()
    assert total.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert abs(total.item() / np.sum(value) - 1.0) <= 1e-6
    assert gradient.dtype == dtype
    assert ulps(gradient, slopes) <= (0.51 if dtype.itemsize == 2 else 32)


@pytest.mark.parametrize("dtype", list(DIGITS))
def test_a_gradient_is_multiplied_before_it_is_rounded(dtype):
    x, t = points(dtype)
    _, slopes = reference(SigmoidFocal(), x, t)
    _, gradient = sum_and_gradient(SigmoidFocal(), x, t, 0.3)
    held = 0.3 if dtype == torch.float64 else float(np.float32(0.3))
    other = torch.tensor(0.7, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    bound = 0.51 if dtype.itemsize == 2 else 32
    assert ulps(gradient, held * slopes) <= bound
    rescaled(SigmoidFocal(), x, t, gradient, other, 0.3)
    assert ulps(gradient, float(other) * slopes) <= bound
    gradient.zero_()
    rescaled(SigmoidFocal(), x, t, gradient, other, 0.7)
    assert not gradient.any()


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_rounded_once(loss, dtype):
    x, t = points(dtype)
    value, gradient = value_and_gradient(loss, x, t)
    wanted = reference(loss, x, t)
    finite = np.abs(wanted[0]) < torch.finfo(dtype).max
    assert value.dtype == dtype
    assert ulps(value[torch.tensor(finite)], wanted[0][finite]) <= 0.51
    assert ulps(gradient, wanted[1]) <= 0.51


@pytest.mark.parametrize("targets", ["dense", "indices"])
def test_many_programs_and_a_rest(monkeypatch, targets):
    x, t = points(torch.float32, rows=400)
    t = t if targets == "dense" else torch.arange(len(x)) % 6
    one, slopes = value_and_gradient(SigmoidFocal(alpha=PER_CLASS), x, t)
    monkeypatch.setattr(torch_triton, "INTERPRETED_BLOCK", 64)
    value, gradient = value_and_gradient(SigmoidFocal(alpha=PER_CLASS), x, t)
    assert torch.equal(value, one)
    assert torch.equal(gradient, slopes)
    x = x.clamp(-1e3, 1e3)
    totals = [sum_and_gradient(SigmoidFocal(), x, t)[0] for _ in range(2)]
    assert torch.equal(*totals)
    torch.testing.assert_close(totals[0], value_and_gradient(SigmoidFocal(), x, t)[0].sum())


# Where it is taken


X = torch.zeros(4, 5)


@pytest.mark.parametrize(
    ("loss", "x", "t"),
    [
        (SigmoidFocal(), X, X),
        (SigmoidFocal(alpha=PER_CLASS), X.double(), X.double()),
        (SigmoidFocal(), X.half(), X.half()),
        (SigmoidFocal(soft_targets="margin"), X, torch.zeros(4, dtype=torch.int64)),
        (SigmoidFocal(), X[0, 0], X[0, 0]),
        (SigmoidFocal(), torch.nn.Parameter(X), X),
    ],
)
def test_taken(loss, x, t):
    assert takes(loss, x, t)


@pytest.mark.parametrize(
    ("loss", "x", "t"),
    [
        (SoftmaxFocal(), X, X),
        (SigmoidFocal(soft_targets="margin"), X, X),
        (SigmoidFocal(gamma=11.0), X, X),
        (SigmoidFocal(alpha=(0.5, 0.5)), X, X),
        (SigmoidFocal(), X.T, X.T),
        (SigmoidFocal(), X, X.double()),
        (SigmoidFocal(), X[:0], X[:0]),
        (SigmoidFocal(), X.to("meta"), X.to("meta")),
    ],
)
def test_not_taken(loss, x, t):
    assert not takes(loss, x, t)


def test_on_a_cpu_only_where_the_interpreter_was_asked_for(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET")
    assert not takes(SigmoidFocal(), X, X)


@pytest.fixture
def launches(monkeypatch):
    """The shapes that the kernel was run for."""
    shapes, launched = [], torch_triton._launched

    def counted(loss, x, *others, **keywords):
        shapes.append(tuple(x.shape))
        return launched(loss, x, *others, **keywords)

    monkeypatch.setattr(torch_triton, "_launched", counted)
    return shapes


def test_the_adapter_takes_it(launches):
    x, t = points(torch.float32)
    x.requires_grad_()
    sigmoid_focal_loss(x, t, reduction="sum").backward()
    assert launches
    assert set(launches) == {tuple(x.shape)}


def test_what_has_no_memory_does_not_reach_it(launches):
    x, t = points(torch.float32)
    got = torch.func.vmap(torch.func.grad(lambda x, t: sigmoid_focal_loss(x, t, reduction="sum")))(x, t)
    assert not launches
    assert ulps(got, reference(SigmoidFocal(), x, t)[1]) <= 32


# Elsewhere


if COMPILES:

    def test_alone():
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE), "-k", "not test_compiles"]
        run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=HERE.parents[2])
        assert run.returncode == 0, run.stdout


def test_compiles(tmp_path):
    """The compiler takes less than the interpreter does; a vector of 16 bytes a load is what bandwidth needs."""
    variables = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    variables |= {"PYTHONPATH": os.pathsep.join(sys.path), "TRITON_CACHE_DIR": str(tmp_path)}
    script = HERE.parent / "triton_for_a_gpu.py"
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=variables)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("compiled") == 12
