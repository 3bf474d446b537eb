"""The focal losses for any other array-API library: NumPy, CuPy, Dask, ndonnx, array-api-strict, ...

No autodiff: derivatives are the analytic formulas. Dtype and device are those of the logits. Every
registered loss has two functions: ``sigmoid_focal_loss``, ``sigmoid_focal_loss_value_and_gradient``,
``softmax_focal_loss`` and so on; `apply_hessian_product` gives second derivatives.
"""

from typing import Any

import numpy as np

from focal_adapters import pipeline
from focal_adapters.array_api_backend import backend_of, held
from focal_adapters.faces import ACCURACY, VALIDATE, adapter_functions, looked_up
from focal_ref.faces import Words
from focal_ref.losses import Loss
from focal_ref.reduction import weighted
from focal_ref.targets import smooth_targets

Array = Any

__all__ = ["apply", "apply_hessian_product", "apply_value_and_gradient", "smooth_targets"]


# Untaken branches of `where` and underflow to the right limit are not worth NumPy's warnings.
@np.errstate(all="ignore")
def apply(loss: Loss, logits: Any, targets: Any, **options: Any) -> Array:
    """Any loss object of focal_ref; the options are the keywords of `sigmoid_focal_loss`."""
    return pipeline.apply(backend_of(logits), loss, logits, targets, **options)


@np.errstate(all="ignore")
def apply_value_and_gradient(loss: Loss, logits: Any, targets: Any, **options: Any) -> tuple[Array, Array]:
    """Value of `apply` and its derivative with respect to the logits, in one pass."""
    backend = backend_of(logits)
    inputs = pipeline.prepared(backend, pipeline.checked(backend, loss, logits, targets, **options))
    value, gradient = held(loss, inputs.x.dtype).value_and_gradient(inputs.x, inputs.t, xp=backend.xp)
    return pipeline.finished(backend, inputs, value), _chained(backend, inputs, gradient)


@np.errstate(all="ignore")
def apply_hessian_product(loss: Loss, logits: Any, targets: Any, vector: Any, **options: Any) -> Array:
    """Hessian of the summed value of `apply` times a vector of the shape of the logits.

    For independent logits and a vector of ones it is the second derivative of each.
    """
    backend = backend_of(logits)
    inputs = pipeline.prepared(backend, pipeline.checked(backend, loss, logits, targets, **options))
    v = backend.xp.astype(backend.as_array("vector", vector, logits), inputs.x.dtype)
    if tuple(v.shape) != tuple(inputs.x.shape):
        raise ValueError(f"vector must have the shape of logits, {tuple(inputs.x.shape)}, got {tuple(v.shape)}")
    product = held(loss, inputs.x.dtype).hessian_product(inputs.x, inputs.t, v, xp=backend.xp)
    return _chained(backend, inputs, product)


def _chained(backend: Any, inputs: pipeline.Inputs, per_logit: Array) -> Array:
    """Weight, mask and denominator of the losses, on what belongs to the logits."""
    xp, loss = backend.xp, inputs.loss
    weight, mask = (None if a is None else loss.spread(a, xp) for a in (inputs.weight, inputs.mask))
    result = weighted(per_logit, weight, mask, xp)
    result = result if inputs.divisor is None else result / inputs.divisor
    return xp.astype(result, inputs.dtype)


_WORDS = Words(
    array="array",
    number="float or 0-d array",
    logits=(
        "array of an array-API library, float64 or float32; float16 and bfloat16 where it has them\n"
        "    The half types are computed in float32 and rounded once."
    ),
    returns=(
        'array of the shape of the losses ("none"), without the classes ("sum_classes") or ().\n'
        "    Of the dtype and on the device of logits; reduced values of half types are float32."
    ),
    raises="TypeError, ValueError\n    Naming the parameter, the value and the rule.",
    notes=ACCURACY,
    more_parameters=VALIDATE,
)
_FUNCTIONS = adapter_functions(_WORDS, __name__, apply, apply_value_and_gradient)


def __getattr__(name: str) -> Any:
    """Functions of every registered loss."""
    return looked_up(__name__, name, _FUNCTIONS)


def __dir__() -> list[str]:
    """What is public."""
    return sorted({*globals(), *_FUNCTIONS})
