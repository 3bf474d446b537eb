"""The sigmoid focal loss of hard targets in place, on buffers that stay in cache, for eager PyTorch on CPU.

The formulas of `focal_ref.losses.sigmoid_fast.Hard` without its steps: with w = 2t - 1 and s = x w,
the logit as seen from the target, and E = exp(s),

  u = 1 - p_t = 1/(1 + E),  p_t = E u,  CE = max(-s, 0) + log(1 + min(E, 1/E))

Each is accurate while E is finite. In the same blocks the plain operations take twice as long: 38 ms
for 50,000 x 80 float32 logits on one core where this takes 20 (docs/performance.md has it beside others).
"""

import math
from typing import Any, Self

import torch
from torch import Tensor

from focal_adapters.torch_evaluated import Evaluated, power
from focal_ref.losses import Loss, SigmoidFocal

LARGEST = {torch.float32: 88.0, torch.float64: 709.0}
"""Beyond it exp overflows."""
NEGLIGIBLE = 0.5
"""From this gamma on, what a confident right logit beyond `LARGEST` adds is below every subnormal number."""
MOST_ACCURATE = 10.0
"""The largest gamma whose errors are bounded: u counts gamma times."""


class HardTargets:
    """Evaluates blocks; says no (None) to soft targets, and to logits that are not finite."""

    @classmethod
    def of(cls, loss: Loss, dtype: torch.dtype, size: int) -> Self | None:
        """For blocks of at most ``size`` elements; None for a loss that it does not compute."""
        takes = type(loss) is SigmoidFocal and not isinstance(loss.alpha, tuple) and loss.gamma <= MOST_ACCURATE
        return cls(loss, dtype, size) if takes else None

    def __init__(self, loss: Any, dtype: torch.dtype, size: int) -> None:
        self.gamma: float = loss.gamma
        self.alpha: float | None = loss.alpha
        self.detach: bool = loss.detach_modulator
        self.largest = LARGEST[dtype]
        self.one = torch.ones((), dtype=dtype)
        self.buffers = [torch.empty(size, dtype=dtype) for _ in range(6)]

    def evaluated(self, x: Tensor, t: Tensor, value: bool, gradient: bool, out: Tensor | None) -> Evaluated | None:
        """Value and gradient of a block, the gradient in ``out`` if given; else valid until the next call."""
        w, s, e, entropy, u, balance = (buffer[: x.numel()] for buffer in self.buffers)
        line = x.reshape(-1)
        if not (self._of_indices(t, x, w, balance) if t.ndim < x.ndim else self._of_floats(t, w, u, balance)):
            return None
        torch.mul(line, w, out=s)
        if self.gamma < NEGLIGIBLE and not float(s.amax()) < self.largest:
            return None
        torch.exp(s.clamp_(max=self.largest), out=e)
        torch.reciprocal(e, out=entropy)
        torch.minimum(entropy, e, out=entropy)
        # The negative cross-entropy: its sign and that of `balance` cancel in the value.
        torch.sub(s.clamp_(max=0.0), entropy.log1p_(), out=entropy)
        torch.add(e, 1.0, out=u).reciprocal_()
        if self.gamma > 0.0:
            balance.mul_(power(u, self.gamma, s))
        if value:
            torch.mul(balance, entropy, out=s)
        # Not finite where a logit was not, or where the factor of an infinite loss is 0.
        total = float((s if value else entropy).sum())
        if not math.isfinite(total):
            return None
        gradients = None
        if gradient:
            if not self.detach:
                u.add_(e.mul_(u).mul_(entropy), alpha=-self.gamma)
            gradients = torch.mul(u.mul_(w), balance, out=w if out is None else out.view(-1)).view(x.shape)
        return Evaluated(s.view(x.shape) if value else None, total, gradients)

    def _of_floats(self, t: Tensor, w: Tensor, not_t: Tensor, balance: Tensor) -> bool:
        torch.sub(self.one, t, out=not_t)
        # t (1-t) is positive for any soft target, however small, and nan for nan.
        if float(torch.dot(not_t, t)) != 0.0:
            return False
        torch.sub(t, not_t, out=w)
        if self.alpha is None:
            balance.fill_(-1.0)
        elif self.alpha < 0.25:
            # -alpha for t = 1 exactly: a sum of the other weight and a difference would lose a small alpha.
            torch.mul(not_t, 2.0 * self.alpha - 1.0, out=balance).sub_(self.alpha)
        else:
            torch.mul(t, 1.0 - 2.0 * self.alpha, out=balance).sub_(1.0 - self.alpha)
        return True

    def _of_indices(self, t: Tensor, x: Tensor, w: Tensor, balance: Tensor) -> bool:
        """No one-hot array: a row has one positive class, or none."""
        classes = x.shape[-1]
        smallest, largest = torch.aminmax(t)
        if int(smallest) < 0 or int(largest) > classes:
            return False
        chosen = torch.arange(0, x.numel(), classes, dtype=torch.int64).add_(t)[t < classes]
        of_negatives, of_positives = (1.0, 1.0) if self.alpha is None else (1.0 - self.alpha, self.alpha)
        w.fill_(-1.0)[chosen] = 1.0
        balance.fill_(-of_negatives)[chosen] = -of_positives
        return True
