"""The JAX adapter, against the reference in NumPy float64."""

import numpy as np
import pytest
from agreement import (
    BOUNDS,
    DTYPES,
    INFINITE,
    INFINITE_ROWS,
    OPTIONS,
    QUANTITIES,
    REDUCTIONS,
    infinite,
    infinite_rows,
    losses,
    points,
    small,
    worst,
)

import focal_ref
from focal_ref import SigmoidFocal

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

from focal_adapters.jax import apply, sigmoid_focal_loss  # noqa: E402

MODES = {"eager": lambda function: function, "jit": jax.jit}
X, T = small()


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def total(x, t=T, **options):
    return sigmoid_focal_loss(x, t, reduction="sum", **options)


def derivative(function):
    return lambda x: jax.vjp(function, x)[1](jnp.ones_like(x))[0]


def quantity_of(function, quantity):
    return {"value": function, "gradient": derivative(function), "curvature": derivative(derivative(function))}[
        quantity
    ]


# Accuracy


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_reference(mode, quantity, dtype):
    x, t = points(dtype)
    logits, targets = jnp.asarray(x).astype(dtype), jnp.asarray(t).astype(dtype)
    errors = []
    for loss in losses(mode, dtype):
        got = MODES[mode](quantity_of(lambda x, loss=loss: apply(loss, x, targets), quantity))(logits)
        assert got.dtype == dtype
        errors.append(worst(np.asarray(got).astype(np.float64), quantity, loss, x, t, dtype))
    assert max(errors) <= BOUNDS[dtype]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loss", INFINITE, ids=str)
def test_an_infinite_logit_against_a_target_of_any_weight(mode, loss):
    x, t, exact = infinite()
    np.testing.assert_array_equal(MODES[mode](lambda x: apply(loss, x, t))(x), exact)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loss", INFINITE_ROWS, ids=str)
def test_a_class_without_probability_and_of_any_weight(mode, loss):
    x, t, exact = infinite_rows()
    np.testing.assert_allclose(MODES[mode](lambda x: apply(loss, x, t))(x), exact, atol=1e-37)


@pytest.mark.parametrize("gamma", [0.0, 1e-300, 1e9, 1e300])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_gamma_gives_no_nan(gamma, dtype):
    x, t = points(dtype)
    x, t = x[np.isfinite(x)], t[np.isfinite(x)]
    logits, targets = jnp.asarray(x, dtype), jnp.asarray(t, dtype)
    gradient = jax.jit(derivative(lambda x: sigmoid_focal_loss(x, targets, gamma=gamma)))(logits)
    assert not jnp.isnan(gradient).any()


# Reductions, weight, mask


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", OPTIONS)
def test_reductions_agree_with_reference(mode, reduction, options):
    options = {name: np.array(value) for name, value in OPTIONS[options].items()}
    exact, slope = focal_ref.sigmoid_focal_loss_value_and_gradient(X, T, reduction=reduction, **options)

    def function(x):
        return sigmoid_focal_loss(x, T, reduction=reduction, **options)

    np.testing.assert_allclose(MODES[mode](function)(X), exact, rtol=1e-14)
    np.testing.assert_allclose(MODES[mode](jax.grad(lambda x: function(x).sum()))(X), slope, rtol=1e-14)


def test_array_normalizer_divides():
    np.testing.assert_allclose(jax.jit(lambda n: total(X, normalizer=n))(4.0), total(X) / 4, rtol=1e-15)


def test_masked_elements_reach_nothing():
    x, t = jnp.array([1.0, jnp.nan, jnp.inf]), jnp.array([1.0, 7.0, jnp.nan])
    gradient = jax.grad(total)(x, t, mask=jnp.array([True, False, False]))
    assert gradient[0] != 0
    assert gradient[1:].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_reduced_half_value_is_float32(dtype):
    assert total(jnp.asarray(X, dtype)).dtype == jnp.float32


def test_float64_numpy_input_follows_jax_without_x64():
    with jax.enable_x64(False):
        assert sigmoid_focal_loss(X, T).dtype == jnp.float32
        assert jax.grad(total)(X).dtype == jnp.float32


# Transformations


CURVATURES = {
    "hessian": lambda x: jnp.diag(jax.hessian(total)(x.ravel(), T.ravel())),
    "hessian of jit": lambda x: jnp.diag(jax.hessian(jax.jit(total))(x.ravel(), T.ravel())),
    "forward over forward": lambda x: jnp.diag(jax.jacfwd(jax.jacfwd(total))(x.ravel(), T.ravel())),
    "reverse over reverse": lambda x: jnp.diag(jax.jacrev(jax.jacrev(total))(x.ravel(), T.ravel())),
    "checkpoint": lambda x: jax.grad(lambda x: jax.grad(jax.checkpoint(total))(x).sum())(x),
    "vmap": lambda x: jax.vmap(lambda x, t: jnp.diag(jax.hessian(total)(x, t)))(x, jnp.asarray(T)),
    "jvp of grad": lambda x: jax.jvp(jax.grad(total), (x,), (jnp.ones_like(x),))[1],
    "linearize": lambda x: jax.linearize(jax.grad(total), x)[1](jnp.ones_like(x)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CURVATURES)
def test_second_derivatives_of_every_kind(mode, name):
    exact = SigmoidFocal().curvature(X, T)
    np.testing.assert_allclose(MODES[mode](CURVATURES[name])(jnp.asarray(X)).reshape(X.shape), exact, rtol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_scan_with_everything_in_the_carry(mode):
    def scanned(x, t):
        def step(carry, row):
            return (carry[0] + total(row[0], row[1], weight=carry[1], normalizer=2.0), carry[1]), None

        return jax.lax.scan(step, (0.0, jnp.ones(4)), (x, t))[0][0]

    exact = focal_ref.sigmoid_focal_loss_value_and_gradient(X, T, reduction="sum", normalizer=2.0)[1]
    np.testing.assert_allclose(MODES[mode](jax.grad(scanned))(X, T), exact, rtol=1e-14)


def test_vmap_over_masks_with_concrete_targets():
    losses = jax.vmap(lambda mask: total(X[0], T[0], mask=mask))(jnp.eye(4, dtype=bool))
    np.testing.assert_allclose(losses, focal_ref.sigmoid_focal_loss(X[0], T[0]), rtol=1e-14)


def test_training_with_optax():
    optax = pytest.importorskip("optax")
    optimizer, x = optax.adam(0.5), jnp.zeros(T.shape)
    state, before = optimizer.init(x), total(x)

    @jax.jit
    def step(x, state):
        updates, state = optimizer.update(jax.grad(total)(x), state)
        return optax.apply_updates(x, updates), state

    for _ in range(20):
        x, state = step(x, state)
    assert total(x) < before / 2


# Derivatives that are not provided


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["targets", "weight", "normalizer"])
@pytest.mark.parametrize("differentiate", [jax.grad, jax.jacfwd], ids=["reverse", "forward"])
def test_derivative_of_other_arguments_is_refused(mode, name, differentiate):
    functions = {
        "targets": lambda v: total(X, v * jnp.ones_like(X)),
        "weight": lambda v: total(X, weight=v * jnp.ones_like(X)),
        "normalizer": lambda v: total(X, normalizer=v),
    }
    with pytest.raises(TypeError, match=f"{name} must not be differentiated"):
        MODES[mode](differentiate(functions[name]))(0.5)


@pytest.mark.parametrize("mode", MODES)
def test_stopped_targets_are_accepted(mode):
    def soft(x):
        return total(x, jax.lax.stop_gradient(jax.nn.sigmoid(x)))

    exact = SigmoidFocal().gradient(X, np.asarray(jax.nn.sigmoid(X)))
    np.testing.assert_allclose(MODES[mode](jax.grad(soft))(X), exact, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("mode", MODES)
def test_third_derivative_is_refused(mode):
    with pytest.raises(NotImplementedError, match="third derivatives"):
        MODES[mode](jax.grad(lambda x: derivative(derivative(sigmoid_of))(x).sum()))(X)


def sigmoid_of(x):
    return sigmoid_focal_loss(x, T)


# Input


@pytest.mark.parametrize("name", ["gamma", "alpha"])
def test_traced_parameter_is_a_clear_error(name):
    with pytest.raises(TypeError, match=f"{name} must be a Python number.*static_argnames='{name}'"):
        jax.jit(lambda value: total(X, **{name: value}))(0.5)


def test_traced_gamma_of_a_loss_object_is_a_type_error():
    with pytest.raises(TypeError, match="gamma must be a finite number"):
        jax.jit(lambda gamma: apply(SigmoidFocal(gamma=gamma), X, T))(2.0)


BAD = {
    "gamma negative": (ValueError, lambda: total(X, gamma=-1.0)),
    "gamma nan": (ValueError, lambda: total(X, gamma=float("nan"))),
    "alpha": (ValueError, lambda: total(X, alpha=1.5)),
    "shapes": (ValueError, lambda: sigmoid_focal_loss(jnp.ones((3, 1)), jnp.ones(3))),
    "weight enlarges": (ValueError, lambda: sigmoid_focal_loss(jnp.ones(3), jnp.ones(3), weight=jnp.ones((3, 3)))),
    "integer": (TypeError, lambda: sigmoid_focal_loss(jnp.array([1]), jnp.array([1]))),
    "complex": (TypeError, lambda: sigmoid_focal_loss(jnp.array([1j]), jnp.array([1]))),
    "list of logits": (TypeError, lambda: sigmoid_focal_loss([1.0], [1])),
    "mask of floats": (TypeError, lambda: total(X, mask=np.ones(4))),
    "reduction": (ValueError, lambda: sigmoid_focal_loss(X, T, reduction="average")),
    "normalizer": (ValueError, lambda: total(X, normalizer=0.0)),
    "normalizer array": (ValueError, lambda: total(X, normalizer=jnp.array(-1.0))),
    "normalizer without sum": (ValueError, lambda: sigmoid_focal_loss(X, T, reduction="mean", normalizer=2.0)),
    "normalizer subnormal": (ValueError, lambda: total(X.astype(np.float32), normalizer=1e-39)),
    "gamma no float holds": (ValueError, lambda: total(X, gamma=10**400)),
    "targets above 1": (ValueError, lambda: sigmoid_focal_loss(jnp.ones(2), jnp.array([0.0, 2.0]))),
    "targets nan": (ValueError, lambda: sigmoid_focal_loss(jnp.ones(2), jnp.array([0.0, jnp.nan]))),
    "sum_classes of 0-d": (ValueError, lambda: sigmoid_focal_loss(1.0, 1, reduction="sum_classes")),
    "validate while tracing": (ValueError, lambda: jax.jit(lambda x: total(x, validate=True))(X)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    error, call = BAD[name]
    with pytest.raises(error, match=r"must|needs|logits|reads"):
        call()


@pytest.mark.parametrize("shape", [(0,), (3, 0), ()], ids=str)
@pytest.mark.parametrize("reduction", ["none", "mean", "mean_positives"])
def test_empty_and_0d(shape, reduction):
    x, t = np.zeros(shape), np.ones(shape)
    exact = focal_ref.sigmoid_focal_loss(x, t, reduction=reduction)
    got = jax.jit(lambda x: sigmoid_focal_loss(x, t, reduction=reduction))(x)
    assert got.shape == np.shape(exact)
    np.testing.assert_allclose(got, exact)


def test_numpy_input_of_any_layout_that_may_not_be_written():
    x, t = np.broadcast_to(X[:, ::-2].T, (2, 2)), np.broadcast_to(T[:, ::-2].T, (2, 2))
    np.testing.assert_allclose(sigmoid_focal_loss(x, t), focal_ref.sigmoid_focal_loss(x, t), rtol=1e-14)


@pytest.mark.parametrize("targets", [[True, False, True], np.array([1, 0, 1], np.uint8)], ids=["list", "uint8"])
def test_targets_of_any_real_kind(targets):
    np.testing.assert_allclose(
        sigmoid_focal_loss(X[0, :3], targets), SigmoidFocal().value(X[0, :3], targets), rtol=1e-14
    )


@pytest.mark.parametrize("wide", [2**32 + 1, -(2**32) + 1])
@pytest.mark.parametrize("make", [np.array, list, lambda values: np.array(values).astype(np.uint64)])
def test_without_64_bits_no_wider_integer_passes_for_a_class(make, wide):
    with jax.enable_x64(False), pytest.raises(ValueError, match="targets must hold integers of 32 bits"):
        sigmoid_focal_loss(jnp.zeros((2, 3)), make([1, wide]))


def test_an_index_that_32_bits_do_not_hold_is_no_ignore_index():
    with jax.enable_x64(False), pytest.raises(ValueError, match="targets must be class indices from 0 to 3"):
        sigmoid_focal_loss(jnp.zeros((2, 3)), np.array([1, 2**32 - 100], np.uint32), ignore_index=-100)
