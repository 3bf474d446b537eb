"""The PyTorch adapter, against the reference in NumPy float64."""

import copy
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import focal_ref
from focal_ref import SigmoidFocal
from focal_ref.losses import Loss

torch = pytest.importorskip("torch")

from torch import func  # noqa: E402
from torch.autograd import forward_ad  # noqa: E402

from focal_adapters.parameters import held_in_float32  # noqa: E402
from focal_adapters.torch import SigmoidFocalLoss, apply, sigmoid_focal_loss  # noqa: E402

LOSSES = [
    SigmoidFocal(),
    SigmoidFocal(alpha=None, gamma=0.0),
    SigmoidFocal(alpha=0.999, gamma=0.7),
    SigmoidFocal(gamma=4.3),
]
BITS = {torch.float64: 53, torch.float32: 24, torch.float16: 11, torch.bfloat16: 8}
BOUND = {torch.float64: 32.0, torch.float32: 32.0, torch.float16: 0.51, torch.bfloat16: 0.51}
DTYPES = list(BITS)
REDUCTIONS = ["none", "sum", "mean", "sum_classes", "mean_positives"]


# What is compared with what


def points(dtype):
    """Logits from tiny to saturated, with 0, against hard and soft targets."""
    rng = np.random.default_rng(7)
    corners = [0.0, 5e-324, 1e-310, 1e-40, 1e-8, 0.5, 1, 10, 37, 88, 103, 104, 708, 710, 744, 745, 746, 1e4]
    x = np.concatenate([corners, np.negative(corners), rng.uniform(-1, 1, 300), rng.uniform(-100, 100, 300)])
    t = np.resize([0.0, 1.0, 0.25, 0.5, 0.999, 1e-7, *rng.uniform(0, 1, 7)], x.size)
    x, t = np.concatenate([x, x, x]), np.concatenate([np.zeros_like(x), np.ones_like(x), t])
    return torch.tensor(x).to(dtype), torch.tensor(t).to(dtype)


def small():
    x = torch.linspace(-3, 3, 8, dtype=torch.float64)
    return x, torch.tensor([1, 0, 0.9, 0.2, 1, 0, 0.5, 1], dtype=torch.float64)


def double(tensor):
    return tensor.detach().double().numpy()


def reference(loss, x, t):
    """Value, gradient and curvature in float64, at what the dtype of computation holds."""
    held = loss if x.dtype == torch.float64 else held_in_float32(loss)
    x, t = double(x), double(t)
    return *held.value_and_gradient(x, t), held.curvature(x, t)


def ulps(got, exact, scale, dtype):
    """Errors in ULP of the dtype at ``scale``; 0 where the exact result rounds to what was got."""
    tiny = float(torch.finfo(dtype).smallest_normal)
    unit = np.ldexp(1.0, np.frexp(np.maximum(np.abs(scale), tiny))[1] - BITS[dtype])
    return np.where(double(torch.tensor(exact).to(dtype)) == double(got), 0.0, np.abs(double(got) - exact) / unit)


def gradient_scale(loss, x, t):
    """Sum of the absolute terms of a gradient that has terms of both signs: those of t = 0 and t = 1."""
    held = loss if x.dtype == torch.float64 else held_in_float32(loss)
    alpha, t, x = held.alpha, double(t), double(x)
    alpha_t = 1.0 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    with np.errstate(over="ignore"):
        p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
    u = p * (1 - t) + q * t
    entropy = t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    with np.errstate(all="ignore"):
        k = np.where(u == 0, 0.0, p * q / u)
    return alpha_t * u**held.gamma * (held.gamma * np.abs(1 - 2 * t) * k * entropy + p * (1 - t) + q * t)


def gradient_of(function, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


def second_derivative_of(function, x):
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    return torch.autograd.grad(gradient.sum(), x)[0]


# Values and derivatives


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_value_agrees_with_reference(loss, dtype):
    x, t = points(dtype)
    got, (exact, _, _) = apply(loss, x, t), reference(loss, x, t)
    assert got.dtype == dtype
    assert ulps(got, exact, exact, dtype).max() <= BOUND[dtype]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gradient_agrees_with_reference(loss, dtype):
    x, t = points(dtype)
    got, (_, exact, _) = gradient_of(lambda x: apply(loss, x, t), x), reference(loss, x, t)
    assert got.dtype == dtype
    assert ulps(got, exact, np.maximum(np.abs(exact), gradient_scale(loss, x, t)), dtype).max() <= BOUND[dtype]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_second_derivative_agrees_with_reference(loss, dtype):
    x, t = points(dtype)
    got, (_, _, exact) = second_derivative_of(lambda x: apply(loss, x, t), x), reference(loss, x, t)
    np.testing.assert_allclose(double(got), exact, rtol=1e-4 if dtype == torch.float32 else 1e-12, atol=1e-7)


@pytest.mark.parametrize(
    ("x", "t", "value", "gradient"), [(np.inf, 1, 0, 0), (-np.inf, 1, np.inf, -0.25), (np.inf, 0, np.inf, 0.75)]
)
def test_infinite_logits_give_limits(x, t, value, gradient):
    x, t = torch.tensor([x]), torch.tensor([t])
    assert sigmoid_focal_loss(x, t).item() == value
    assert gradient_of(lambda x: sigmoid_focal_loss(x, t), x).item() == gradient


def test_nan_stays_in_its_element():
    x = torch.tensor([np.nan, 1.0], requires_grad=True)
    loss = sigmoid_focal_loss(x, torch.ones(2))
    loss.sum().backward()
    assert loss.isnan().tolist() == x.grad.isnan().tolist() == [True, False]


def test_subnormal_results_are_kept():
    x, t = torch.tensor([-740.0, 1.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    assert 0 < sigmoid_focal_loss(x, t, gamma=0.0)[0].item() < np.finfo(np.float64).tiny


@pytest.mark.parametrize("gamma", [5e-324, 1e-40, 101.0, 1e4, 1e7])
def test_extreme_gamma_in_float32(gamma):
    x, t = points(torch.float32)
    exact = reference(SigmoidFocal(gamma=gamma), x, t)[0]
    assert ulps(sigmoid_focal_loss(x, t, gamma=gamma), exact, exact, torch.float32).max() <= 1000


@pytest.mark.parametrize("gamma", [1e9, 1e20, 1e300])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_huge_gamma_only_weighs_less(gamma, dtype):
    x, t = points(dtype)
    got = sigmoid_focal_loss(x, t, alpha=None, gamma=gamma)
    assert (got >= 0).all()
    assert (got <= sigmoid_focal_loss(x, t, alpha=None, gamma=0.0)).all()


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_gradcheck(loss):
    x, t = small()
    x.requires_grad_()
    options = {"check_forward_ad": True, "check_batched_grad": True, "check_batched_forward_grad": True}
    assert torch.autograd.gradcheck(lambda x: apply(loss, x, t), (x,), **options)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_gradgradcheck(loss):
    x, t = small()
    x.requires_grad_()
    options = {"check_fwd_over_rev": True, "check_rev_over_rev": True}
    assert torch.autograd.gradgradcheck(lambda x: apply(loss, x, t), (x,), **options)


# torch.func and forward mode

LOSS = SigmoidFocal(alpha=0.3, gamma=0.7)


def total(x):
    return apply(LOSS, x, small()[1]).sum()


def per_element(x):
    return apply(LOSS, x, small()[1])


def ones_jvp(function):
    return lambda x: func.jvp(function, (x,), (torch.ones_like(x),))[1]


def forward_mode(x):
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(per_element(forward_ad.make_dual(x, torch.ones_like(x)))).tangent


def forward_over_reverse(x):
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x.clone().requires_grad_(), torch.ones_like(x))
        (gradient,) = torch.autograd.grad(per_element(dual).sum(), dual, create_graph=True)
        return forward_ad.unpack_dual(gradient).tangent.detach()


GRADIENTS = {
    "grad": func.grad(total),
    "jvp": ones_jvp(per_element),
    "vjp": lambda x: func.vjp(per_element, x)[1](torch.ones_like(x))[0],
    "jacrev": func.jacrev(total),
    "jacfwd": func.jacfwd(total),
    "vmap of grad": lambda x: func.vmap(func.grad(lambda x, t: apply(LOSS, x, t)))(x, small()[1]),
    "vmap of jvp": lambda x: func.vmap(lambda x, t: ones_jvp(lambda x: apply(LOSS, x, t))(x))(x, small()[1]),
}
HESSIANS = {
    "hessian": func.hessian(total),
    "jacrev of jacrev": func.jacrev(func.jacrev(total)),
    "jacrev of jacfwd": func.jacrev(func.jacfwd(total)),
    "jacfwd of jacfwd": func.jacfwd(func.jacfwd(total)),
    "jvp of jvp": lambda x: torch.diag(ones_jvp(ones_jvp(per_element))(x)),
    "grad of jvp": lambda x: torch.diag(func.grad(lambda x: ones_jvp(per_element)(x).sum())(x)),
}
EAGER_GRADIENTS = GRADIENTS | {"forward_ad": forward_mode}
EAGER_HESSIANS = HESSIANS | {
    "autograd.functional": lambda x: torch.autograd.functional.hessian(total, x),
    "forward_ad over backward": lambda x: torch.diag(forward_over_reverse(x)),
}
THIRD = {
    "reverse": func.grad(lambda x: func.hessian(total)(x).sum()),
    "forward": func.jacfwd(func.jacfwd(func.jacfwd(total))),
    "grad of grad of grad": func.jacrev(func.jacrev(func.jacrev(total))),
}


@pytest.mark.parametrize("name", EAGER_GRADIENTS)
def test_first_derivative_by(name):
    x, t = small()
    np.testing.assert_allclose(EAGER_GRADIENTS[name](x), reference(LOSS, x, t)[1], rtol=1e-13)


@pytest.mark.parametrize("name", EAGER_HESSIANS)
def test_second_derivative_by(name):
    x, t = small()
    np.testing.assert_allclose(EAGER_HESSIANS[name](x), np.diag(reference(LOSS, x, t)[2]), rtol=1e-13)


def test_second_derivative_at_zero_is_no_subgradient():
    x, t = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    loss = SigmoidFocal(alpha=None)
    got = second_derivative_of(lambda x: apply(loss, x, t), x)
    np.testing.assert_allclose(got, loss.curvature([0.0], [1]), rtol=1e-14)


@pytest.mark.parametrize("name", THIRD)
def test_third_derivative_is_refused(name):
    with pytest.raises(RuntimeError, match="third derivatives are not provided"):
        THIRD[name](small()[0])


def test_vmap_over_values():
    x, t = small()
    got = func.vmap(lambda x, t: apply(LOSS, x, t))(x.reshape(4, 2), t.reshape(4, 2))
    np.testing.assert_allclose(got.flatten(), reference(LOSS, x, t)[0], rtol=1e-14)


def test_vmap_over_targets_alone():
    x, t = small()
    got = func.vmap(lambda t: apply(LOSS, x[0], t))(t)
    np.testing.assert_allclose(got, LOSS.value(np.full(8, x[0].item()), double(t)), rtol=1e-14)


# Derivatives that are not provided


@pytest.mark.parametrize("name", ["targets", "weight", "normalizer"])
def test_derivative_by_backward_is_refused(name):
    x, t = small()
    wanted = torch.tensor(0.5, dtype=torch.float64) if name == "normalizer" else t.clone()
    arguments = {"targets": t, name: wanted.requires_grad_()}
    with pytest.raises(TypeError, match=f"{name} must not require a derivative"):
        sigmoid_focal_loss(x, arguments.pop("targets"), reduction="sum", **arguments)


def test_arguments_that_require_grad_pass_without_grad_mode():
    x, t = small()
    with torch.no_grad():
        got = apply(LOSS, x, t.clone().requires_grad_())
    np.testing.assert_allclose(got, reference(LOSS, x, t)[0], rtol=1e-14)


def dual_targets(x, t):
    with forward_ad.dual_level():
        return apply(LOSS, x, forward_ad.make_dual(t, torch.ones_like(t)))


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda x, t: func.grad(lambda t: apply(LOSS, x, t).sum())(t),
        lambda x, t: func.jvp(lambda t: apply(LOSS, x, t), (t,), (t,)),
        lambda x, t: func.jvp(lambda x, t: apply(LOSS, x, t), (x, t), (x, t)),
        lambda x, t: func.jvp(lambda t: func.grad(lambda x: apply(LOSS, x, t).sum())(x), (t,), (t,)),
        lambda x, t: func.grad(lambda t: func.grad(lambda x: apply(LOSS, x, t).sum())(x).sum())(t),
        lambda x, t: func.jvp(lambda t: apply(LOSS, x, t, mask=t > 0.5), (t,), (t,)),
        dual_targets,
    ],
    ids=["grad", "jvp", "jvp of both", "jvp of grad", "grad of grad", "with a mask", "forward_ad"],
)
def test_derivative_with_respect_to_targets_is_refused(differentiate):
    with pytest.raises(TypeError, match="targets must not require a derivative"):
        differentiate(*small())


# Around the elements


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", ["plain", "weight", "mask", "both"])
def test_reductions(reduction, options):
    x, t = (a.reshape(4, 2) for a in small())
    weight, mask = torch.tensor([[2.0, 0.5]]).double(), torch.tensor([[True], [False], [True], [True]])
    given = {} if options == "plain" else {"weight": weight, "mask": mask}
    given = given if options in ("plain", "both") else {options: given[options]}
    arrays = {name: value.numpy() for name, value in given.items()}
    loss = SigmoidFocal()
    value, gradient = focal_ref.apply_value_and_gradient(loss, x.numpy(), t.numpy(), reduction=reduction, **arrays)
    np.testing.assert_allclose(apply(loss, x, t, reduction=reduction, **given), value, rtol=1e-13)
    got = gradient_of(lambda x: apply(loss, x, t, reduction=reduction, **given), x)
    np.testing.assert_allclose(got, gradient, rtol=1e-13)


@pytest.mark.parametrize("normalizer", [3, 2.5, torch.tensor(2.5)])
def test_normalizer(normalizer):
    x, t = small()
    got = sigmoid_focal_loss(x, t, reduction="sum", normalizer=normalizer)
    exact = focal_ref.sigmoid_focal_loss(x.numpy(), t.numpy(), reduction="sum", normalizer=float(normalizer))
    np.testing.assert_allclose(got, exact, rtol=1e-13)


def test_what_a_mask_hides_reaches_nothing():
    x = torch.tensor([np.nan, 1.0, np.inf], requires_grad=True)
    loss = sigmoid_focal_loss(x, torch.tensor([1.0, 1.0, -100.0]), mask=torch.tensor([False, True, False]))
    loss.sum().backward()
    assert loss[::2].tolist() == x.grad[::2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("reduction", ["mean", "mean_positives"])
def test_mean_over_nothing_is_zero(reduction):
    x = torch.ones(3, requires_grad=True)
    loss = sigmoid_focal_loss(x, torch.ones(3), mask=torch.zeros(3, dtype=torch.bool), reduction=reduction)
    loss.backward()
    assert (loss.item(), x.grad.tolist()) == (0.0, [0.0, 0.0, 0.0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS[1:])
def test_reduced_halves_are_float32(dtype, reduction):
    x, t = torch.ones(2, 3, dtype=dtype, requires_grad=True), torch.zeros(2, 3)
    loss = sigmoid_focal_loss(x, t, reduction=reduction)
    loss.sum().backward()
    assert (loss.dtype, x.grad.dtype) == (torch.float32, dtype)


LAYOUTS = {
    "transposed": lambda x: x.reshape(2, 4).T,
    "strided": lambda x: x[::2],
    "flipped": lambda x: x.flip(0),
    "expanded": lambda x: x[:1].expand(5),
    "0-d": lambda x: x[0],
    "empty": lambda x: x[:0],
    "inference": lambda x: x,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    x, t = (LAYOUTS[layout](a) for a in small())
    with torch.inference_mode(layout == "inference"):
        got = apply(LOSS, x, t)
    assert got.shape == x.shape
    np.testing.assert_allclose(got, reference(LOSS, x, t)[0], rtol=1e-14)
    if layout != "inference":
        np.testing.assert_allclose(gradient_of(lambda x: apply(LOSS, x, t), x), reference(LOSS, x, t)[1], rtol=1e-14)


@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist, lambda t: np.broadcast_to(t, t.shape)])
def test_targets_that_are_no_tensors(convert):
    x, t = small()
    np.testing.assert_allclose(apply(LOSS, x, convert(double(t))), reference(LOSS, x, t)[0], rtol=1e-14)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float64], ids=str)
def test_dtypes_of_targets(dtype):
    x = torch.linspace(-2, 2, 4)
    t = torch.tensor([0, 1, 1, 0]).to(dtype)
    got = sigmoid_focal_loss(x, t)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got, focal_ref.sigmoid_focal_loss(double(x), [0, 1, 1, 0]), rtol=1e-6)


def test_inputs_are_not_modified():
    x, t = small()
    before = x.clone(), t.clone()
    gradient_of(lambda x: apply(LOSS, x, t, weight=t, mask=t > 0.5), x)
    assert torch.equal(x, before[0])
    assert torch.equal(t, before[1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_autocast_computes_and_returns_float32(dtype):
    x, t = points(dtype)
    x, t = x[x.abs() < 100].requires_grad_(), t[x.abs() < 100]
    with torch.autocast("cpu", dtype=dtype):
        got = apply(LOSS, x, t)
    assert got.dtype == torch.float32
    assert torch.autograd.grad(got.sum(), x)[0].dtype == dtype
    exact = reference(LOSS, x, t)[0]
    assert ulps(got, exact, exact, torch.float32).max() <= BOUND[torch.float32]


def test_meta_tensors():
    x = torch.ones(3, 2, device="meta", requires_grad=True)
    assert gradient_of(lambda x: sigmoid_focal_loss(x, torch.ones_like(x), reduction="mean"), x).shape == (3, 2)


# Bad input

X, T = small()
BAD = [
    ({"logits": [1.0]}, TypeError, "logits must be a torch.Tensor, got"),
    ({"logits": np.ones(8)}, TypeError, "logits must be a torch.Tensor, got"),
    ({"logits": T.long()}, TypeError, "logits must be real floating point, got torch.int64"),
    ({"logits": T + 1j}, TypeError, "logits must be real floating point, got torch.complex128"),
    ({"targets": "cat"}, TypeError, "targets must be a torch.Tensor, NumPy array or list of numbers, got 'cat'"),
    ({"targets": None}, TypeError, "targets must be a torch.Tensor"),
    ({"targets": T + 1j}, TypeError, "targets must be real floating point or integer or bool, got torch.complex128"),
    ({"targets": T[:1]}, ValueError, "targets must have the shape of logits"),
    ({"targets": 2 * T}, ValueError, r"targets must lie in \[0, 1\].*got 2.0"),
    ({"targets": T * np.nan}, ValueError, r"targets must lie in \[0, 1\].*got nan"),
    ({"weight": torch.ones(2, 8)}, ValueError, "weight must have the shape of logits"),
    ({"mask": T}, TypeError, "mask must be bool, got torch.float64"),
    ({"mask": torch.ones(3, dtype=torch.bool)}, ValueError, "mask must have the shape of logits"),
    ({"alpha": 1.5}, ValueError, r"alpha must be None .* got 1.5"),
    ({"alpha": torch.tensor(0.5)}, TypeError, r"alpha must be None .* got tensor"),
    ({"gamma": -1}, ValueError, "gamma must be a finite number >= 0, got -1"),
    ({"gamma": torch.tensor(2.0)}, TypeError, "gamma must be a finite number >= 0, got tensor"),
    ({"reduction": "avg"}, ValueError, "reduction must be one of"),
    ({"normalizer": 2.0}, ValueError, "normalizer divides a sum"),
    ({"normalizer": 0.0, "reduction": "sum"}, ValueError, "normalizer must be a finite number > 0, got 0.0"),
    ({"normalizer": torch.zeros(()), "reduction": "sum"}, ValueError, "normalizer must be a finite number > 0"),
    ({"normalizer": torch.ones(2), "reduction": "sum"}, ValueError, "normalizer must be one number"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_bad_input_is_refused(arguments, error, message):
    arguments = {"logits": X, "targets": T} | arguments
    with pytest.raises(error, match=message):
        sigmoid_focal_loss(arguments.pop("logits"), arguments.pop("targets"), **arguments)


def test_validation_can_be_switched_off():
    assert sigmoid_focal_loss(X, 2 * T, validate=False).shape == X.shape


def test_validation_where_nothing_can_be_read_is_refused():
    with pytest.raises(ValueError, match="validate=True"):
        func.vmap(lambda x, t: sigmoid_focal_loss(x, t, validate=True))(X, T)


# The module


def test_module_agrees_with_reference():
    x, t = small()
    got = SigmoidFocalLoss(alpha=0.3, gamma=0.7)(x, t, weight=t, mask=t > 0)
    exact = focal_ref.apply(LOSS, x.numpy(), t.numpy(), weight=t.numpy(), mask=t.numpy() > 0, reduction="mean")
    np.testing.assert_allclose(got, exact, rtol=1e-14)


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), torch.nn.Module.half],
    ids=["deepcopy", "pickle", "half"],
)
def test_module_survives(copied):
    x, t = small()
    module = copied(SigmoidFocalLoss(alpha=0.3, gamma=0.7, reduction="none"))
    np.testing.assert_allclose(module(x, t), reference(LOSS, x, t)[0], rtol=1e-14)


def test_module_shows_its_parameters():
    assert repr(SigmoidFocalLoss(alpha=None)) == "SigmoidFocalLoss(alpha=None, gamma=2.0, reduction='mean')"
    assert "validate=True" in repr(SigmoidFocalLoss(validate=True))


@pytest.mark.parametrize("wrong", [{"alpha": -1}, {"gamma": float("nan")}, {"reduction": "avg"}])
def test_module_checks_its_parameters_when_made(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SigmoidFocalLoss(**wrong)


def test_module_has_no_state():
    assert not list(SigmoidFocalLoss().parameters())
    assert not SigmoidFocalLoss().state_dict()


# Losses that the adapter has never seen


@dataclass(frozen=True)
class ScaledSquare(Loss):
    """Scale (x - t)^2 / 2."""

    scale: float = 0.1
    label: str = "square"

    def value_formula(self, x, t, xp):
        return 0.5 * self.scale * (x - t) ** 2

    def gradient_formula(self, x, t, xp):
        return self.scale * (x - t)

    def value_and_gradient_formula(self, x, t, xp):
        return self.value_formula(x, t, xp), self.gradient_formula(x, t, xp)

    def curvature_formula(self, x, t, xp):
        return self.scale * xp.ones_like(x)

    def hessian_product_formula(self, x, t, vector, xp):
        return self.scale * vector


def test_any_loss_object():
    x, t = small()
    got = second_derivative_of(lambda x: apply(ScaledSquare(0.3), x, t), x)
    assert got.tolist() == [0.3] * 8


@pytest.mark.parametrize("value", [0.999, 1e300, 0.0, 1e-50])
def test_held_in_float32(value):
    got = held_in_float32(ScaledSquare(value))
    assert got == ScaledSquare(float(np.float32(min(value, float(np.finfo(np.float32).max)))))


# torch.compile; the backend aot_eager traces as Inductor does, and generates no code

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


@pytest.mark.parametrize("strict", [True, False])
def test_export_with_dynamic_batch(strict):
    x, t = small()
    shapes = ({0: torch.export.Dim("n")},) * 2
    program = torch.export.export(SigmoidFocalLoss(), (x, t), dynamic_shapes=shapes, strict=strict)
    exact = focal_ref.sigmoid_focal_loss(x[:5].numpy(), t[:5].numpy(), reduction="mean")
    np.testing.assert_allclose(program.module()(x[:5], t[:5]), exact, rtol=1e-14)


# Inductor

INDUCTOR = """
import sys, torch
sys.path[:0] = sys.argv[1:]
import numpy as np
from adapters.test_torch import BOUND, DTYPES, SigmoidFocal, gradient_scale, points, reference, ulps
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
    command = [sys.executable, "-c", INDUCTOR, os.path.join(os.path.dirname(__file__), ".."), *sys.path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_inductor_is_accurate_with_changing_parameters_and_with_a_warm_cache(tmp_path):
    assert "hits 0" in run_inductor(tmp_path)
    assert "hits 4" in run_inductor(tmp_path)
