"""Harness of focal_adapters.tensorflow, by tf.GradientTape."""

import numpy as np
import tensorflow as tf
from properties.harness import Harness

import focal_adapters.tensorflow


class TensorFlowHarness(Harness):
    """Eager, on the CPU."""

    name = "tensorflow"
    third_refused = NotImplementedError

    def module(self):
        return focal_adapters.tensorflow

    def array(self, array, dtype):
        return tf.cast(tf.constant(np.asarray(array)), dtype)

    def to_numpy(self, array):
        return tf.cast(array, "float64").numpy()

    def dtype_of(self, array):
        return array.dtype.name

    def value_and_gradient_of(self, function, logits, targets, keywords):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = function(logits, targets, **keywords)
        return value, tape.gradient(value, logits)

    def hessian_product_of(self, function, logits, targets, vector, keywords):
        with tf.GradientTape() as outer:
            outer.watch(logits)
            with tf.GradientTape() as inner:
                inner.watch(logits)
                value = function(logits, targets, **keywords)
            gradient = inner.gradient(value, logits)
        return outer.gradient(gradient, logits, output_gradients=vector)

    def third_derivative(self, function, logits, targets):
        with tf.GradientTape() as third:
            third.watch(logits)
            with tf.GradientTape() as second:
                second.watch(logits)
                with tf.GradientTape() as first:
                    first.watch(logits)
                    value = function(logits, targets)
                gradient = first.gradient(value, logits)
            curvature = second.gradient(gradient, logits)
        return third.gradient(curvature, logits)

    def derivative_with_respect_to(self, name, function, logits, targets, weight):
        arguments = {"targets": targets, "weight": weight}
        with tf.GradientTape() as tape:
            tape.watch(arguments[name])
            value = function(logits, targets, weight=weight)
        return tape.gradient(value, arguments[name])
