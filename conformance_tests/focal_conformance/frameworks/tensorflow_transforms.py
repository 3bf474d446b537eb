"""Transformations of TensorFlow."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from focal_conformance.checks.transforms.trial import Trial
from focal_conformance.frameworks.driver import Function, NoDerivative


def _both(trial: Trial, function: Function) -> Callable[..., Any]:
    return lambda x, t: trial.driver.gradient(function, x, t)


def unknown_batch(trial: Trial) -> None:
    """Traced once for every batch size: value and gradient."""
    points = trial.points()
    shapes = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in trial.arrays(points)]
    traced = tf.function(_both(trial, trial.function(points)), input_signature=shapes)
    for rows in (len(points.logits), 5, 19):
        other = trial.points(rows)
        value, slope = traced(*trial.arrays(other))
        trial.judge_both(value, slope, other, f"tf.function with an unknown batch, {rows} rows")


def xla(trial: Trial) -> None:
    """Value and gradient in one XLA computation."""
    points = trial.points()
    compiled = tf.function(_both(trial, trial.function(points)), jit_compile=True)
    value, slope = compiled(*trial.arrays(points))
    trial.judge_both(value, slope, points, "tf.function(jit_compile=True)")


def nested_tapes(trial: Trial) -> None:
    """A tape around a tape, eager and in tf.function."""
    points = trial.points()
    x, t = trial.arrays(points)
    function = trial.function(points)

    seeds = trial.seeds(points)

    def second(x: Any, t: Any) -> Any:
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            _, slope = trial.driver.gradient(function, x, t)
        products = [outer.gradient(slope, x, output_gradients=seed) for seed in seeds]
        if products[0] is None:
            raise NoDerivative("tf.GradientTape.gradient gave None: the gradient is not connected to the logits")
        return tf.add_n([seed * product for seed, product in zip(seeds, products, strict=True)])

    for label, run in (("two tapes", second), ("two tapes in tf.function", tf.function(second))):
        trial.judge("curvature", run(x, t), points, label)
