"""What a property asks of a framework; one harness for each, so that a property is written once."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

KINDS = ("sigmoid", "softmax")


@dataclass(frozen=True)
class Result:
    """Value and gradient of its sum as NumPy float64, and the dtypes that they had."""

    value: np.ndarray
    gradient: np.ndarray
    value_dtype: str
    gradient_dtype: str


class Harness:
    """Arrays of NumPy in, results as NumPy float64 out.

    Logits, and targets that are floating, become arrays of ``dtype``; everything else keeps its own.
    """

    name: ClassVar[str]
    dtypes: ClassVar[tuple[str, ...]] = ("float64", "float32", "float16", "bfloat16")
    third_refused: ClassVar[type[Exception] | None] = None
    """What a third derivative raises; None where there is no autodiff."""

    def module(self) -> Any:
        """The module whose functions are called."""
        raise NotImplementedError

    def array(self, array: Any, dtype: str) -> Any:
        """An array of the framework."""
        raise NotImplementedError

    def value_and_gradient_of(self, function: Any, logits: Any, targets: Any, keywords: dict[str, Any]) -> Any:
        """``function(logits, targets, **keywords)`` and the derivative of its sum, as the framework has them."""
        raise NotImplementedError

    def hessian_product_of(
        self, function: Any, logits: Any, targets: Any, vector: Any, keywords: dict[str, Any]
    ) -> Any:
        """Hessian of the summed function times a vector, by the framework's autodiff where it has one."""
        raise NotImplementedError

    def to_numpy(self, array: Any) -> np.ndarray:
        """As NumPy float64."""
        return np.asarray(array).astype(np.float64)

    def dtype_of(self, array: Any) -> str:
        """Name of the dtype."""
        return str(array.dtype)

    def function(self, kind: str) -> Any:
        """The named function of a loss."""
        return getattr(self.module(), f"{kind}_focal_loss")

    def __call__(self, kind: str, logits: Any, targets: Any, *, dtype: str = "float64", **keywords: Any) -> Result:
        """Value and gradient of a named function."""
        x, t, own = self.converted(logits, targets, dtype, keywords)
        value, gradient = self.value_and_gradient_of(self.function(kind), x, t, own)
        return Result(self.to_numpy(value), self.to_numpy(gradient), self.dtype_of(value), self.dtype_of(gradient))

    def hessian_product(self, kind: str, logits: Any, targets: Any, vector: Any, **keywords: Any) -> np.ndarray:
        """Hessian of the summed losses times a vector, in float64."""
        x, t, own = self.converted(logits, targets, "float64", keywords)
        return self.to_numpy(self.hessian_product_of(self.function(kind), x, t, self.array(vector, "float64"), own))

    def converted(self, logits: Any, targets: Any, dtype: str, keywords: dict[str, Any]) -> Any:
        """Arguments as arrays of the framework."""
        own = {
            name: self.array(value, str(value.dtype)) if isinstance(value, np.ndarray) else value
            for name, value in keywords.items()
        }
        return self.array(logits, dtype), self.targets(targets, dtype), own

    def targets(self, targets: Any, dtype: str) -> Any:
        """Floating targets have the dtype of the logits."""
        array = np.asarray(targets)
        return self.array(array, dtype if array.dtype.kind == "f" else str(array.dtype))
