"""The TensorFlow adapter, against the reference in NumPy float64."""

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

tf = pytest.importorskip("tensorflow")

from focal_adapters.tensorflow import apply, sigmoid_focal_loss  # noqa: E402

X, T = small()


def traced(function, **options):
    return tf.function(function, autograph=False, **options)


MODES = {
    "eager": lambda function: function,
    "function": traced,
    "xla": lambda function: traced(function, jit_compile=True),
}


def total(x, t=T, **options):
    return sigmoid_focal_loss(x, t, reduction="sum", **options)


def derivative(function):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x)

    return gradient


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
    logits, targets = tf.cast(x, dtype), tf.cast(t, dtype)
    errors = []
    for loss in losses(mode, dtype):
        got = MODES[mode](quantity_of(lambda x, loss=loss: apply(loss, x, targets), quantity))(logits)
        assert got.dtype == dtype
        errors.append(worst(tf.cast(got, tf.float64).numpy(), quantity, loss, x, t, dtype))
    assert max(errors) <= BOUNDS[dtype]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", [0.0, 1.0])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_odds_beyond_what_the_reciprocal_is_exact_for(mode, target, gamma):
    """Grappler makes a reciprocal of a division, and that is an estimate for float32 beyond 1e35, exp(80.6)."""
    x = np.linspace(-100, 100, 161, dtype=np.float32)
    loss, t = SigmoidFocal(gamma=gamma), np.full_like(x, target)
    function = MODES[mode](lambda x: apply(loss, x, t))
    exact = loss.value_and_gradient(x, t)
    for got, expected in zip((function(tf.constant(x)), derivative(function)(tf.constant(x))), exact, strict=True):
        np.testing.assert_allclose(got.numpy(), expected, rtol=4e-6, atol=np.finfo(np.float32).tiny)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loss", INFINITE, ids=str)
def test_an_infinite_logit_against_a_target_of_any_weight(mode, loss):
    x, t, exact = infinite()
    np.testing.assert_array_equal(MODES[mode](lambda x: apply(loss, x, t))(tf.constant(x)), exact)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loss", INFINITE_ROWS, ids=str)
def test_a_class_without_probability_and_of_any_weight(mode, loss):
    x, t, exact = infinite_rows()
    np.testing.assert_allclose(MODES[mode](lambda x: apply(loss, x, t))(tf.constant(x)), exact, atol=1e-37)


# With gamma beyond 1e34 grappler's order of multiplication overflows: gamma * CE * k for gamma * (k * CE).
@pytest.mark.parametrize("gamma", [0.0, 1e-300, 1e9, 1e30])
@pytest.mark.parametrize("mode", MODES)
def test_extreme_gamma_gives_no_nan(gamma, mode):
    x, t = points("float32", count=20)
    x, t = tf.cast(x[np.isfinite(x)], tf.float32), tf.cast(t[np.isfinite(x)], tf.float32)
    gradient = MODES[mode](derivative(lambda x: sigmoid_focal_loss(x, t, gamma=gamma)))(x)
    assert not np.isnan(gradient.numpy()).any()


# Reductions, weight, mask


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", OPTIONS)
def test_reductions_agree_with_reference(mode, reduction, options):
    options = {name: np.array(value) for name, value in OPTIONS[options].items()}
    exact, slope = focal_ref.sigmoid_focal_loss_value_and_gradient(X, T, reduction=reduction, **options)

    def both(x):
        function = lambda x: sigmoid_focal_loss(x, T, reduction=reduction, **options)
        return function(x), derivative(function)(x)

    value, gradient = MODES[mode](both)(tf.constant(X))
    np.testing.assert_allclose(value, exact, rtol=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-14)


def test_tensor_normalizer_divides():
    np.testing.assert_allclose(total(X, normalizer=tf.constant(4, tf.int32)), total(X) / 4, rtol=1e-15)


def test_masked_elements_reach_nothing():
    x, t, mask = tf.constant([1.0, np.nan, np.inf]), tf.constant([1.0, 7.0, np.nan]), [True, False, False]
    gradient = derivative(lambda x: total(x, t, mask=mask))(x).numpy()
    assert gradient[0] != 0
    assert gradient[1:].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_reduced_half_value_is_float32(dtype):
    assert total(tf.cast(X, dtype)).dtype == tf.float32


# Shapes that a traced function does not know


@pytest.mark.parametrize("mode", ["function", "xla"])
@pytest.mark.parametrize("shape", [(None, 4), None], ids=str)
def test_unknown_shape(shape, mode):
    options, reductions = OPTIONS["masked"], ["none", "mean", "sum_classes"]

    def both(x, t):
        functions = [lambda x, r=r: sigmoid_focal_loss(x, t, reduction=r, **options) for r in reductions]
        return [(function(x), derivative(function)(x)) for function in functions]

    results = MODES[mode](both).get_concrete_function(*[tf.TensorSpec(shape, tf.float64)] * 2)(X, T)
    arrays = {name: np.array(value) for name, value in options.items()}
    for reduction, (value, gradient) in zip(reductions, results, strict=True):
        exact = focal_ref.sigmoid_focal_loss_value_and_gradient(X, T, reduction=reduction, **arrays)
        np.testing.assert_allclose(value, exact[0], rtol=1e-14)
        np.testing.assert_allclose(gradient, exact[1], rtol=1e-14)


def test_unknown_batch_keeps_what_is_known():
    function = traced(sigmoid_focal_loss, input_signature=[tf.TensorSpec((None, 4)), tf.TensorSpec((None, 4))])
    assert function.get_concrete_function().output_shapes.as_list() == [None, 4]


@pytest.mark.parametrize("jit_compile", [False, True], ids=["function", "xla"])
@pytest.mark.parametrize(
    ("signature", "t"), [((None,), T[0][:1]), (None, T[0][:, None]), (None, T.T)], ids=["size", "rank", "transposed"]
)
def test_unknown_shapes_that_differ_are_refused_when_run(signature, t, jit_compile):
    function = traced(
        sigmoid_focal_loss, input_signature=[tf.TensorSpec(signature, tf.float64)] * 2, jit_compile=jit_compile
    )
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        function(X if t.shape == (4, 2) else X[0], t)


def test_unknown_batch_with_another_last_axis_is_refused_while_tracing():
    with pytest.raises(ValueError, match="targets must have the shape of logits"):
        traced(sigmoid_focal_loss).get_concrete_function(tf.TensorSpec((None, 3)), tf.TensorSpec((None, 4)))


# Derivatives


def _hessian_diagonal(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        gradient = derivative(function)(x)
    return tf.linalg.diag_part(tf.reshape(tape.jacobian(gradient, x), (8, 8)))


def _forward(function, x):
    with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
        value = function(x)
    return accumulator.jvp(value)


CURVATURES = {
    "nested tapes": lambda x: derivative(derivative(total))(x),
    "hessian": lambda x: _hessian_diagonal(total, x),
    "forward over reverse": lambda x: _forward(derivative(total), x),
    "tapes around tf.function": lambda x: derivative(derivative(traced(total)))(x),
    "tapes around xla": lambda x: derivative(derivative(MODES["xla"](total)))(x),
    "tape around a traced gradient": lambda x: derivative(traced(derivative(total)))(x),
    "traced": lambda x: traced(derivative(derivative(total)))(x),
    "traced hessian": lambda x: MODES["xla"](lambda x: _hessian_diagonal(total, x))(x),
    "tf.hessians": lambda x: traced(lambda x: tf.linalg.diag_part(tf.reshape(tf.hessians(total(x), x)[0], (8, 8))))(x),
}


@pytest.mark.parametrize("name", CURVATURES)
def test_second_derivatives_of_every_kind(name):
    got = CURVATURES[name](tf.constant(X))
    np.testing.assert_allclose(np.reshape(got, X.shape), SigmoidFocal().curvature(X, T), rtol=1e-13)


def test_variable_gets_a_gradient():
    np.testing.assert_allclose(derivative(total)(tf.Variable(X)), SigmoidFocal().gradient(X, T), rtol=1e-13)


def test_vectorized_map_of_gradients():
    rows = tf.vectorized_map(
        lambda row: derivative(lambda x: total(x, row[1]))(row[0]), (tf.constant(X), tf.constant(T))
    )
    np.testing.assert_allclose(rows, SigmoidFocal().gradient(X, T), rtol=1e-13)


@pytest.mark.parametrize("mode", ["eager", "function"])
@pytest.mark.parametrize("name", ["targets", "weight", "normalizer"])
def test_gradient_of_other_arguments_is_none(mode, name):
    functions = {
        "targets": lambda v: total(X, v * tf.ones_like(X)),
        "weight": lambda v: total(X, weight=v * tf.ones_like(X)),
        "normalizer": lambda v: total(X, normalizer=v),
    }
    assert derivative(MODES[mode](functions[name]))(tf.constant(0.5, tf.float64)) is None


@pytest.mark.parametrize("mode", MODES)
def test_third_derivative_is_refused(mode):
    third = derivative(derivative(derivative(MODES[mode](total))))
    with pytest.raises(NotImplementedError, match="third derivatives"):
        third(tf.constant(X))


def test_saved_model_keeps_the_gradient(tmp_path):
    module = tf.Module()
    module.loss = traced(total, input_signature=[tf.TensorSpec((None, 4), tf.float64)] * 2)
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    gradient = derivative(lambda x: loaded.loss(x, tf.constant(T)))(tf.constant(X))
    np.testing.assert_allclose(gradient, SigmoidFocal().gradient(X, T), rtol=1e-13)


# Input


BAD = {
    "gamma negative": (ValueError, lambda: total(X, gamma=-1.0)),
    "gamma nan": (ValueError, lambda: total(X, gamma=float("nan"))),
    "gamma tensor": (TypeError, lambda: total(X, gamma=tf.constant(2.0))),
    "alpha": (ValueError, lambda: total(X, alpha=1.5)),
    "shapes": (ValueError, lambda: sigmoid_focal_loss(tf.ones((3, 1)), tf.ones(3))),
    "shapes traced": (ValueError, lambda: traced(sigmoid_focal_loss)(tf.ones((3, 1)), tf.ones(3))),
    "weight enlarges": (ValueError, lambda: sigmoid_focal_loss(tf.ones(3), tf.ones(3), weight=tf.ones((3, 3)))),
    "integer": (TypeError, lambda: sigmoid_focal_loss(tf.constant([1]), tf.constant([1]))),
    "complex": (TypeError, lambda: sigmoid_focal_loss(tf.constant([1j]), tf.constant([1]))),
    "string": (TypeError, lambda: sigmoid_focal_loss(["1"], [1])),
    "ragged": (TypeError, lambda: sigmoid_focal_loss(tf.ragged.constant([[1.0], [1.0, 2.0]]), [1])),
    "mask of floats": (TypeError, lambda: total(X, mask=np.ones(4))),
    "reduction": (ValueError, lambda: sigmoid_focal_loss(X, T, reduction="average")),
    "normalizer": (ValueError, lambda: total(X, normalizer=0.0)),
    "normalizer tensor": (ValueError, lambda: total(X, normalizer=tf.constant(-1.0))),
    "normalizer without sum": (ValueError, lambda: sigmoid_focal_loss(X, T, reduction="mean", normalizer=2.0)),
    "normalizer subnormal": (ValueError, lambda: total(X.astype(np.float32), normalizer=1e-39)),
    "gamma no float holds": (ValueError, lambda: total(X, gamma=10**400)),
    "targets above 1": (ValueError, lambda: sigmoid_focal_loss(tf.ones(2), tf.constant([0.0, 2.0]))),
    "targets nan": (ValueError, lambda: sigmoid_focal_loss(tf.ones(2), tf.constant([0.0, np.nan]))),
    "sum_classes of 0-d": (ValueError, lambda: sigmoid_focal_loss(1.0, 1, reduction="sum_classes")),
    "validate while tracing": (ValueError, lambda: traced(lambda x: total(x, validate=True))(X)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    error, call = BAD[name]
    with pytest.raises(error, match=r"must|needs|logits|reads"):
        call()


@pytest.mark.parametrize("mode", ["eager", "xla"])
@pytest.mark.parametrize("shape", [(0,), (3, 0), ()], ids=str)
@pytest.mark.parametrize("reduction", ["none", "mean", "mean_positives"])
def test_empty_and_0d(mode, shape, reduction):
    x, t = np.zeros(shape), np.ones(shape)
    exact = focal_ref.sigmoid_focal_loss(x, t, reduction=reduction)
    got = MODES[mode](lambda x: sigmoid_focal_loss(x, t, reduction=reduction))(tf.constant(x))
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


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
def test_an_index_that_32_bits_do_not_hold_is_no_class_and_no_ignore_index(dtype):
    x = tf.zeros((2, 3))
    for wide in (2**32 - 100, 2**32 + 1 if dtype == "uint64" else 2**31):
        with pytest.raises(ValueError, match="targets must be class indices from 0 to 3"):
            sigmoid_focal_loss(x, tf.constant([1, wide], dtype), ignore_index=-100)


def test_bool_targets_can_be_ignored():
    got = sigmoid_focal_loss(X[0, :3], [True, False, True], ignore_index=0)
    np.testing.assert_allclose(got, sigmoid_focal_loss(X[0, :3], [1, 0, 1], ignore_index=0))
