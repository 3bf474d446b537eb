"""The focal losses for any other array-API library: NumPy, CuPy, Dask, ndonnx, array-api-strict, ...

No autodiff: the gradient is the analytic formula. Dtype and device are those of the logits.
"""

from typing import Any

import numpy as np

from focal_adapters import pipeline
from focal_adapters.array_api_backend import backend_of, held
from focal_ref.losses import ElementwiseLoss, SigmoidFocal
from focal_ref.reduction import weighted

Array = Any


# Untaken branches of `where` and underflow to the right limit are not worth NumPy's warnings.
@np.errstate(all="ignore")
def apply(loss: ElementwiseLoss, logits: Any, targets: Any, **options: Any) -> Array:
    """Any loss object of focal_ref; the options are the keywords of `sigmoid_focal_loss`."""
    return pipeline.apply(backend_of(logits), loss, logits, targets, **options)


@np.errstate(all="ignore")
def apply_value_and_gradient(loss: ElementwiseLoss, logits: Any, targets: Any, **options: Any) -> tuple[Array, Array]:
    """Value of `apply` and its derivative with respect to the logits, in one pass."""
    backend = backend_of(logits)
    inputs = pipeline.prepared(backend, logits, targets, **options)
    value, gradient = held(loss, inputs.x.dtype).value_and_gradient(inputs.x, inputs.t, xp=backend.xp)
    gradient = weighted(gradient, inputs.weight, inputs.mask, backend.xp)
    gradient = gradient if inputs.divisor is None else gradient / inputs.divisor
    return pipeline.finished(backend, inputs, value), backend.xp.astype(gradient, inputs.dtype)


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
) -> Array:
    """Sigmoid focal loss of arrays of any array-API library.

    Parameters
    ----------
    logits : array of any shape S, float64 or float32; float16 and bfloat16 where the library has them
        The half types are computed in float32 and rounded once.
    targets : array of shape S, floating in [0, 1], integer or bool
        Probability of the positive class; soft targets follow the linear rule.
    alpha : float in [0, 1] or None
        Weight of the positive class, ``1 - alpha`` that of the negative one; None switches it off.
    gamma : float >= 0
        Focusing parameter.
    weight : array, optional
        Multiplies element losses; of shape S or broadcast to it. In no denominator.
    mask : bool array, optional
        True counts; of shape S or broadcast to it. What a masked element holds reaches nothing.
    reduction : {"none", "sum", "mean", "sum_classes", "mean_positives"}
        "mean" divides by the number of unmasked elements, "mean_positives" by
        max(1, number of unmasked targets >= 0.5); "sum_classes" sums over the last axis.
    normalizer : float or 0-d array > 0, optional
        With "sum": divides it.
    validate : bool, optional
        Whether values of targets and normalizer are checked. None: on CPU, unless they are lazy.

    Returns
    -------
    array
        In nats. Shape S ("none"), S without its last axis ("sum_classes"), or (). Of the dtype and
        on the device of logits; reduced values of half types are float32.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter, the value and the rule.

    Notes
    -----
    At most 32 ULP in float32 and float64 for gamma <= 5, value and gradient; of the sum of absolute
    terms where terms of opposite sign are added. Source: Lin et al. 2017, arXiv:1708.02002, eq. (5).

    Examples
    --------
    >>> import numpy as np
    >>> from focal_adapters.array_api import sigmoid_focal_loss
    >>> sigmoid_focal_loss(np.asarray([2.0, -1.0], dtype=np.float32), [1, 0]).dtype
    dtype('float32')
    """
    loss = SigmoidFocal(alpha=alpha, gamma=gamma)
    options = {"weight": weight, "mask": mask, "reduction": reduction, "normalizer": normalizer, "validate": validate}
    return apply(loss, logits, targets, **options)


def sigmoid_focal_loss_value_and_gradient(
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
) -> tuple[Array, Array]:
    """`sigmoid_focal_loss` and its derivative with respect to the logits, in one pass.

    Takes what `sigmoid_focal_loss` takes. The gradient has shape, dtype and device of the logits;
    where the value is an array ("none", "sum_classes") it is the gradient of the sum of that array.
    """
    loss = SigmoidFocal(alpha=alpha, gamma=gamma)
    options = {"weight": weight, "mask": mask, "reduction": reduction, "normalizer": normalizer, "validate": validate}
    return apply_value_and_gradient(loss, logits, targets, **options)
