"""MirroredStrategy over two virtual CPU devices, against one."""

import numpy as np
import pytest
import tensorflow as tf
from scale.problem import CLASSES, assert_sum, assert_sum_of_rows, logits_and_targets
from scale.scale_page import run_section, wrong_by

from focal_adapters.tensorflow import sigmoid_focal_loss

# Before TensorFlow starts its devices, once in a process.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
X, T = logits_and_targets()
WEIGHTS = np.random.default_rng(7).normal(0.0, 1.0, (CLASSES, CLASSES)).astype(X.dtype)


@pytest.fixture(scope="module")
def strategy():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def parts(strategy, array):
    def part(context):
        return tf.constant(np.split(array, 2)[context.replica_id_in_sync_group])

    return strategy.experimental_distribute_values_from_function(part)


@tf.function
def on_one_device(logits, t):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = sigmoid_focal_loss(logits, t, reduction="mean_positives")
    return tape.gradient(loss, logits)


@tf.function
def through(x, weights, upstream):
    with tf.GradientTape() as tape:
        tape.watch(weights)
        logits = tf.matmul(x, weights)
    return logits, tape.gradient(logits, weights, output_gradients=upstream)


def test_the_step_of_the_page(strategy):
    step = run_section("TensorFlow: MirroredStrategy")["step"]
    with strategy.scope():
        weights = tf.Variable(WEIGHTS)
    outcome = strategy.run(step, (weights, parts(strategy, X), parts(strategy, T)))
    losses, gradients, per_logit = (
        [part.numpy() for part in strategy.experimental_local_results(quantity)] for quantity in outcome
    )
    # A product of half of the rows need not have the bits of one of all.
    logits = np.concatenate([tf.matmul(part, WEIGHTS).numpy() for part in np.split(X, 2)])
    per_logit = np.concatenate(per_logit)
    np.testing.assert_array_equal(per_logit, on_one_device(tf.constant(logits), tf.constant(T)))
    terms = X[:, :, None] * per_logit[:, None, :]
    _, one_device = through(tf.constant(X), tf.constant(WEIGHTS), tf.constant(per_logit))
    for loss, gradient in zip(losses, gradients, strict=True):
        assert_sum(loss, logits, T, np.count_nonzero(T), "tensorflow")
        assert_sum_of_rows(gradient, one_device.numpy(), terms)


def test_a_mean_over_the_own_positives_is_another_number(strategy):
    @tf.function
    def naive(x, t):
        loss = sigmoid_focal_loss(x, t, reduction="mean_positives")
        return tf.distribute.get_replica_context().all_reduce("mean", loss)

    first, second = strategy.experimental_local_results(strategy.run(naive, (parts(strategy, X), parts(strategy, T))))
    assert float(first) == float(second)
    exact = float(sigmoid_focal_loss(X, T, reduction="mean_positives"))
    assert float(first) / exact - 1.0 == pytest.approx(wrong_by("MirroredStrategy"), abs=0.005)
