"""The rows of docs/migrate.md that run in TensorFlow."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import pytest
import tensorflow as tf
from migrate.migration_page import assert_same, factors, inputs, pairs


def value_and_gradient(expression, imported):
    arrays = {name: tf.constant(array) for name, array in inputs().items()}
    logits = [arrays[name] for name in ("x", "z")]
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = eval(expression, {**imported, **arrays})
        total = tf.reduce_sum(value * factors(value.shape))
    slopes = tape.gradient(total, logits, unconnected_gradients="zero")
    return value.numpy(), np.concatenate([slope.numpy().ravel() for slope in slopes])


@pytest.mark.parametrize(("section", "row"), **pairs("tensorflow"))
def test_both_sides_agree(section, row):
    if section.missing:
        pytest.skip(f"not installed: {', '.join(section.missing)}")
    names = section.names()
    assert_same(value_and_gradient(row.theirs, names), value_and_gradient(row.ours, names))
