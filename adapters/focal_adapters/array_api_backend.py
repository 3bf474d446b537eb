"""What the pipeline needs to know about any array-API library: arrays, dtypes, devices."""

from typing import Any

from array_api_compat import device, is_array_api_obj, is_jax_array, is_lazy_array, is_torch_array

from focal_adapters.parameters import held_in_float32
from focal_ref.checks import describe
from focal_ref.losses import Loss
from focal_ref.namespace import namespace_of

Array = Any
_KINDS = {"floating": "real floating", "integer": "integral", "complex": "complex floating", "bool": "bool"}


class _ArrayApi:
    """`focal_adapters.backend.Backend`, which documents the methods, for the library of one array."""

    def __init__(self, logits: Any) -> None:
        if not is_array_api_obj(logits) or is_torch_array(logits) or is_jax_array(logits):
            raise TypeError(
                f"logits must be an array of an array-API library, got {describe(logits)}; torch, JAX and "
                "TensorFlow have adapters of their own, with derivatives"
            )
        self.xp = namespace_of(logits)

    def as_array(self, name: str, value: Any, like: Array | None) -> Array:
        if like is None:
            return value
        if isinstance(value, (list, tuple, bool, int, float)):
            return self.xp.asarray(value, device=device(like))
        if not is_array_api_obj(value) or namespace_of(value) is not self.xp:
            raise TypeError(
                f"{name} must be an array of the library of logits, {self.xp.__name__}, a number or a nested "
                f"list of numbers, got {describe(value)}"
            )
        return value

    def kind(self, array: Array) -> str:
        # The standard has no half types, and NumPy takes bfloat16 for no floating type at all.
        if "float16" in str(array.dtype):
            return "floating"
        return next((kind for kind, name in _KINDS.items() if self.xp.isdtype(array.dtype, name)), "other")

    def compute_dtype(self, array: Array) -> Any:
        return self.xp.float64 if "float64" in str(array.dtype) else self.xp.float32

    def refuse_derivative(self, name: str, array: Array) -> None:
        """There is no differentiation."""

    def readable(self, array: Array) -> bool:
        return not is_lazy_array(array) and "cpu" in str(device(array)).lower()

    def traced(self, array: Array) -> bool:
        return False

    def elements(self, loss: Loss, logits: Array, targets: Array) -> Array:
        return held(loss, logits.dtype).value(logits, targets, xp=self.xp)


def backend_of(logits: Any) -> Any:
    """Backend for the library of an array; TypeError for what is no array of one."""
    return _ArrayApi(logits)


def held(loss: Loss, dtype: Any) -> Loss:
    """Round the parameters of a loss to the dtype that it is computed in."""
    return held_in_float32(loss) if "float32" in str(dtype) else loss
