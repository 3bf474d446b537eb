"""TensorFlow ports for `wrong_transforms`: the right ones, and those that a transformation shows to be wrong."""

import keras
import tensorflow as tf


def plain(logits, targets, alpha=0.25, gamma=2.0):
    """Right: hard targets, the modulating factor by its logarithm."""
    wide = tf.float64 if logits.dtype == tf.float64 else tf.float32
    x, t = tf.cast(logits, wide), tf.cast(targets, wide)
    return tf.cast(_losses(x, t, alpha, gamma), logits.dtype)


def _losses(x, t, alpha, gamma):
    signed = x * (1 - 2 * t)
    loss = tf.exp(gamma * tf.math.log_sigmoid(signed)) * tf.math.softplus(signed)
    return loss if alpha is None else (alpha * t + (1 - alpha) * (1 - t)) * loss


def mean_only(logits, targets, alpha=0.25, gamma=2.0):
    return tf.reduce_mean(plain(logits, targets, alpha, gamma))


def shape_built_in(logits, targets, alpha=0.25, gamma=2.0):
    return tf.ones(logits.shape, logits.dtype) * plain(logits, targets, alpha, gamma)


def calls_python(logits, targets, alpha=0.25, gamma=2.0):
    t = tf.numpy_function(lambda t: t, [targets], targets.dtype)
    return plain(logits, tf.ensure_shape(t, targets.shape), alpha, gamma)


def first_derivative_only(logits, targets, alpha=0.25, gamma=2.0):
    """The first derivative as a constant."""
    stop = tf.stop_gradient
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = plain(logits, targets, alpha, gamma)
    slope = tape.gradient(value, logits)
    return stop(value) + (logits - stop(logits)) * stop(slope)


def second_derivative_of_a_part(logits, targets, alpha=0.25, gamma=2.0):
    """The derivative of the modulating factor as a constant: right once, wrong twice."""
    stop = tf.stop_gradient
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = plain(logits, targets, alpha, gamma)
    slope = tape.gradient(value, logits)
    return value - (logits - stop(logits)) * 0.5 * slope + (logits - stop(logits)) * 0.5 * stop(slope)


def mixes_dtypes(logits, targets, alpha=0.25, gamma=2.0):
    """Computes in the dtype of the logits, and takes the targets for that."""
    return plain(logits - 0 * logits * targets, targets, alpha, gamma)


@keras.saving.register_keras_serializable(package="right")
class RightLoss(keras.losses.Loss):
    def __init__(self, alpha=0.25, gamma=2.0, **options):
        super().__init__(**options)
        self.alpha, self.gamma = alpha, gamma

    def call(self, y_true, y_pred):
        return tf.reduce_mean(plain(y_pred, y_true, self.alpha, self.gamma), axis=-1)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha, "gamma": self.gamma}


@keras.saving.register_keras_serializable(package="wrong")
class ForgetsGamma(RightLoss):
    def get_config(self):
        return {name: value for name, value in super().get_config().items() if name != "gamma"}


@keras.saving.register_keras_serializable(package="wrong")
class SigmoidTwice(RightLoss):
    def call(self, y_true, y_pred):
        return super().call(y_true, tf.sigmoid(y_pred))
