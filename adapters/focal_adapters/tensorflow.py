"""The focal losses for TensorFlow: eager, tf.function, XLA, nested tapes; and for Keras on TensorFlow."""

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from focal_adapters import pipeline
from focal_adapters.tensorflow_backend import BACKEND
from focal_adapters.tensorflow_shapes import flattened, known, restored
from focal_ref.losses import ElementwiseLoss, SigmoidFocal

if TYPE_CHECKING:
    from focal_adapters.keras_losses import SigmoidFocalLoss

Tensor = Any

__all__ = ["SigmoidFocalLoss", "apply", "sigmoid_focal_loss"]


@tf.autograph.experimental.do_not_convert
def apply(
    loss: ElementwiseLoss,
    logits: Any,
    targets: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Tensor:
    """Any loss object of focal_ref on tensors; the arguments are those of `sigmoid_focal_loss`."""
    options: dict[str, Any] = {"reduction": reduction, "normalizer": normalizer, "validate": validate}
    if not tf.executing_eagerly():
        x = BACKEND.as_array("logits", logits, None)
        named = (("targets", targets), ("weight", weight), ("mask", mask))
        t, w, m = (None if value is None else BACKEND.as_array(name, value, x) for name, value in named)
        if not known(x, t, w, m):
            flat = flattened(x, t, w, m, keep_last=reduction == "sum_classes")
            result = pipeline.apply(BACKEND, loss, *flat[:2], weight=flat[2], mask=flat[3], **options)
            return restored(result, x, reduction)
    return pipeline.apply(BACKEND, loss, logits, targets, weight=weight, mask=mask, **options)


@tf.autograph.experimental.do_not_convert
def sigmoid_focal_loss(
    logits: Any,
    targets: Any,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Tensor:
    """Sigmoid focal loss of tensors, with analytic first and second derivatives.

    Parameters
    ----------
    logits : tensor of any shape S, float64, float32, bfloat16 or float16
        The half types are computed in float32 and rounded once.
    targets : tensor of shape S, floating in [0, 1], integer or bool
        Probability of the positive class; soft targets follow the linear rule.
    alpha : float in [0, 1] or None
        Weight of the positive class, ``1 - alpha`` that of the negative one; None switches it off.
    gamma : float >= 0
        Focusing parameter. As alpha a Python number, no tensor.
    weight : tensor, optional
        Multiplies element losses; of shape S or broadcast to it. In no denominator.
    mask : bool tensor, optional
        True counts; of shape S or broadcast to it. What a masked element holds reaches nothing.
    reduction : {"none", "sum", "mean", "sum_classes", "mean_positives"}
        "mean" divides by the number of unmasked elements, "mean_positives" by
        max(1, number of unmasked targets >= 0.5); "sum_classes" sums over the last axis.
    normalizer : float or 0-d tensor > 0, optional
        With "sum": divides it.
    validate : bool, optional
        Whether values of targets and normalizer are checked. None: where that waits for no device,
        on CPU outside of tf.function.

    Returns
    -------
    tensor
        In nats. Shape S ("none"), S without its last axis ("sum_classes"), or (). Of the dtype of
        logits; reduced values of half types are float32.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter, the value and the rule.
    NotImplementedError
        On a third differentiation. Gradients with respect to anything but the logits are None.
    tf.errors.InvalidArgumentError
        In a tf.function that did not know the shapes, where they do not match.

    Notes
    -----
    At most 32 ULP in float32 and float64 for gamma <= 5, value and derivatives, eager, tf.function
    and XLA; of the sum of absolute terms where terms of opposite sign are added. Results below the
    smallest normal number may be 0 on CPU. Source: Lin et al. 2017, arXiv:1708.02002, eq. (5).

    Examples
    --------
    >>> from focal_adapters.tensorflow import sigmoid_focal_loss
    >>> round(float(sigmoid_focal_loss([2.0, -1.0], [1, 0], reduction="sum")), 4)
    0.0174
    """
    loss = SigmoidFocal(alpha=alpha, gamma=gamma)
    options: dict[str, Any] = {"weight": weight, "mask": mask, "reduction": reduction}
    return apply(loss, logits, targets, **options, normalizer=normalizer, validate=validate)


def __getattr__(name: str) -> Any:
    """`SigmoidFocalLoss`, which needs Keras, only once it is asked for."""
    if name == "SigmoidFocalLoss":
        from focal_adapters.keras_losses import SigmoidFocalLoss

        return SigmoidFocalLoss
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
