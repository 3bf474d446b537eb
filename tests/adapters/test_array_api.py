"""The array-API adapter on NumPy and array-api-strict, against the reference in NumPy float64."""

import numpy as np
import pytest
from agreement import BOUNDS, LOSSES, OPTIONS, REDUCTIONS, points, small, worst

import focal_ref
from focal_adapters.array_api import apply_value_and_gradient, sigmoid_focal_loss, sigmoid_focal_loss_value_and_gradient

strict = pytest.importorskip("array_api_strict")

NAMESPACES = {"numpy": np, "strict": strict}
X, T = small()


@pytest.fixture(autouse=True)
def _strictest():
    flags = {"data_dependent_shapes": False, "boolean_indexing": False, "enabled_extensions": ()}
    with strict.ArrayAPIStrictFlags(**flags):
        yield


@pytest.fixture(params=NAMESPACES)
def xp(request):
    return NAMESPACES[request.param]


def as_float64(array):
    return np.asarray(array).astype(np.float64)


def cases():
    return [("numpy", d) for d in BOUNDS] + [("strict", "float32"), ("strict", "float64")]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("name", "dtype"), cases())
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_agrees_with_reference(name, dtype, loss):
    dtype_of = np.dtype if dtype != "bfloat16" else lambda _: pytest.importorskip("ml_dtypes").bfloat16
    x, t = points(dtype)
    arrays = [NAMESPACES[name].asarray(v.astype(dtype_of(dtype))) for v in (x, t)]
    value, gradient = apply_value_and_gradient(loss, *arrays)
    assert worst(as_float64(value), "value", loss, x, t, dtype) <= BOUNDS[dtype]
    assert worst(as_float64(gradient), "gradient", loss, x, t, dtype) <= BOUNDS[dtype]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", OPTIONS)
def test_reductions_agree_with_reference(xp, reduction, options):
    options = {name: np.array(value) for name, value in OPTIONS[options].items()}
    exact = focal_ref.sigmoid_focal_loss_value_and_gradient(X, T, reduction=reduction, **options)
    own = {name: xp.asarray(array) for name, array in options.items()}
    got = sigmoid_focal_loss_value_and_gradient(xp.asarray(X), xp.asarray(T), reduction=reduction, **own)
    np.testing.assert_allclose(as_float64(got[0]), exact[0], rtol=1e-14)
    np.testing.assert_allclose(as_float64(got[1]), exact[1], rtol=1e-14)


@pytest.mark.parametrize("normalizer", [4.0, "array"])
def test_normalizer_divides_value_and_gradient(xp, normalizer):
    exact = focal_ref.sigmoid_focal_loss_value_and_gradient(X, T, reduction="sum", normalizer=4.0)
    normalizer = xp.asarray(4.0) if normalizer == "array" else normalizer
    got = sigmoid_focal_loss_value_and_gradient(xp.asarray(X), T.tolist(), reduction="sum", normalizer=normalizer)
    np.testing.assert_allclose(as_float64(got[0]), exact[0], rtol=1e-14)
    np.testing.assert_allclose(as_float64(got[1]), exact[1], rtol=1e-14)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_that_of_logits(xp, reduction, dtype):
    x = xp.asarray(X, dtype=getattr(xp, dtype))
    value, gradient = sigmoid_focal_loss_value_and_gradient(x, T.tolist(), reduction=reduction)
    assert value.dtype == gradient.dtype == x.dtype


def test_half_gradient_is_half_and_reduced_value_float32():
    value, gradient = sigmoid_focal_loss_value_and_gradient(X.astype(np.float16), T, reduction="sum")
    assert (value.dtype, gradient.dtype) == (np.float32, np.float16)


def test_results_are_on_the_device_of_logits():
    device = strict.Device("device1")
    x, t, mask = (strict.asarray(v, device=device) for v in (X, T, X > 0))
    value, gradient = sigmoid_focal_loss_value_and_gradient(x, t, mask=mask, reduction="mean")
    assert value.device == gradient.device == device


def test_masked_elements_reach_nothing(xp):
    x, t = xp.asarray([1.0, np.nan, np.inf]), xp.asarray([1.0, 7.0, np.nan])
    _, gradient = sigmoid_focal_loss_value_and_gradient(x, t, mask=xp.asarray([True, False, False]))
    assert as_float64(gradient)[1:].tolist() == [0, 0]


BAD = {
    "gamma negative": (ValueError, lambda xp: sigmoid_focal_loss(xp.asarray(X), xp.asarray(T), gamma=-1.0)),
    "gamma nan": (ValueError, lambda xp: sigmoid_focal_loss(xp.asarray(X), xp.asarray(T), gamma=float("nan"))),
    "alpha": (ValueError, lambda xp: sigmoid_focal_loss(xp.asarray(X), xp.asarray(T), alpha=-0.1)),
    "shapes": (ValueError, lambda xp: sigmoid_focal_loss(xp.ones((3, 1)), xp.ones(3))),
    "integer": (TypeError, lambda xp: sigmoid_focal_loss(xp.asarray([1]), xp.asarray([1]))),
    "complex": (TypeError, lambda xp: sigmoid_focal_loss(xp.asarray([1j]), xp.asarray([1]))),
    "list of logits": (TypeError, lambda xp: sigmoid_focal_loss([1.0], [1])),
    "reduction": (ValueError, lambda xp: sigmoid_focal_loss(xp.asarray(X), xp.asarray(T), reduction="avg")),
    "normalizer": (ValueError, lambda xp: sigmoid_focal_loss(xp.ones(2), xp.ones(2), reduction="sum", normalizer=0)),
    "targets above 1": (ValueError, lambda xp: sigmoid_focal_loss(xp.ones(2), xp.asarray([0.0, 2.0]))),
    "targets nan": (ValueError, lambda xp: sigmoid_focal_loss(xp.ones(2), xp.asarray([0.0, np.nan]))),
    "mask of floats": (TypeError, lambda xp: sigmoid_focal_loss(xp.ones(2), xp.ones(2), mask=xp.ones(2))),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(xp, name):
    error, call = BAD[name]
    with pytest.raises(error, match="must"):
        call(xp)


def test_arrays_of_two_libraries_are_refused():
    with pytest.raises(TypeError, match="targets must be an array of the library of logits"):
        sigmoid_focal_loss(strict.asarray(X), T)


@pytest.mark.parametrize("shape", [(0,), (3, 0), ()], ids=str)
@pytest.mark.parametrize("reduction", ["none", "mean", "mean_positives"])
def test_empty_and_0d(xp, shape, reduction):
    exact = focal_ref.sigmoid_focal_loss(np.zeros(shape), np.ones(shape), reduction=reduction)
    value, gradient = sigmoid_focal_loss_value_and_gradient(xp.zeros(shape), xp.ones(shape), reduction=reduction)
    assert (value.shape, gradient.shape) == (np.shape(exact), shape)
    np.testing.assert_allclose(as_float64(value), exact)


def test_numpy_input_of_any_layout_that_may_not_be_written():
    x, t = np.broadcast_to(X[:, ::-2].T, (2, 2)), np.broadcast_to(T[:, ::-2].T, (2, 2))
    np.testing.assert_allclose(sigmoid_focal_loss(x, t), focal_ref.sigmoid_focal_loss(x, t), rtol=1e-14)
