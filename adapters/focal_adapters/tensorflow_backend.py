"""What the pipeline needs to know about TensorFlow: tensors, dtypes, devices, tracing."""

from typing import Any

import numpy as np
import tensorflow as tf

from focal_adapters import tensorflow_namespace as xp
from focal_adapters.tensorflow_autodiff import element_losses
from focal_ref.checks import describe
from focal_ref.losses import Loss

Tensor = Any


class _TensorFlow:
    """`focal_adapters.backend.Backend`, which documents the methods."""

    xp = xp

    def as_array(self, name: str, value: Any, like: Tensor | None) -> Tensor:
        accepted = (tf.Tensor, tf.Variable, np.ndarray, np.generic, list, tuple, bool, int, float)
        if not isinstance(value, accepted) and not hasattr(value, "__tf_tensor__"):
            raise TypeError(f"{name} must be a tensor, a NumPy array or a list of numbers, got {describe(value)}")
        tensor = tf.convert_to_tensor(value)
        # Its gradient is then None, TensorFlow's word for not connected, and never 0.
        return tensor if like is None else tf.stop_gradient(tensor)

    def kind(self, array: Tensor) -> str:
        kinds = ("floating", "integer", "complex", "bool")
        return next((kind for kind in kinds if getattr(array.dtype, f"is_{kind}")), "other")

    def compute_dtype(self, array: Tensor) -> tf.DType:
        return tf.float64 if array.dtype == tf.float64 else tf.float32

    def refuse_derivative(self, name: str, array: Tensor) -> None:
        """`as_array` has disconnected it."""

    def readable(self, array: Tensor) -> bool:
        return not self.traced(array) and ":CPU:" in array.device

    def traced(self, array: Tensor) -> bool:
        return not (tf.executing_eagerly() and hasattr(array, "numpy"))

    def elements(self, loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
        return element_losses(loss, logits, targets)


BACKEND = _TensorFlow()
