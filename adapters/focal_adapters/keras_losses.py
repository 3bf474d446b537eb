"""The focal losses as Keras losses, for Keras on TensorFlow: one class for each registered loss."""

import dataclasses
import inspect
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from focal_adapters.faces import check_names, class_names, class_signature
from focal_adapters.tensorflow import apply
from focal_ref.losses import Loss

if keras.config.backend() != "tensorflow":
    raise ImportError(
        f"focal_adapters.tensorflow's Keras losses need KERAS_BACKEND='tensorflow', got {keras.config.backend()!r}"
    )

_DOC = """{summary}, by Keras' conventions.

{meaning}

Parameters
----------
{parameters}
    As in `{function}`.
reduction, name, dtype
    As every Keras loss has them. Half types are computed in float32 and rounded for the reduction.

Raises
------
TypeError, ValueError
    A parameter that is not as it should be; shapes that do not match, which Keras would broadcast.

Notes
-----
Unit: nats. Accuracy as that of `{function}`, a loss. Source: Lin et al. 2017, arXiv:1708.02002, eq. (5).
"""
_MEANING = {
    False: (
        "A sample's loss is the mean over the last axis, so that the reduced value is that of\n"
        "``keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, from_logits=True)``, without\n"
        "that one's clipped probabilities."
    ),
    True: (
        "A sample's loss is that of its row of classes. ``y_true`` holds one-hot or soft rows, of the shape of\n"
        "``y_pred``, or class indices, without the class axis or with 1 in its place. What is to be ignored gets\n"
        "``sample_weight`` 0 and any class; in a graph an index outside the classes gives nan, and so do rows\n"
        "that do not sum to 1."
    ),
}


class FocalKerasLoss(keras.losses.Loss):
    """A loss object of focal_ref behind Keras' protocol."""

    loss_class: type[Loss]

    def __init__(
        self,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **parameters: Any,
    ) -> None:
        super().__init__(name=name or f"{self.loss_class.name}_loss", reduction=reduction, dtype=dtype)
        check_names(type(self).__name__, parameters, tuple(f.name for f in dataclasses.fields(self.loss_class)))  # type: ignore[arg-type]
        self.loss = self.loss_class(**parameters)
        self._given_dtype = None if dtype is None else keras.dtype_policies.serialize(keras.dtype_policies.get(dtype))

    def __getattr__(self, name: str) -> Any:
        """Parameters of the loss, ``gamma`` for one."""
        if name != "loss" and name in {field.name for field in dataclasses.fields(self.loss_class)}:  # type: ignore[arg-type]
            return getattr(self.loss, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Reduce the losses of the samples.

        Parameters
        ----------
        y_true, y_pred : tensors
            Targets and logits, (batch, ..., last).
        sample_weight : tensor, optional
            A number, or of the shape of the losses or of its first axes; there an axis may be 1, and
            one last axis of size 1 may follow.
        """
        if sample_weight is not None:
            sample_weight = _fitted_weight(sample_weight, self._losses_shape(_shape(y_pred)))
        return super().__call__(y_true, y_pred, sample_weight=sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each sample."""
        y_pred, y_true = tf.convert_to_tensor(y_pred), tf.convert_to_tensor(y_true)
        y_true = self._targets(y_true, y_pred)
        # Rounded once, after the mean.
        wide = tf.float64 if y_pred.dtype == tf.float64 else tf.float32
        losses = apply(self.loss, tf.cast(y_pred, wide), y_true)
        losses = losses if self.loss.consumes_classes else tf.reduce_mean(losses, axis=-1)
        return tf.cast(losses, y_pred.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), **dataclasses.asdict(self.loss), "dtype": self._given_dtype}  # type: ignore[call-overload]

    def _losses_shape(self, shape: tuple[int | None, ...] | None) -> tuple[int | None, ...] | None:
        if shape is None:
            return None
        return self.loss.index_shape(shape) if self.loss.consumes_classes else shape[:-1]

    def _targets(self, y_true: Any, y_pred: Any) -> Any:
        rank = y_pred.shape.rank
        if self.loss.consumes_classes and rank is not None and y_true.shape.rank is not None:
            classes = y_pred.shape[self.loss.axis]
            if y_true.shape.rank == rank and y_true.shape[self.loss.axis] == 1 and classes != 1:
                y_true = tf.squeeze(y_true, axis=self.loss.axis)
            if y_true.shape.rank == rank - 1:
                return self._indices(y_true, classes)
        if not y_pred.shape.is_compatible_with(y_true.shape):
            indices = " or be class indices without the class axis" if self.loss.consumes_classes else ""
            raise ValueError(
                f"y_true must have the shape of y_pred{indices}, got y_pred {tuple(y_pred.shape)} and y_true "
                f"{tuple(y_true.shape)}; they are not broadcast"
            )
        return y_true

    def _indices(self, y_true: Any, classes: int | None) -> Any:
        """Class indices, which Keras has cast to the dtype of the loss."""
        exact_up_to = {tf.float16: 2**11, tf.bfloat16: 2**8, tf.float32: 2**24}.get(y_true.dtype)
        if exact_up_to is not None and classes is not None and classes > exact_up_to:
            raise ValueError(
                f"dtype must hold class indices up to {classes - 1}, got {y_true.dtype.name}; give dtype='float32'"
            )
        if not y_true.dtype.is_floating:
            return tf.cast(y_true, tf.int32)
        whole = tf.equal(y_true, tf.round(y_true))
        if tf.executing_eagerly() and not tf.reduce_all(whole):
            wrong = float(tf.boolean_mask(y_true, ~whole)[0])
            raise ValueError(f"y_true must hold whole numbers as class indices, got {wrong!r}")
        # In a graph nobody can look; -1 is no class, and its loss is nan.
        return tf.where(whole, tf.cast(tf.round(y_true), tf.int32), -1)


def _classes() -> dict[str, type[FocalKerasLoss]]:
    classes = {}
    for name, loss in class_names().items():
        fields = dataclasses.fields(loss)  # type: ignore[arg-type]
        doc = _DOC.format(
            summary=(inspect.getdoc(loss) or "").splitlines()[0].rstrip("."),
            meaning=_MEANING[loss.consumes_classes],
            parameters=", ".join(field.name for field in fields),
            function=f"{loss.name}_loss",
        )
        others = {"reduction": "sum_over_batch_size", "name": f"{loss.name}_loss", "dtype": None}
        members = {
            "__doc__": doc,
            "__module__": "focal_adapters.tensorflow",
            "__signature__": class_signature(loss, others),
            "loss_class": loss,
        }
        made = type(name, (FocalKerasLoss,), members)
        classes[name] = keras.saving.register_keras_serializable(package="focal_adapters")(made)
    return classes


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
    losses, rank = shape, weight.shape.rank
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


CLASSES = _classes()
"""Name -> Keras loss."""
