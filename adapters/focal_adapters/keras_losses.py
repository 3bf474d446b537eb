"""The focal losses as Keras losses, for Keras on TensorFlow."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from focal_adapters.tensorflow import sigmoid_focal_loss
from focal_ref.losses import SigmoidFocal

if keras.config.backend() != "tensorflow":
    raise ImportError(
        f"focal_adapters.tensorflow's Keras losses need KERAS_BACKEND='tensorflow', got {keras.config.backend()!r}"
    )


@keras.saving.register_keras_serializable(package="focal_adapters")
class SigmoidFocalLoss(keras.losses.Loss):
    """Sigmoid focal loss of logits, by Keras' conventions.

    A sample's loss is the mean over the last axis, so that the reduced value is that of
    ``keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, from_logits=True)``, without
    that one's clipped probabilities.

    Parameters
    ----------
    alpha : float in [0, 1] or None
        Weight of the positive class, ``1 - alpha`` that of the negative one; None switches it off.
    gamma : float >= 0
        Focusing parameter.
    reduction, name, dtype
        As every Keras loss has them. Half types are computed in float32 and rounded for the reduction.

    Raises
    ------
    TypeError, ValueError
        A parameter that is not such a number; shapes that do not match, which Keras would broadcast.

    Notes
    -----
    Unit: nats. At most 32 ULP an element in float32 and float64 for gamma <= 5. Source: Lin et al.
    2017, arXiv:1708.02002, eq. (5).

    Examples
    --------
    >>> from focal_adapters.tensorflow import SigmoidFocalLoss
    >>> round(float(SigmoidFocalLoss(reduction="sum")([[1.0], [0.0]], [[2.0], [-1.0]])), 4)
    0.0174
    """

    def __init__(
        self,
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "sigmoid_focal_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        loss = SigmoidFocal(alpha=alpha, gamma=gamma)
        self.alpha, self.gamma = loss.alpha, loss.gamma
        self._given_dtype = None if dtype is None else keras.dtype_policies.serialize(keras.dtype_policies.get(dtype))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Reduce the losses of the samples.

        Parameters
        ----------
        y_true, y_pred : tensors of one shape, (batch, ..., last)
            Targets in [0, 1], and logits.
        sample_weight : tensor, optional
            A number, or of the shape of y_pred without its last axis or of its first axes; there an
            axis may be 1, and one last axis of size 1 may follow.
        """
        if sample_weight is not None:
            sample_weight = _fitted_weight(sample_weight, _shape(y_pred))
        return super().__call__(y_true, y_pred, sample_weight=sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each sample: the mean over the last axis."""
        y_pred, y_true = tf.convert_to_tensor(y_pred), tf.convert_to_tensor(y_true)
        if not y_pred.shape.is_compatible_with(y_true.shape):
            raise ValueError(
                f"y_true must have the shape of y_pred, got y_pred {tuple(y_pred.shape)} and y_true "
                f"{tuple(y_true.shape)}; they are not broadcast"
            )
        # Rounded once, after the mean.
        wide = tf.float64 if y_pred.dtype == tf.float64 else tf.float32
        elements = sigmoid_focal_loss(tf.cast(y_pred, wide), y_true, alpha=self.alpha, gamma=self.gamma)
        return tf.cast(tf.reduce_mean(elements, axis=-1), y_pred.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"alpha": self.alpha, "gamma": self.gamma, "dtype": self._given_dtype}
        return {**super().get_config(), **own}


def _shape(array: Any) -> tuple[int | None, ...] | None:
    shape = getattr(array, "shape", None)
    if shape is None:
        return np.shape(array)
    return None if isinstance(shape, tf.TensorShape) and shape.rank is None else tuple(shape)


def _fitted_weight(weight: Any, shape: tuple[int | None, ...] | None) -> Any:
    """Weights with the axes of the losses: Keras aligns them at the last axis, and may enlarge the losses."""
    weight = tf.convert_to_tensor(weight)
    if shape is None or weight.shape.rank in (None, 0):
        return weight
    losses, rank = shape[:-1], weight.shape.rank
    if rank == len(losses) + 1 and weight.shape[-1] == 1:
        weight = tf.squeeze(weight, axis=-1)
    for _ in range(len(losses) - rank):
        weight = tf.expand_dims(weight, axis=-1)
    known = [(n, m) for n, m in zip(weight.shape, losses, strict=False) if n is not None and m is not None]
    if weight.shape.rank != len(losses) or any(n not in (1, m) for n, m in known):
        raise ValueError(
            f"sample_weight must be a number or fit the losses of shape {losses} at their first axes, "
            f"without enlarging them, got {tuple(weight.shape)}"
        )
    return weight
