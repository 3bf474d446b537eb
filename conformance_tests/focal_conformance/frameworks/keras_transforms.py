"""Keras on TensorFlow: policies of mixed precision, training, and saved models."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from focal_conformance.checks.sample import Sample
from focal_conformance.checks.transforms.trial import Trial
from focal_conformance.dialect import NotClaimed

MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
RATE = 0.125


@contextmanager
def _policy(name: str) -> Iterator[None]:
    if keras.config.backend() != "tensorflow":
        raise NotClaimed(f"Keras runs on {keras.config.backend()} here: set KERAS_BACKEND=tensorflow")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def mixed_precision(trial: Trial) -> None:
    """Logits from a layer in half precision, targets in float32 as data sets have them."""
    for policy, dtype in MIXED.items():
        if dtype not in trial.session.dtypes:
            trial.outcome.unclaimed.append(f"{policy}: it does not claim {dtype}")
            continue
        points = trial.points(dtype=dtype)
        x, _ = trial.arrays(points)
        _, targets = trial.session.arrays(points.logits, points.targets, "float32")
        with _policy(policy):
            logits = keras.layers.Activation("linear")(x)
            value, slope = trial.driver.gradient(trial.function(points), logits, targets)
        trial.judge_both(value, slope, points, policy)
        trial.judge_dtype(value, points, policy, also=("float32",))
        trial.outcome.expect(slope.dtype == dtype, f"{policy}: gradient in {slope.dtype.name}, expected {dtype}")


def keras_fit(trial: Trial) -> None:
    """A model whose logits are the golden ones: the loss that it reports, and the step that it takes."""
    for policy in ("float32", *(name for name, dtype in MIXED.items() if dtype in trial.session.dtypes)):
        points = trial.points(dtype=MIXED.get(policy, "float32"))
        with _policy(policy):
            model, x, t = _model(trial, points)
            before = model.get_weights()[0]
            history = model.fit(x, t, batch_size=len(x), epochs=1, verbose=0, shuffle=False).history
            slope = (before - model.get_weights()[0]) / RATE
        rows, relative = len(x), 0.01
        loss, tolerance = np.sum(points.value) / rows, np.sum(points.value_tolerance) / rows
        trial.judge_numbers(np.asarray(history["loss"][0]), np.asarray(loss), np.asarray(tolerance), f"fit, {policy}")
        # The kernel is the identity: its gradient is that of the logits times the inputs.
        logits = points.logits.reshape(rows, -1)
        want = logits.T @ points.gradient.reshape(rows, -1) / rows
        room = np.abs(logits).T @ points.gradient_tolerance.reshape(rows, -1) / rows + relative * np.abs(want)
        trial.judge_numbers(np.asarray(slope, dtype=np.float64), want, room, f"fit, {policy}: gradient of the kernel")


def keras_save(trial: Trial) -> None:
    """What was trained is loaded with the same loss and the same parameters."""
    parameters = trial.parameter_sets(2)[1]
    points = trial.points(parameters=parameters)
    model, x, t = _model(trial, points)
    with tempfile.TemporaryDirectory(prefix="focal-ref-") as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
    rows = len(x)
    got = loaded.evaluate(x, t, batch_size=rows, verbose=0)
    loss, tolerance = np.sum(points.value) / rows, np.sum(points.value_tolerance) / rows
    trial.judge_numbers(np.asarray(got), np.asarray(loss), np.asarray(tolerance), "loss of the loaded model")
    trial.outcome.expect(
        type(loaded.loss) is type(model.loss), f"the loaded model's loss is a {type(loaded.loss).__name__}"
    )


def _model(trial: Trial, points: Sample) -> tuple[Any, Any, Any]:
    """A compiled model without bias whose logits are its inputs, and its data."""
    make = getattr(trial.session.port, "keras_class", None)
    if make is None:
        raise NotClaimed("it has no Keras class")
    keywords = trial.keywords(points)
    dialect = trial.session.port.dialect
    parameters = {name: keywords[name] for name in (dialect.alpha, dialect.gamma) if name in keywords}
    x = points.logits.reshape(len(points.logits), -1).astype(np.float32)
    t = points.targets.reshape(len(x), -1).astype(np.float32)
    dense = keras.layers.Dense(x.shape[1], use_bias=False, kernel_initializer="identity")
    model = keras.Sequential([keras.layers.Input((x.shape[1],)), dense])
    optimizer = keras.optimizers.SGD(RATE)
    if keras.config.dtype_policy().name == "mixed_float16":
        # Keras' own scale of 2^15 may overflow in the first step, which is then left out, by design.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=2.0**10)
    model.compile(optimizer, loss=make(**parameters))
    return model, x, t
