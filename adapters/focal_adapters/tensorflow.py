"""The focal losses for TensorFlow: eager, tf.function, XLA, nested tapes; and for Keras on TensorFlow.

Every registered loss has a function and a Keras loss: ``sigmoid_focal_loss``, ``SigmoidFocalLoss``,
``softmax_focal_loss``, ``SoftmaxFocalLoss``.
"""

from dataclasses import replace
from typing import Any

import tensorflow as tf

from focal_adapters import pipeline
from focal_adapters import tensorflow_namespace as xp
from focal_adapters.faces import ACCURACY, VALIDATE, adapter_functions, class_names, looked_up
from focal_adapters.tensorflow_backend import BACKEND
from focal_adapters.tensorflow_shapes import flattened, known
from focal_ref import targets as reference_targets
from focal_ref.faces import Words
from focal_ref.losses import Loss

Tensor = Any

__all__ = ["apply", "smooth_targets"]


@tf.autograph.experimental.do_not_convert
def apply(
    loss: Loss,
    logits: Any,
    targets: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    ignore_index: int | None = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Tensor:
    """Any loss object of focal_ref on tensors; the options are those of `sigmoid_focal_loss`."""
    options: dict[str, Any] = {"reduction": reduction, "normalizer": normalizer, "validate": validate}
    options["ignore_index"] = ignore_index
    if not tf.executing_eagerly():
        x = BACKEND.as_array("logits", logits, None)
        named = (("targets", targets), ("weight", weight), ("mask", mask))
        t, w, m = (None if value is None else BACKEND.as_array(name, value, x) for name, value in named)
        if not known(x, t, w, m):
            flat = flattened(loss, x, t, w, m, keep_last=reduction == "sum_classes")
            loss = loss if loss.axis == -1 else replace(loss, axis=-1)  # type: ignore[type-var]
            result = pipeline.apply(
                BACKEND, loss, flat.logits, flat.targets, weight=flat.weight, mask=flat.mask, **options
            )
            return flat.restored(result, reduction, loss.consumes_classes)
    return pipeline.apply(BACKEND, loss, logits, targets, weight=weight, mask=mask, **options)


def smooth_targets(targets: Any, epsilon: float, *, num_classes: int = 2) -> Tensor:
    """``targets (1 - epsilon) + epsilon / num_classes``, as `focal_ref.smooth_targets`, for tensors."""
    return reference_targets.smooth_targets(tf.convert_to_tensor(targets), epsilon, num_classes=num_classes, xp=xp)


_WORDS = Words(
    array="tensor",
    number="float or 0-d tensor",
    logits=(
        "tensor, float64, float32, bfloat16 or float16\n"
        "    The half types are computed in float32 and rounded once. alpha and gamma are Python numbers."
    ),
    returns=(
        'tensor of the shape of the losses ("none"), without the classes ("sum_classes") or ().\n'
        "    Of the dtype of logits; reduced values of half types are float32."
    ),
    raises=(
        "TypeError, ValueError\n    Naming the parameter, the value and the rule.\n"
        "NotImplementedError\n    On a third differentiation. Gradients with respect to anything but the logits are "
        "None.\ntf.errors.InvalidArgumentError\n    In a tf.function that did not know the shapes, where they do not "
        "match."
    ),
    notes=f"Eager, tf.function and XLA. Results below the smallest normal number may be 0 on CPU.\n{ACCURACY}",
    more_parameters=VALIDATE,
)
_FUNCTIONS = {
    name: tf.autograph.experimental.do_not_convert(function)
    for name, function in adapter_functions(_WORDS, __name__, apply).items()
}


def __getattr__(name: str) -> Any:
    """Functions of every registered loss; its Keras loss, which needs Keras, only once it is asked for."""
    if name in class_names():
        from focal_adapters.keras_losses import CLASSES

        return CLASSES[name]
    return looked_up(__name__, name, _FUNCTIONS)


def __dir__() -> list[str]:
    """What is public."""
    return sorted({*globals(), *_FUNCTIONS, *class_names()})
