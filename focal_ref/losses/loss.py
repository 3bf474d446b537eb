"""What every loss has in common: the public methods over its formulas."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from focal_ref.checks import check_alpha_fits, check_targets_shape
from focal_ref.stable import Array


class Loss:
    """A loss of logits and targets, applied to each element or to each row of classes.

    The public methods take lists or NumPy arrays and return NumPy float64: inputs are checked and
    converted, and evaluated in blocks. Given arrays of another array-API library, or a namespace
    ``xp``, they apply the bare formula in the dtype of ``logits`` (float32 or float64), unchecked:
    this is the face that adapters use.

    A subclass is a frozen dataclass of its parameters with a ``name`` and the ``*_formula`` methods,
    pure functions of ``(x, t, xp)``. In a formula classes are the last axis; targets without it are
    class indices.
    """

    name: ClassVar[str]
    consumes_classes: ClassVar[bool] = False
    """Whether a row of classes has one loss; else each logit has its own."""
    axis: int = -1
    """The axis of classes."""
    alpha: Any = None

    @abstractmethod
    def value_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """The loss."""

    @abstractmethod
    def gradient_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """Derivative of the sum of the losses with respect to each logit."""

    @abstractmethod
    def value_and_gradient_formula(self, x: Array, t: Array, xp: Any) -> tuple[Array, Array]:
        """Both at once."""

    @abstractmethod
    def curvature_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """Second derivative with respect to each logit: the diagonal of the Hessian."""

    @abstractmethod
    def hessian_product_formula(self, x: Array, t: Array, vector: Array, xp: Any) -> Array:
        """Hessian of the summed losses times a vector of the shape of x."""

    def fast_value_formula(self, x: Array, t: Array, xp: Any, *, hard: bool = False) -> Array:
        """The loss in fewer operations, where a loss has such a formula."""
        return self.value_formula(x, t, xp)

    def fast_gradient_formula(self, x: Array, t: Array, xp: Any, *, hard: bool = False) -> Array:
        """Its gradient in fewer operations."""
        return self.gradient_formula(x, t, xp)

    def block_formula(self, name: str) -> Callable[..., Any]:
        """The formula ``name`` for blocks of NumPy float64 arrays, where a loss may have a faster way to it.

        It has the accuracy of the general one, and may write over none of its arguments.
        """
        from focal_ref.namespace import numpy_namespace

        formula = getattr(self, f"{name}_formula")
        return lambda *arrays: formula(*arrays, numpy_namespace)

    def fast_value_and_gradient_formula(
        self, x: Array, t: Array, xp: Any, *, hard: bool = False
    ) -> tuple[Array, Array]:
        """Both at once, in fewer operations."""
        return self.value_and_gradient_formula(x, t, xp)

    def fused_value_formula(self, x: Array, t: Array, xp: Any) -> Array:
        """The loss for a compiler that fuses, where a loss has such a formula."""
        return self.value_formula(x, t, xp)

    def fused_gradient_formula(self, x: Array, t: Array, xp: Any, *, value: Array | None = None) -> Array:
        """Its gradient for a compiler that fuses, with the loss at hand or without."""
        return self.gradient_formula(x, t, xp)

    def value(self, logits: Any, targets: Any, *, xp: Any = None) -> Array:
        """Loss of each element or row, in nats.

        Parameters
        ----------
        logits : array, real floating, or nested list
            nan and infinities are allowed; the latter give limits.
        targets : array of the shape of logits, floating in [0, 1], integer or bool; or class indices
            Class indices are integers of the shape of logits without the class axis.
        xp : array-API namespace, optional
            Apply the bare formula in this namespace.

        Returns
        -------
        array, float64
            Of the shape of logits; without the class axis for a loss of rows.

        Raises
        ------
        TypeError
            Logits that are not real floating point, targets that are not real.
        ValueError
            Shapes that differ, targets outside [0, 1], indices outside the classes.
        """
        return self._evaluate("value", logits, targets, None, xp)[0]

    def gradient(self, logits: Any, targets: Any, *, xp: Any = None) -> Array:
        """Derivative of the sum of the losses with respect to the logits; takes what `value` takes."""
        return self._evaluate("gradient", logits, targets, None, xp)[0]

    def value_and_gradient(self, logits: Any, targets: Any, *, xp: Any = None) -> tuple[Array, Array]:
        """`value` and `gradient` in one pass that shares their common parts."""
        value, gradient = self._evaluate("value_and_gradient", logits, targets, None, xp)
        return value, gradient

    def curvature(self, logits: Any, targets: Any, *, xp: Any = None) -> Array:
        """Second derivative with respect to each logit: the diagonal of the Hessian.

        It may be negative: boosting needs a floor. Takes what `value` takes.
        """
        return self._evaluate("curvature", logits, targets, None, xp)[0]

    def hessian_product(self, logits: Any, targets: Any, vector: Any, *, xp: Any = None) -> Array:
        """Hessian of the summed loss times ``vector``, an array of the shape of logits."""
        return self._evaluate("hessian_product", logits, targets, vector, xp)[0]

    def fast_value(self, logits: Array, targets: Array, *, xp: Any, hard: bool = False) -> Array:
        """`value` of arrays of a framework in fewer operations, within the bounds of the conformance suite.

        ``hard`` says that every target is known to be 0 or 1, or a class index.
        """
        return self._evaluate("fast_value", logits, targets, None, xp, hard=hard)[0]

    def fast_gradient(self, logits: Array, targets: Array, *, xp: Any, hard: bool = False) -> Array:
        """`gradient`, as `fast_value`."""
        return self._evaluate("fast_gradient", logits, targets, None, xp, hard=hard)[0]

    def fast_value_and_gradient(
        self, logits: Array, targets: Array, *, xp: Any, hard: bool = False
    ) -> tuple[Array, Array]:
        """Both, as `fast_value`."""
        value, gradient = self._evaluate("fast_value_and_gradient", logits, targets, None, xp, hard=hard)
        return value, gradient

    def fused_value(self, logits: Array, targets: Array, *, xp: Any) -> Array:
        """`value` of arrays of a compiler that fuses what it is given, within the bounds of the conformance suite."""
        return self._evaluate("fused_value", logits, targets, None, xp)[0]

    def fused_gradient(self, logits: Array, targets: Array, *, xp: Any, value: Array | None = None) -> Array:
        """`gradient`, as `fused_value`; with a ``value`` that it has given, it reads that for as much as it can."""
        if value is not None and not self.consumes_classes:
            value = self._to_last(value, xp)
        return self._evaluate("fused_gradient", logits, targets, None, xp, value=value)[0]

    def losses_shape(self, logits_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of the losses for logits of a shape."""
        return self.index_shape(logits_shape) if self.consumes_classes else tuple(logits_shape)

    @property
    def losses_name(self) -> str:
        """What has the shape of the losses, for messages."""
        return "logits without the class axis" if self.consumes_classes else "logits"

    def index_shape(self, logits_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Shape of class indices for logits of a shape: no class axis."""
        axis = self.axis % len(logits_shape)
        return tuple(logits_shape[:axis]) + tuple(logits_shape[axis + 1 :])

    def check_shapes(self, logits_shape: tuple[Any, ...], targets_shape: tuple[Any, ...], kind: str) -> None:
        """Refuse shapes that do not belong together; ``kind`` is that of the dtype of the targets."""
        rank = len(logits_shape)
        if self.consumes_classes and not -rank <= self.axis < rank:
            raise ValueError(f"axis must be an axis of logits, got axis={self.axis} for shape {tuple(logits_shape)}")
        if self.consumes_classes and logits_shape[self.axis] == 0:
            raise ValueError(f"logits must have at least one class, got shape {tuple(logits_shape)}")
        # With one class 0 would be the positive class and 1 the background: surely not what was meant.
        indexed = rank > 0 and (self.consumes_classes or logits_shape[-1] != 1)
        check_targets_shape(logits_shape, targets_shape, self.index_shape(logits_shape) if indexed else None, kind)
        check_alpha_fits(self.alpha, logits_shape, self.axis)

    def spread(self, per_loss: Array, xp: Any) -> Array:
        """Align numbers of the losses with the logits."""
        return xp.expand_dims(per_loss, axis=self.axis) if self.consumes_classes else per_loss

    def contracted(self, per_logit: Array, xp: Any) -> Array:
        """Sum what belongs to one loss: the transpose of `spread`."""
        return xp.sum(per_logit, axis=self.axis) if self.consumes_classes else per_logit

    def _evaluate(self, name: str, logits: Any, targets: Any, vector: Any, xp: Any, **known: Any) -> tuple[Array, ...]:
        from focal_ref.evaluation import evaluate_checked
        from focal_ref.namespace import is_numpy, namespace_of

        if xp is None:
            xp = namespace_of(logits, targets)
            if is_numpy(xp):
                return evaluate_checked(self, name, logits, targets, vector)
        last = self._to_last(logits, xp)
        t = targets if len(targets.shape) < len(logits.shape) else self._to_last(targets, xp)
        extra = () if vector is None else (self._to_last(vector, xp),)
        result = getattr(self, f"{name}_formula")(last, t, *extra, xp, **known)
        results = result if isinstance(result, tuple) else (result,)
        return tuple(self._back(part, name, index, xp) for index, part in enumerate(results))

    def _to_last(self, array: Array, xp: Any) -> Array:
        return array if self.axis == -1 else xp.moveaxis(array, self.axis, -1)

    def _back(self, array: Array, name: str, index: int, xp: Any) -> Array:
        per_loss = index == 0 and "value" in name
        return array if self.axis == -1 or (per_loss and self.consumes_classes) else xp.moveaxis(array, -1, self.axis)
