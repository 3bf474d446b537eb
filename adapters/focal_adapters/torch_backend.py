"""What the pipeline needs to know about PyTorch: arrays, dtypes, devices, tracing."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from focal_adapters import torch_namespace
from focal_adapters import torch_one_pass as one_pass
from focal_adapters import torch_sharded as sharded
from focal_adapters.torch_autograd import element_losses, refusal
from focal_ref.checks import describe
from focal_ref.losses import Loss

_HALVES = (torch.float16, torch.bfloat16)


class _Torch:
    """`focal_adapters.backend.Backend`, which documents the methods."""

    xp = torch_namespace

    def __init__(self, *, recompute: bool, keep: bool = False) -> None:
        self.recompute, self.keep = recompute, keep

    def as_array(self, name: str, value: Any, like: Tensor | None) -> Tensor:
        array = self._tensor(name, value, like)
        return array if like is None else sharded.beside(name, array, value, like)

    def _tensor(self, name: str, value: Any, like: Tensor | None) -> Tensor:
        if isinstance(value, Tensor):
            # As PyTorch's own losses do: autocast runs them in float32 and leaves the result there.
            return value.float() if like is None and value.dtype in _HALVES and _autocast(value) else value
        if like is None or not isinstance(value, (np.ndarray, np.generic, list, tuple, bool, int, float)):
            wanted = "torch.Tensor" if like is None else "torch.Tensor, NumPy array or list of numbers"
            raise TypeError(f"{name} must be a {wanted}, got {describe(value)}")
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
        return type(array) is Tensor and array.device.type == "cpu" and not self.traced(array)

    def traced(self, array: Tensor) -> bool:
        if torch.compiler.is_compiling() or array.device.type == "meta":
            return True
        try:
            array.data_ptr()
        except RuntimeError:  # torch.func's wrappers and fake tensors have no storage of their own.
            return True
        return False

    def elements(self, loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
        if one_pass.takes_elements(loss, logits, targets):
            return one_pass.element_losses(loss, logits, targets, recompute=self.recompute)
        # A transformation of torch.func supports no checkpoint, nor does an export (torch 2.13).
        compiled = torch.compiler.is_dynamo_compiling() and not torch.compiler.is_exporting()
        compiled = compiled and not one_pass.transformed()
        if compiled and self.recompute:
            losses: Tensor = checkpoint(
                lambda x, t: element_losses(loss, x, t), logits, targets, use_reentrant=False, preserve_rng_state=False
            )
            return losses
        # Dense targets and logits are more than a gradient: it is kept without being told.
        return element_losses(loss, logits, targets, keep=compiled and self.keep and targets.ndim < logits.ndim)


def _autocast(array: Tensor) -> bool:
    device = array.device.type
    return bool(torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device))


BACKEND = _Torch(recompute=False)
"""Compiled, it is Inductor that weighs memory against arithmetic."""
KEEPING = _Torch(recompute=False, keep=True)
"""Keeps one array of the dtype of computation: for logits that have it."""
RECOMPUTING = _Torch(recompute=True)
"""Keeps nothing between the value and the gradient."""
