"""The focal losses for JAX: eager, jit, grad, jvp, hessian, vmap, scan, checkpoint; any device.

Every registered loss has a function: ``sigmoid_focal_loss``, ``softmax_focal_loss``.
"""

from collections.abc import Mapping
from typing import Any

from jax.core import Tracer

from focal_adapters import pipeline
from focal_adapters.faces import ACCURACY, VALIDATE, adapter_functions, looked_up
from focal_adapters.jax_backend import BACKEND
from focal_ref.faces import Words
from focal_ref.losses import Loss
from focal_ref.targets import smooth_targets

Array = Any

__all__ = ["apply", "smooth_targets"]


def apply(loss: Loss, logits: Any, targets: Any, **options: Any) -> Array:
    """Any loss object of focal_ref on JAX arrays; the options are those of `sigmoid_focal_loss`."""
    return pipeline.apply(BACKEND, loss, logits, targets, **options)


def _refuse_traced(parameters: Mapping[str, Any]) -> None:
    for name, parameter in parameters.items():
        if isinstance(parameter, Tracer):
            raise TypeError(
                f"{name} must be a Python number, not a traced array: make it static, as in "
                f"jax.jit(function, static_argnames={name!r})"
            )


_WORDS = Words(
    array="array",
    number="float or 0-d array",
    logits=(
        "array, float64, float32, bfloat16 or float16\n"
        "    The half types are computed in float32 and rounded once. alpha and gamma are Python numbers: static\n"
        "    under `jax.jit`."
    ),
    returns=(
        'array of the shape of the losses ("none"), without the classes ("sum_classes") or ().\n'
        "    Of the dtype of logits; reduced values of half types are float32."
    ),
    raises=(
        "TypeError, ValueError\n    Naming the parameter, the value and the rule. Differentiation with respect to "
        "anything but\n    the logits is a TypeError, a third derivative a NotImplementedError."
    ),
    notes=f"Also under jit. Results below the smallest normal number may be 0 on CPU.\n{ACCURACY}",
    more_parameters=VALIDATE,
)
_FUNCTIONS = adapter_functions(_WORDS, __name__, apply, guard=_refuse_traced)


def __getattr__(name: str) -> Any:
    """Functions of every registered loss."""
    return looked_up(__name__, name, _FUNCTIONS)


def __dir__() -> list[str]:
    """What is public."""
    return sorted({*globals(), *_FUNCTIONS})
