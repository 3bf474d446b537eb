"""The softmax focal loss of class indices in place, for eager PyTorch on CPU: no one-hot array, few passes.

With e = exp(x), of x less its largest where the sum is large or small, S the sum of the e of the other classes
and T = S + e_y, u = 1 - p_y = S/T,

  CE = -log1p(-u) where u < 1/2, else -log p_y
  FL_j = e_j/S C for another class j, FL_y = -C,  C = alpha_y u^gamma (gamma p_y CE + u)

so that all but a few numbers a row is: exp, sum, multiply. 1 - p_y never cancels. The operations of
`focal_ref.losses.softmax_rules` take ten times as long: 304 ms for 50,000 x 80 float32 logits on one core
where this takes 24 (`python -m benchmarks --only torch/eager/softmax --threads 1`).
"""

import math
from typing import Self

import torch
from torch import Tensor

from focal_adapters.torch_evaluated import Evaluated, power
from focal_ref.losses import Loss, SoftmaxFocal

FEWEST, MOST = 0.5, 1e26
"""Sums of exp(x) that need no largest logit subtracted: no term that counts is subnormal, nothing overflows."""
NORMAL = {torch.float32: -87.0, torch.float64: -708.0}
"""Down to it exp(x) is normal, and a smaller sum is exact enough."""
LEAST = 1e-26
SMALLEST = {torch.float32: 1e-30, torch.float64: 1e-290}
"""A smaller p_y may have lost digits, or be 0: its logarithm is taken from the logits."""


class HardRows:
    """Evaluates blocks of rows, but for those that it calls odd; says no (None) to soft rows."""

    @classmethod
    def of(cls, loss: Loss, dtype: torch.dtype, size: int) -> Self | None:
        """For blocks of at most ``size`` elements; None for a loss that it does not compute."""
        return cls(loss, dtype, size) if type(loss) is SoftmaxFocal else None

    def __init__(self, loss: SoftmaxFocal, dtype: torch.dtype, size: int) -> None:
        self.gamma, self.alpha, self.detach = loss.gamma, loss.alpha, loss.detach_modulator
        self.smallest, self.normal = SMALLEST[dtype], NORMAL[dtype]
        self.buffer = torch.empty(size, dtype=dtype, device="cpu")

    def evaluated(self, x: Tensor, t: Tensor, value: bool, gradient: bool, out: Tensor | None) -> Evaluated | None:
        """Value and gradient of a block, the gradient in ``out`` if given; else valid until the next call."""
        rows, classes = x.shape
        if t.ndim == x.ndim:
            return None
        odd = None
        smallest, largest = torch.aminmax(t)
        if int(smallest) < 0 or int(largest) >= classes:
            odd = (t < 0) | (t >= classes)
            t = t.masked_fill(odd, 0)
        e = self.buffer[: x.numel()].view(rows, classes) if out is None else out
        torch.exp(x, out=e)
        # Positions along the block: indexing along an axis takes twice as long.
        mine = torch.arange(0, x.numel(), classes, dtype=torch.int64, device="cpu").add_(t)
        line = e.view(-1)
        e_y = line[mine]
        line.index_fill_(0, mine, 0.0)
        others = e.sum(dim=1)
        total = others + e_y
        top: Tensor | None = None
        usual = (total >= FEWEST) & (total <= MOST)
        if not usual.all():
            top = self._shift(x, t, (~usual).nonzero()[:, 0], e, others, e_y)
            total = others + e_y
        u, p_y = others / total, e_y / total
        entropy = torch.where(u < 0.5, -torch.log1p(-u), -torch.log(p_y))
        small = p_y < self.smallest
        if small.any():
            x_y = x.reshape(-1)[mine]
            entropy = torch.where(small, (-x_y if top is None else top - x_y) + torch.log(total), entropy)
        factor = torch.ones_like(u) if self.gamma == 0.0 else power(u, self.gamma)
        if self.alpha is not None:
            alpha = torch.as_tensor(self.alpha, dtype=x.dtype, device="cpu")
            factor = factor * (alpha[t] if alpha.ndim else alpha)
        losses = factor * entropy
        pull = factor * (u if self.detach else u + self.gamma * p_y * entropy)
        summed = float(losses.sum())
        # Not finite where a logit was not, or where the factor of an infinite loss is 0.
        if not (math.isfinite(summed) and math.isfinite(float(pull.sum()))):
            not_finite = ~(losses.isfinite() & pull.isfinite())
            odd = not_finite if odd is None else odd | not_finite
        if gradient:
            divisor = torch.where(others == 0.0, 1.0, others)
            scale = pull / divisor
            tiny = scale < torch.finfo(x.dtype).smallest_normal
            if tiny.any():
                # pull may be normal where its quotient is not.
                e.div_(torch.where(tiny, divisor, 1.0).unsqueeze(1))
                scale = torch.where(tiny, pull, scale)
            e.mul_(scale.unsqueeze(1))
            line[mine] = -pull
        return Evaluated(losses if value else None, summed, e if gradient else None, odd)

    def _shift(self, x: Tensor, t: Tensor, rows: Tensor, e: Tensor, others: Tensor, e_y: Tensor) -> Tensor:
        """Of rows whose sums need it, the same with the largest logit subtracted; it is returned, 0 for the others."""
        top = torch.zeros_like(others)
        sums = others[rows] + e_y[rows]
        needed = ~((sums >= LEAST) & (sums <= MOST) & (x[rows].amin(dim=1) > self.normal))
        rows = rows[needed]
        if rows.numel() == 0:
            return top
        given, mine = x[rows], t[rows].unsqueeze(1)
        largest = given.amax(dim=1, keepdim=True)
        shifted = given - largest
        # What the subtraction loses counts up to 88 times.
        seen = shifted - given
        lost = (given - (shifted - seen)).sub_(seen.add_(largest)).nan_to_num_(0.0, 0.0, 0.0)
        shifted.exp_()
        shifted.addcmul_(shifted, lost)
        e_y[rows] = shifted.gather(1, mine)[:, 0]
        shifted.scatter_(1, mine, 0.0)
        e[rows], others[rows], top[rows] = shifted, shifted.sum(dim=1), largest[:, 0]
        return top
