"""The sigmoid focal loss of hard targets in place, on buffers that stay in cache, for eager PyTorch on CPU.

The formulas of `focal_ref.losses.sigmoid_fast.Hard` without its steps: with w = 1 - 2t and s = x w, the logit as it
speaks against the target, and E = exp(s), the odds,

  p_t = 1/(1 + E),  1 - p_t = E p_t,  CE = max(log(1 + E), s)
  FL = |B| CE,  FL' = B (1 - p_t + gamma p_t log(1 + E)),  B = (1 - t - alpha) (1 - p_t)^gamma

A factor 1 - t - alpha carries both the balance and the sign of w, and is exact where alpha is small.
Each operation is a pass over the block, and the fewest of them is the fastest: 19, of which exp and
log1p take a third of the time (docs/performance.md has it beside others). Logits that all are near
need two less, which change no bit: what an element gives does not depend on the others.
"""

import math
from typing import Any, Self

import torch
from torch import Tensor

from focal_adapters.torch_evaluated import Evaluated, times_power
from focal_adapters.torch_workspace import buffers, parts
from focal_ref.losses import Loss, SigmoidFocal
from focal_ref.losses.sigmoid_fast import FARTHEST

MOST_ACCURATE = 10.0
"""The largest gamma whose errors are bounded: 1 - p_t counts gamma times."""
NEAR = 12.0
"""Up to it log(1 + exp(s)) is more than s by six roundings of float32: the larger of the two is known."""


class HardTargets:
    """Evaluates blocks, but for the elements that it calls odd; says no (None) to blocks of nothing else."""

    @classmethod
    def of(cls, loss: Loss, dtype: torch.dtype, size: int) -> Self | None:
        """For blocks of at most ``size`` elements; None for a loss that it does not compute."""
        takes = type(loss) is SigmoidFocal and not isinstance(loss.alpha, tuple) and loss.gamma <= MOST_ACCURATE
        return cls(loss, dtype, size) if takes else None

    def __init__(self, loss: Any, dtype: torch.dtype, size: int) -> None:
        self.gamma: float = loss.gamma
        self.alpha: float | None = loss.alpha
        self.detach: bool = loss.detach_modulator
        self.one = torch.ones((), dtype=dtype, device="cpu")
        # A Python number costs a conversion a block.
        self.balance = None if loss.alpha is None else torch.full((), loss.alpha, dtype=dtype, device="cpu")
        self.buffers = buffers(6, size, dtype)

    def evaluated(self, x: Tensor, t: Tensor, value: bool, gradient: bool, out: Tensor | None) -> Evaluated | None:
        """Value and gradient of a block, the gradient in ``out`` if given; else valid until the next call."""
        signed, s, odds, p_t, log_d, u = parts(self.buffers, x.numel())
        logits, indices = x.reshape(-1), t.ndim < x.ndim
        if indices:
            odd = self._of_indices(t, x, u, signed)
            torch.mul(logits, u, out=s)
        else:
            t, odd = self._of_floats(t.view(-1), signed)
            torch.addcmul(logits, logits, t, value=-2.0, out=s)
        if odd is not None and bool(odd.all()):
            return None
        farthest = float(s.amax())
        if not indices and not math.isfinite(farthest):
            # An infinity less twice nothing of it, or twice a number of which one is finite.
            torch.mul(logits, torch.add(self.one, t, alpha=-2.0, out=u), out=s)
        near = farthest <= NEAR
        torch.exp(s if near else torch.clamp(s, max=FARTHEST, out=odds), out=odds)
        torch.add(odds, self.one, out=p_t).reciprocal_()
        torch.log1p(odds, out=log_d)
        torch.mul(odds, p_t, out=u)
        slope = u if self.detach else torch.addcmul(u, log_d, p_t, value=self.gamma, out=odds)
        times_power(signed, u, self.gamma, p_t)
        gradients = None
        if gradient:
            gradients = torch.mul(slope, signed, out=slope if out is None else out.view(-1)).view(x.shape)
        if not value:
            return Evaluated(None, 0.0, gradients, None if odd is None else odd.view(x.shape))
        values = (log_d if near else torch.maximum(log_d, s, out=log_d)).mul_(signed).abs_()
        total = float(values.sum())
        if math.isnan(total) and self.alpha in (0.0, 1.0):
            # A class that is left out has no loss, not even an infinite one: 0 * inf is nan.
            odd = values.isnan() if odd is None else odd | values.isnan()
        return Evaluated(values.view(x.shape), total, gradients, None if odd is None else odd.view(x.shape))

    def _of_floats(self, t: Tensor, signed: Tensor) -> tuple[Tensor, Tensor | None]:
        """Balanced 1 - 2t; targets of which none is soft, and which ones were."""
        not_t, odd = torch.sub(self.one, t, out=signed), None
        # t (1-t) is positive for any soft target, however small, and nan for nan.
        if float(torch.dot(not_t, t)) != 0.0:
            odd = not_t * t != 0.0
            t = t.masked_fill(odd, 0.0)
            torch.sub(self.one, t, out=not_t)
        # 1 - 2t is 1 - t - alpha with an alpha of t.
        signed.sub_(t if self.balance is None else self.balance)
        return t, odd

    def _of_indices(self, t: Tensor, x: Tensor, w: Tensor, signed: Tensor) -> Tensor | None:
        """No one-hot array: a row has one positive class, or none."""
        classes, odd = x.shape[-1], None
        smallest, largest = torch.aminmax(t)
        if int(smallest) < 0 or int(largest) > classes:
            row = (t < 0) | (t > classes)
            odd, t = row.repeat_interleave(classes), t.masked_fill(row, classes)
        chosen = chosen_positions(t, classes)
        of_negatives, of_positives = (1.0, 1.0) if self.alpha is None else (1.0 - self.alpha, self.alpha)
        w.fill_(1.0)[chosen] = -1.0
        signed.fill_(of_negatives)[chosen] = -of_positives
        return odd


def chosen_positions(t: Tensor, classes: int) -> Tensor:
    """Where the positive classes of class indices stand in the line of their rows; background has none."""
    return torch.arange(0, t.numel() * classes, classes, dtype=torch.int64, device="cpu").add_(t)[t < classes]
