"""What every loss of independent logits has in common: the public methods over its formulas."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from focal_ref.blocks import evaluate_in_blocks
from focal_ref.checks import check_all_in_unit_interval
from focal_ref.inputs import as_array, checked_inputs
from focal_ref.namespace import is_numpy, namespace_of, numpy_namespace
from focal_ref.stable import Array


class ElementwiseLoss:
    """A loss of one logit and one target, applied to each element of two arrays.

    The public methods take lists or NumPy arrays and return NumPy float64: inputs are checked and
    converted, and evaluated in blocks. Given arrays of another array-API library, or a namespace
    ``xp``, they apply the bare formula in the dtype of ``logits`` (float32 or float64), unchecked:
    this is the face that adapters use.

    A subclass is a frozen dataclass of its parameters with a ``name`` and the four ``*_formula``
    methods, pure functions of ``(x, t, xp)``.
    """

    name: ClassVar[str]

    @abstractmethod
    def value_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """The loss."""

    @abstractmethod
    def gradient_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """Its derivative with respect to the logit."""

    @abstractmethod
    def value_and_gradient_formula(self, x: Array, t: Array, xp: Any) -> tuple[Array, Array]:
        """Both at once."""

    @abstractmethod
    def curvature_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """Its second derivative."""

    def value(self, logits: Any, targets: Any, *, xp: Any = None) -> Array:
        """Loss of each element, in nats.

        Parameters
        ----------
        logits : array of any shape, real floating, or nested list
            nan gives nan in its own element; infinities give the limits.
        targets : array of the same shape, floating in [0, 1], integer or bool
            Probability of the positive class.
        xp : array-API namespace, optional
            Apply the bare formula in this namespace.

        Returns
        -------
        array of the shape of logits, float64

        Raises
        ------
        TypeError
            Logits that are not real floating point, targets that are not real.
        ValueError
            Shapes that differ, targets outside [0, 1].
        """
        return self._evaluate("value_formula", logits, targets, xp)

    def gradient(self, logits: Any, targets: Any, *, xp: Any = None) -> Array:
        """Derivative of each element's loss with respect to its logit; takes what `value` takes."""
        return self._evaluate("gradient_formula", logits, targets, xp)

    def value_and_gradient(self, logits: Any, targets: Any, *, xp: Any = None) -> tuple[Array, Array]:
        """`value` and `gradient` in one pass that shares their common parts."""
        result: tuple[Array, Array] = self._evaluate("value_and_gradient_formula", logits, targets, xp)
        return result

    def curvature(self, logits: Any, targets: Any, *, xp: Any = None) -> Array:
        """Second derivative of each element's loss: the diagonal of the Hessian, which has nothing else.

        It may be negative: boosting needs a floor. Takes what `value` takes.
        """
        return self._evaluate("curvature_formula", logits, targets, xp)

    def hessian_product(self, logits: Any, targets: Any, vector: Any, *, xp: Any = None) -> Array:
        """Hessian of the summed loss times ``vector``, an array of the shape of logits."""
        curvature = self.curvature(logits, targets, xp=xp)
        if xp is None and isinstance(curvature, (np.ndarray, np.generic)):
            vector = as_array("vector", vector)
            if vector.shape != curvature.shape:
                raise ValueError(f"vector must have the shape of logits, {curvature.shape}, got {vector.shape}")
            vector = vector.astype(np.float64)
        return curvature * vector

    def _evaluate(self, formula_name: str, logits: Any, targets: Any, xp: Any) -> Any:
        formula = getattr(self, formula_name)
        if xp is None:
            xp = namespace_of(logits, targets)
            if is_numpy(xp):
                return self._evaluate_numpy(formula, logits, targets)
        return formula(logits, targets, xp)

    def _evaluate_numpy(self, formula: Any, logits: Any, targets: Any) -> Any:
        x, t = checked_inputs(logits, targets)
        if t.size and t.dtype.kind != "b":
            check_all_in_unit_interval(float(np.min(t)), float(np.max(t)))
        count = 2 if formula.__name__ == "value_and_gradient_formula" else 1

        def kernel(x_block: Array, t_block: Array) -> tuple[Array, ...]:
            result = formula(x_block, t_block, numpy_namespace)
            return result if isinstance(result, tuple) else (result,)

        results = [array[()] for array in evaluate_in_blocks(kernel, [x, t], x.shape, [True] * count)]
        return tuple(results) if count == 2 else results[0]
