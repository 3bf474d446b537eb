"""The focal losses for PyTorch: eager, torch.compile, torch.func, autocast; any device."""

from typing import Any

import array_api_compat.torch
import numpy as np
import torch
from focal_ref.checks import check_reduction, describe
from focal_ref.losses import ElementwiseLoss, SigmoidFocal
from torch import Tensor

from focal_adapters import pipeline
from focal_adapters.torch_autograd import element_losses, refusal

_HALVES = (torch.float16, torch.bfloat16)


class _Torch:
    """What the pipeline needs to know about PyTorch."""

    xp = array_api_compat.torch

    def as_array(self, name: str, value: Any, like: Tensor | None) -> Tensor:
        if isinstance(value, Tensor):
            # As PyTorch's own losses do: autocast runs them in float32 and leaves the result there.
            lifted = like is None and value.dtype in _HALVES and torch.is_autocast_enabled(value.device.type)
            return value.float() if lifted else value
        if like is None or not isinstance(value, (np.ndarray, np.generic, list, tuple, bool, int, float)):
            wanted = "a torch.Tensor" if like is None else "a torch.Tensor, a NumPy array or a list of numbers"
            raise TypeError(f"{name} must be {wanted}, got {describe(value)}")
        # Copied, as it may be read-only; lists pass through NumPy, whose floats are double.
        array = torch.from_numpy(np.array(value))
        # Cast before it is moved: MPS holds no float64.
        return (array.to(self.compute_dtype(like)) if array.is_floating_point() else array).to(like.device)

    def kind(self, array: Tensor) -> str:
        if array.is_floating_point():
            return "floating"
        if array.is_complex():
            return "complex"
        return "bool" if array.dtype == torch.bool else "integer"

    def compute_dtype(self, array: Tensor) -> torch.dtype:
        return torch.float64 if array.dtype == torch.float64 else torch.float32

    def refuse_derivative(self, name: str, array: Tensor) -> None:
        if array.requires_grad and torch.is_grad_enabled():
            raise TypeError(f"{refusal(name)}; pass {name}.detach()")

    def readable(self, array: Tensor) -> bool:
        return not self.traced(array) and array.device.type == "cpu" and type(array) is Tensor

    def traced(self, array: Tensor) -> bool:
        if torch.compiler.is_compiling() or array.device.type == "meta":
            return True
        try:
            array.data_ptr()
        except RuntimeError:  # torch.func's wrappers and fake tensors have no storage of their own.
            return True
        return False

    def elements(self, loss: ElementwiseLoss, logits: Tensor, targets: Tensor) -> Tensor:
        return element_losses(loss, logits, targets)


_BACKEND = _Torch()


def apply(
    loss: ElementwiseLoss,
    logits: Tensor,
    targets: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Tensor:
    """Any loss object of focal_ref on tensors; the arguments are those of `sigmoid_focal_loss`."""
    options: dict[str, Any] = {"weight": weight, "mask": mask, "reduction": reduction}
    options |= {"normalizer": normalizer, "validate": validate}
    result: Tensor = pipeline.apply(_BACKEND, loss, logits, targets, **options)
    return result


def sigmoid_focal_loss(
    logits: Tensor,
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
    """Sigmoid focal loss."""
    loss = SigmoidFocal(alpha=alpha, gamma=gamma)
    options: dict[str, Any] = {"weight": weight, "mask": mask, "reduction": reduction}
    return apply(loss, logits, targets, **options, normalizer=normalizer, validate=validate)


class SigmoidFocalLoss(torch.nn.Module):
    """`sigmoid_focal_loss` as a module without state."""

    def __init__(
        self,
        *,
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        reduction: str = "mean",
        validate: bool | None = None,
    ) -> None:
        super().__init__()
        check_reduction(reduction, None)
        loss = SigmoidFocal(alpha=alpha, gamma=gamma)
        self.alpha, self.gamma = loss.alpha, loss.gamma
        self.reduction = reduction
        self.validate = validate

    def forward(
        self, logits: Tensor, targets: Any, *, weight: Any = None, mask: Any = None, normalizer: Any = None
    ) -> Tensor:
        """The reduced loss."""
        options: dict[str, Any] = {"weight": weight, "mask": mask, "normalizer": normalizer}
        options |= {"reduction": self.reduction, "validate": self.validate}
        return sigmoid_focal_loss(logits, targets, alpha=self.alpha, gamma=self.gamma, **options)

    def extra_repr(self) -> str:
        """The parameters, for ``repr``."""
        text = f"alpha={self.alpha}, gamma={self.gamma}, reduction={self.reduction!r}"
        return text if self.validate is None else f"{text}, validate={self.validate}"
