"""The Keras loss of the TensorFlow adapter: Keras' conventions, by Keras' own loss where it is accurate."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import pytest
from agreement import small

import focal_ref

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
if keras.config.backend() != "tensorflow":
    pytest.skip("Keras runs on another backend", allow_module_level=True)

from focal_adapters.tensorflow import SigmoidFocalLoss  # noqa: E402

X, T = (array.astype(np.float32) for array in small())
REDUCTIONS = [None, "sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"]


@pytest.fixture
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def test_sample_loss_is_the_mean_of_the_reference():
    exact = focal_ref.sigmoid_focal_loss(X, T, gamma=1.5).mean(axis=-1)
    np.testing.assert_allclose(SigmoidFocalLoss(gamma=1.5, reduction=None)(T, X), exact, rtol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, 2.0, [1.0, 3.0], [[1.0], [3.0]]], ids=str)
def test_reduces_as_keras_own_loss(reduction, weight):
    own = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, from_logits=True, reduction=reduction)
    got = SigmoidFocalLoss(reduction=reduction)(T, X, sample_weight=weight)
    # Keras' own gives losses of shape (2, 1) for weights of that shape.
    np.testing.assert_allclose(got, np.reshape(own(T, X, sample_weight=weight), np.shape(got)), rtol=1e-5)


def test_sample_weight_belongs_to_the_first_axis():
    x, t = np.stack([X, X]), np.stack([T, T])
    got = SigmoidFocalLoss(reduction=None)(t, x, sample_weight=[1.0, 3.0])
    one = SigmoidFocalLoss(reduction=None)(T, X)
    np.testing.assert_allclose(got, [one, 3 * one], rtol=1e-6)


@pytest.mark.parametrize("shapes", [((4, 1), (4,)), ((4,), (4, 1)), ((4, 1), (4, 4))], ids=str)
def test_shapes_that_differ_are_refused(shapes):
    with pytest.raises(ValueError, match="y_true must have the shape of y_pred"):
        SigmoidFocalLoss()(np.ones(shapes[0]), np.ones(shapes[1]))


@pytest.mark.parametrize("shape", [(4,), (2, 2), (2, 4), (1, 2, 1)], ids=str)
def test_sample_weight_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match="sample_weight must"):
        SigmoidFocalLoss()(T, X, sample_weight=np.ones(shape))


@pytest.mark.parametrize("options", [{"gamma": -1.0}, {"alpha": 2.0}, {"reduction": "average"}], ids=str)
def test_bad_parameter_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SigmoidFocalLoss(**options)


@pytest.mark.parametrize("dtype", [None, "float64", "mixed_float16"])
def test_config_round_trip(dtype):
    loss = SigmoidFocalLoss(alpha=None, gamma=1.5, reduction="sum", name="mine", dtype=dtype)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is SigmoidFocalLoss
    assert again.get_config() == loss.get_config()
    assert again.dtype == loss.dtype


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_logits_are_computed_in_float32(dtype):
    x, t = tf.cast(8 * X, dtype), tf.cast(T, dtype)
    exact = focal_ref.sigmoid_focal_loss(tf.cast(x, tf.float64).numpy(), T).mean(axis=-1)
    np.testing.assert_array_equal(SigmoidFocalLoss(dtype=dtype, reduction=None)(t, x), tf.cast(exact, dtype))


@pytest.mark.parametrize(
    ("policy", "jit_compile"),
    [("float32", False), ("float32", True), ("mixed_float16", False), ("mixed_bfloat16", True)],
    indirect=["policy"],
)
def test_fit_save_and_load(tmp_path, policy, jit_compile):
    keras.utils.set_random_seed(1)
    x = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    t = (x[:, :3] > 0).astype(np.float32)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(0.1), loss=SigmoidFocalLoss(gamma=1.5), jit_compile=jit_compile)
    history = model.fit(x, t, epochs=8, batch_size=20, verbose=0, sample_weight=np.ones(50)).history["loss"]
    assert history[-1] < history[0] / 2
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.gamma == 1.5
    np.testing.assert_allclose(loaded.evaluate(x, t, verbose=0), model.evaluate(x, t, verbose=0), rtol=1e-3)


def test_fit_refuses_targets_of_another_shape():
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile(loss=SigmoidFocalLoss())
    with pytest.raises(ValueError, match="y_true must have the shape of y_pred"):
        model.fit(np.ones((8, 4)), np.ones(8), verbose=0)
