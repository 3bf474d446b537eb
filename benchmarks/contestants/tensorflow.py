"""TensorFlow: eager, ``tf.function`` and XLA; a step is a loss and its gradient by a tape."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.cases import OURS, Case, Work
from benchmarks.contestants import Entrant
from benchmarks.data import Data
from focal_adapters import tensorflow as adapter

Loss = Callable[[Any, Any], Any]


def opened(case: Case, data: Data) -> Callable[[str], Entrant]:
    """Contestants by name, on the same two tensors."""
    dtype = getattr(tf, case.work.dtype)
    x = tf.cast(tf.convert_to_tensor(data.logits), dtype)
    t = tf.cast(tf.convert_to_tensor(data.targets), dtype if case.work.targets == "dense" else tf.int64)

    def entrant(name: str) -> Entrant:
        loss = _ours(case.work) if name == OURS else _keras(case.work)

        def step(x: Any, t: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = loss(x, t)
            return value, tape.gradient(value, x)

        if case.mode != "eager":
            step = tf.function(step, jit_compile=case.mode == "xla")
        return Entrant(lambda: _waited(step(x, t)), _numbers)

    return entrant


def _waited(result: Any) -> Any:
    """The value as a number, which is there when the step has ended."""
    result[0].numpy()
    return result


def _numbers(result: Any) -> tuple[float, Any]:
    return float(result[0]), np.asarray(tf.cast(result[1], tf.float32))


def _ours(work: Work) -> Loss:
    return lambda x, t: adapter.sigmoid_focal_loss(x, t, alpha=work.alpha, gamma=work.gamma, reduction="sum")


def _keras(work: Work) -> Loss:
    from keras.losses import BinaryFocalCrossentropy

    # Without a dtype of its own it computes in float32, whatever comes in.
    loss = BinaryFocalCrossentropy(
        apply_class_balancing=True, alpha=work.alpha, gamma=work.gamma, from_logits=True, reduction="sum"
    )

    def total(x: Any, t: Any) -> Any:
        dense = t if work.targets == "dense" else tf.one_hot(t, work.classes, dtype=x.dtype)
        # It sums the means of the rows.
        return loss(dense, x) * work.classes

    return total
