"""Hard targets of half precision on a CPU, looked up: sixteen bits have 65,536 values, and a loss no more.

Value and gradient of all of them are computed once a call, as any block is, so that the same bits come
out; an element then takes two look-ups, where converting and computing it takes 25 operations. What it
is worth: `python -m benchmarks --only torch/eager/bfloat16`, docs/performance.md.
"""

from typing import Self

import torch
from torch import Tensor

from focal_adapters.torch_careful import mended
from focal_adapters.torch_evaluated import Evaluated
from focal_adapters.torch_hard import HardTargets, chosen_positions
from focal_adapters.torch_workspace import buffers, parts
from focal_ref.losses import Loss

PATTERNS = 2**16
WORTHWHILE = 8 * PATTERNS
"""From so many elements on; a table, of both targets, has a quarter of them."""


class HalfTable:
    """Evaluates blocks as they are given; says no (None) to those with a soft target."""

    @classmethod
    def of(
        cls, loss: Loss, x: Tensor, size: int, value: bool, gradient: bool, factor: Tensor | float | None
    ) -> Self | None:
        """For blocks of at most ``size`` elements; None where there is no table, or it would not pay."""
        if x.element_size() != 2 or x.numel() < WORTHWHILE or isinstance(factor, Tensor):
            return None
        kernel = HardTargets.of(loss, torch.float32, 2 * PATTERNS)
        if kernel is None:
            return None
        x = torch.arange(PATTERNS, dtype=torch.int32, device="cpu").to(torch.uint16).view(x.dtype)
        return cls(loss, kernel, x, size, value, gradient, factor)

    def __init__(
        self, loss: Loss, kernel: HardTargets, x: Tensor, size: int, value: bool, gradient: bool, factor: float | None
    ) -> None:
        wide = x.float().repeat(2)
        t = torch.zeros(2 * PATTERNS, dtype=torch.float32, device="cpu")
        t[PATTERNS:] = 1.0
        found = kernel.evaluated(wide, t, value, gradient, None)
        assert found is not None
        values, _, gradients, _ = mended(loss, wide, t, found)
        if gradients is not None and factor is not None:
            gradients = gradients * factor
        # What the kernel found stands in buffers that the next block writes.
        self.values = None if values is None else values.clone()
        self.gradients = None if gradients is None else gradients.to(x.dtype)
        self.one = torch.ones((), dtype=torch.float32, device="cpu")
        self.buffers = buffers(3, size, torch.float32)
        self.index = torch.empty(size, dtype=torch.int32, device="cpu")

    def evaluated(self, x: Tensor, t: Tensor, out: Tensor | None) -> Evaluated | None:
        """Value and gradient of a block of halves, what was wanted; the gradient in ``out``, times the factor."""
        pattern, t_float, not_t = parts(self.buffers, x.numel())
        # float32 holds whole numbers of 24 bits, and is added faster than integers are.
        pattern.copy_(x.reshape(-1).view(torch.uint16))
        if t.ndim < x.ndim:
            if int(t.amin()) < 0 or int(t.amax()) > x.shape[-1]:
                return None
            chosen = chosen_positions(t, x.shape[-1])
            pattern[chosen] = pattern[chosen] + PATTERNS
        else:
            torch.sub(self.one, t_float.copy_(t.reshape(-1)), out=not_t)
            if float(torch.dot(not_t, t_float)) != 0.0:
                return None
            pattern.add_(t_float, alpha=PATTERNS)
        index = self.index[: x.numel()].copy_(pattern)
        if self.gradients is not None and out is not None:
            torch.index_select(self.gradients, 0, index, out=out.view(-1))
        if self.values is None:
            return Evaluated(None, 0.0, out)
        values = torch.index_select(self.values, 0, index, out=not_t)
        return Evaluated(values.view(x.shape), float(values.sum()), out)
