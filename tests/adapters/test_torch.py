"""The PyTorch adapter, against the reference in NumPy float64."""

import copy
import pickle

import numpy as np
import pytest

import focal_ref
from focal_ref import SigmoidFocal

torch = pytest.importorskip("torch")

from torch import func  # noqa: E402
from torch.autograd import forward_ad  # noqa: E402
from torch_cases import (  # noqa: E402
    BOUND,
    DTYPES,
    EAGER_GRADIENTS,
    EAGER_HESSIANS,
    LOSS,
    LOSSES,
    REDUCTIONS,
    THIRD,
    ScaledSquare,
    double,
    gradient_of,
    gradient_scale,
    points,
    reference,
    second_derivative_of,
    small,
    ulps,
)

from focal_adapters.parameters import held_in_float32  # noqa: E402
from focal_adapters.torch import SigmoidFocalLoss, apply, sigmoid_focal_loss  # noqa: E402

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
    (
        {"logits": T.float(), "normalizer": 1e-39, "reduction": "sum"},
        ValueError,
        "must not be below 1.175e-38",
    ),
    ({"gamma": 10**400}, ValueError, "gamma must be a finite number >= 0 that a float holds, got 1000"),
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


def test_a_module_takes_its_parameters_by_name():
    with pytest.raises(TypeError, match=r"SigmoidFocalLoss takes keywords only, such as alpha, .*; got 2.0"):
        SigmoidFocalLoss(2.0)


def test_module_has_no_state():
    assert not list(SigmoidFocalLoss().parameters())
    assert not SigmoidFocalLoss().state_dict()


# Losses that the adapter has never seen


def test_any_loss_object():
    x, t = small()
    got = second_derivative_of(lambda x: apply(ScaledSquare(0.3), x, t), x)
    assert got.tolist() == [0.3] * 8


@pytest.mark.parametrize("value", [0.999, 1e300, 0.0, 1e-50])
def test_held_in_float32(value):
    got = held_in_float32(ScaledSquare(value))
    assert got == ScaledSquare(float(np.float32(min(value, float(np.finfo(np.float32).max)))))


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
def test_an_index_that_32_bits_do_not_hold_is_no_class_and_no_ignore_index(dtype):
    for wide in (2**32 - 100, 2**64 - 100 if dtype == "uint64" else 2**31):
        with pytest.raises(ValueError, match="targets must be class indices from 0 to 3"):
            sigmoid_focal_loss(torch.zeros(2, 3), np.array([1, wide], dtype), ignore_index=-100)
