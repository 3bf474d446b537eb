"""The PyTorch adapter under torch.compile: the backend aot_eager traces as Inductor does, and generates no code."""

import os
import subprocess
import sys

import numpy as np
import pytest

import focal_ref
from focal_ref import SigmoidFocal

torch = pytest.importorskip("torch")

from agreement import INFINITE, infinite  # noqa: E402
from torch import func  # noqa: E402
from torch._dynamo.backends.common import aot_autograd  # noqa: E402
from torch._functorch.aot_autograd import make_boxed_func  # noqa: E402
from torch._functorch.partitioners import min_cut_rematerialization_partition  # noqa: E402
from torch_cases import (  # noqa: E402
    GRADIENTS,
    HESSIANS,
    LOSS,
    REDUCTIONS,
    THIRD,
    ScaledSquare,
    double,
    per_element,
    reference,
    small,
)

from focal_adapters.torch import SigmoidFocalLoss, SoftmaxFocalLoss, apply, sigmoid_focal_loss  # noqa: E402

PARAMETERS = [
    (0.2, 0.5),
    (0.3, 1.0),
    (0.999, 1.5),
    (0.4, 2.0),
    (0.0, 0.0),
    (1.0, 2.7),
    (0.25, 3.0),
    (0.5, 3.3),
    (0.6, 3.9),
    (0.7, 5.0),
]
DYNAMIC = [None, True, False]


@pytest.fixture(autouse=True)
def fresh_dynamo():
    yield
    torch._dynamo.reset()


def counted(function, **options):
    """A compiled function, and the list of graphs it was compiled to."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return torch._dynamo.lookup_backend("aot_eager")(graph, inputs)

    return torch.compile(function, fullgraph=True, backend=backend, **options), graphs


def assert_agrees(value, x, loss, t):
    gradient = torch.autograd.grad(value.sum(), x)[0]
    exact, exact_gradient, _ = reference(loss, x, t)
    np.testing.assert_allclose(double(value), exact, rtol=1e-14)
    np.testing.assert_allclose(double(gradient), exact_gradient, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dynamic", DYNAMIC)
def test_compiled_with_changing_arguments(dynamic):
    x, t = small()
    x.requires_grad_()
    compiled, _ = counted(lambda x, alpha, gamma: sigmoid_focal_loss(x, t, alpha=alpha, gamma=gamma), dynamic=dynamic)
    for alpha, gamma in PARAMETERS if dynamic is not False else PARAMETERS[:4]:
        assert_agrees(compiled(x, alpha, gamma), x, SigmoidFocal(alpha, gamma), t)


@pytest.mark.parametrize("dynamic", DYNAMIC)
def test_compiled_with_changing_attributes(dynamic):
    x, t = small()
    x.requires_grad_()
    module = SigmoidFocalLoss(reduction="none")
    compiled, _ = counted(module, dynamic=dynamic)
    for alpha, gamma in PARAMETERS if dynamic is not False else PARAMETERS[:4]:
        module.alpha, module.gamma = alpha, gamma
        assert_agrees(compiled(x, t), x, SigmoidFocal(alpha, gamma), t)


@pytest.mark.parametrize("dynamic", DYNAMIC)
def test_compiled_with_changing_loss_object(dynamic):
    x, t = small()
    x.requires_grad_()
    compiled, _ = counted(lambda loss, x: apply(loss, x, t), dynamic=dynamic)
    for alpha, gamma in PARAMETERS if dynamic is not False else PARAMETERS[:4]:
        assert_agrees(compiled(SigmoidFocal(alpha, gamma), x), x, SigmoidFocal(alpha, gamma), t)


def test_changing_gamma_compiles_at_most_twice():
    x, t = small()
    compiled, graphs = counted(lambda gamma: sigmoid_focal_loss(x, t, gamma=gamma))
    for gamma in np.linspace(0.5, 5, 20).tolist():
        compiled(gamma)
    assert len(graphs) <= 2


def test_changing_batch_size_compiles_at_most_twice():
    module = SigmoidFocalLoss()
    compiled, graphs = counted(module)
    for size in (7, 8, 9, 20, 33):
        compiled(torch.randn(size, 3, requires_grad=True), torch.rand(size, 3)).backward()
    assert len(graphs) <= 2


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8], ids=str)
@pytest.mark.parametrize("module", [SigmoidFocalLoss(), SoftmaxFocalLoss()], ids=str)
def test_changing_batch_size_of_class_indices_compiles_at_most_twice(module, dtype):
    compiled, graphs = counted(module)
    for size in (7, 8, 9, 20, 33):
        x, t = torch.randn(size, 3, requires_grad=True), (torch.arange(size) % 3).to(dtype)
        value = compiled(x, t)
        value.backward()
        torch.testing.assert_close(value, module(x, t))
    assert len(graphs) <= 2


@pytest.mark.parametrize("name", GRADIENTS)
def test_compiled_first_derivative_by(name):
    x, t = small()
    got = counted(lambda x: GRADIENTS[name](x))[0](x)
    np.testing.assert_allclose(got, reference(LOSS, x, t)[1], rtol=1e-13)


@pytest.mark.parametrize("name", HESSIANS)
def test_compiled_second_derivative_by(name):
    x, t = small()
    got = counted(lambda x: HESSIANS[name](x))[0](x)
    np.testing.assert_allclose(got, np.diag(reference(LOSS, x, t)[2]), rtol=1e-13)


@pytest.mark.parametrize("name", THIRD)
def test_compiled_third_derivative_is_refused(name):
    with pytest.raises(Exception, match="third derivatives are not provided"):
        counted(lambda x: THIRD[name](x))[0](small()[0])


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda x, t: func.grad(lambda t: apply(LOSS, x, t).sum())(t),
        lambda x, t: func.jvp(lambda t: apply(LOSS, x, t), (t,), (t,)),
    ],
    ids=["grad", "jvp"],
)
def test_compiled_derivative_with_respect_to_targets_is_refused(differentiate):
    with pytest.raises(Exception, match="targets must not require a derivative"):
        counted(differentiate)[0](*small())


def test_compiled_double_backward_is_refused_by_torch():
    x = small()[0].requires_grad_()
    value = torch.compile(per_element, fullgraph=True, backend="aot_eager")(x)
    (gradient,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(gradient.sum(), x)


def test_compiled_under_autocast():
    x, t = (a.bfloat16() for a in small())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = counted(lambda x: apply(LOSS, x, t))[0](x)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got, reference(LOSS, x, t)[0], rtol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_compiled_reductions(reduction):
    x, t = small()
    given = {"weight": t, "mask": t > 0.3}
    got = counted(lambda x, w, m: apply(LOSS, x, t, weight=w, mask=m, reduction=reduction))[0](x, *given.values())
    arrays = {name: value.numpy() for name, value in given.items()}
    np.testing.assert_allclose(
        got, focal_ref.apply(LOSS, x.numpy(), t.numpy(), reduction=reduction, **arrays), rtol=1e-13
    )


def test_compiled_any_loss_object():
    x, t = small()
    loss = ScaledSquare(0.3)
    got = counted(lambda loss, x: apply(loss, x, t))[0](loss, x)
    np.testing.assert_allclose(got, loss.value(x.numpy(), t.numpy()), rtol=1e-14)


def test_compiled_infinite_logit_against_a_target_of_any_weight():
    x, t, exact = (torch.tensor(array) for array in infinite())
    compiled, _ = counted(lambda loss: apply(loss, x, t))
    for loss in INFINITE:
        assert torch.equal(compiled(loss), exact)


@pytest.mark.parametrize("gamma", [2.0, 2.7])
def test_compiled_recompute_keeps_nothing(gamma):
    x = torch.linspace(-3, 3, 400).reshape(20, 20).requires_grad_()
    t = (x.detach() > 1).float()
    kept = []

    def keep(tensor):
        kept.append(tensor.untyped_storage().data_ptr())
        return tensor

    compiled, _ = counted(lambda x, t: sigmoid_focal_loss(x, t, gamma=gamma, reduction="sum", recompute=True))
    compiled(x, t).backward()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        value = compiled(x, t)
    assert set(kept) <= {x.data_ptr(), t.data_ptr()}
    exact, exact_gradient, _ = reference(SigmoidFocal(gamma=gamma), x, t)
    np.testing.assert_allclose(double(value), exact.sum(), rtol=1e-6)
    np.testing.assert_allclose(double(torch.autograd.grad(value, x)[0]), exact_gradient, rtol=2e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_compiled_class_indices_are_computed_once(dtype):
    """The backward pass multiplies what was kept; that of bfloat16 would be as much as two logits, and is not kept."""
    x = torch.linspace(-3, 3, 400).reshape(20, 20).to(dtype).requires_grad_()
    t, loss = torch.arange(1, 21), SigmoidFocal()
    counts = {}

    def compiler(name):
        def counting(graph, inputs):
            counts[name] = sum(node.target is torch.ops.aten.exp.default for node in graph.graph.nodes)
            return make_boxed_func(graph)

        return counting

    backend = aot_autograd(
        fw_compiler=compiler("forward"),
        bw_compiler=compiler("backward"),
        partition_fn=min_cut_rematerialization_partition,
    )
    compiled = torch.compile(lambda x, t: apply(loss, x, t, reduction="sum"), fullgraph=True, backend=backend)
    value = compiled(x, t)
    gradient = torch.autograd.grad(value, x)[0]
    assert counts == {"forward": 1, "backward": 0 if dtype == torch.float32 else 1}
    exact, exact_gradient = loss.value_and_gradient(x.detach().double().numpy(), t.numpy())
    np.testing.assert_allclose(double(value), exact.sum(), rtol=1e-6)
    np.testing.assert_allclose(double(gradient), exact_gradient, rtol=2e-6 if dtype == torch.float32 else 2.0**-8)


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda loss, x, t: func.grad(lambda x: loss(x, t).sum())(x),
        lambda loss, x, t: func.jvp(lambda x: loss(x, t), (x,), (torch.ones_like(x),))[1],
        lambda loss, x, t: func.vmap(func.grad(loss))(x, t),
    ],
    ids=["grad", "jvp", "vmap of grad"],
)
def test_compiled_recompute_in_transformations(differentiate):
    """None of them supports a checkpoint."""
    x, t = small()
    got = counted(lambda x: differentiate(lambda x, t: apply(LOSS, x, t, recompute=True), x, t))[0](x)
    np.testing.assert_allclose(got, reference(LOSS, x, t)[1], rtol=1e-13)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("recompute", [False, True])
def test_export_with_dynamic_batch(strict, recompute):
    x, t = small()
    shapes = ({0: torch.export.Dim("n")},) * 2
    program = torch.export.export(SigmoidFocalLoss(recompute=recompute), (x, t), dynamic_shapes=shapes, strict=strict)
    exact = focal_ref.sigmoid_focal_loss(x[:5].numpy(), t[:5].numpy(), reduction="mean")
    np.testing.assert_allclose(program.module()(x[:5], t[:5]), exact, rtol=1e-14)


# Inductor

INDUCTOR = """
import sys, torch
sys.path[:0] = sys.argv[1:]
import numpy as np
from torch_cases import BOUND, DTYPES, SigmoidFocal, gradient_scale, points, reference, ulps
from focal_adapters.torch import sigmoid_focal_loss
for dtype in (torch.float64, torch.float32):
    x, t = points(dtype)
    x.requires_grad_()
    compiled = torch.compile(
        lambda alpha, gamma: sigmoid_focal_loss(x, t, alpha=alpha, gamma=gamma), fullgraph=True, dynamic=True)
    for alpha, gamma in [(0.2, 0.5), (0.3, 1.0), (0.999, 1.5), (0.4, 2.0), (0.999, 0.7), (0.25, 2.7), (0.3, 5.0)]:
        loss = SigmoidFocal(alpha, gamma)
        exact, exact_gradient, _ = reference(loss, x, t)
        value = compiled(alpha, gamma)
        gradient, = torch.autograd.grad(value.sum(), x)
        scale = np.maximum(np.abs(exact_gradient), gradient_scale(loss, x.detach(), t))
        errors = ulps(value, exact, exact, dtype).max(), ulps(gradient, exact_gradient, scale, dtype).max()
        print(alpha, gamma, *errors)
        assert max(errors) <= BOUND[dtype]
from torch._dynamo.utils import counters
print("hits", counters["inductor"]["fxgraph_cache_hit"])
"""


def run_inductor(cache):
    """In a process of its own, whose only cache is the folder."""
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", INDUCTOR, os.path.dirname(__file__), *sys.path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_inductor_is_accurate_with_changing_parameters_and_with_a_warm_cache(tmp_path):
    assert "hits 0" in run_inductor(tmp_path)
    assert "hits 4" in run_inductor(tmp_path)
