"""Eager PyTorch on CPU: value and gradient in one pass over memory, and at most one array kept for `backward`.

What autograd makes of a formula is a pass and an array for every operation. Here the forward pass
goes through memory once, in blocks (`torch_blocks`), and computes the gradient beside the value; only
the gradient is kept. Half-precision logits keep nothing: a gradient rounded to half and multiplied
by what comes from behind would be rounded twice, so it is computed again, as with ``recompute``.

What this is worth, `python -m benchmarks --only torch/eager`: docs/performance.md.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from focal_adapters import torch_namespace as xp
from focal_adapters.parameters import held_in_float32
from focal_adapters.pipeline import Given
from focal_adapters.torch_autograd import gradient_of_elements
from focal_adapters.torch_blocks import in_blocks
from focal_ref.losses import Loss
from focal_ref.reduction import denominator

_HALVES = (torch.float16, torch.bfloat16)
_TOTALS = ("sum", "mean", "mean_positives")


def takes_elements(*tensors: Tensor) -> bool:
    """Whether these are plain tensors of the CPU that nobody traces, transforms or watches."""
    if not all(type(tensor) in (Tensor, torch.nn.Parameter) for tensor in tensors):
        return False
    if any(tensor.device.type != "cpu" or tensor.layout != torch.strided for tensor in tensors):
        return False
    watched = torch.compiler.is_compiling() or torch.jit.is_tracing() or torch._C._len_torch_dispatch_stack() > 0
    # Tensors that vmap or grad made, or were given while they run; dual numbers.
    transformed = torch._C._functorch.peek_interpreter_stack() is not None or forward_ad._current_level >= 0
    return not (watched or transformed)


def takes(given: Given) -> bool:
    """Whether a whole call is one pass: no weight and no mask, and no sum over some axes only."""
    whole = given.reduction in _TOTALS or given.reduction == "none" or given.loss.consumes_classes
    plain = whole and given.weight is None and given.mask is None and given.logits.numel() > 0
    return plain and takes_elements(given.logits, given.targets)


def result(given: Given, *, recompute: bool) -> Tensor:
    """The loss of what `takes` took."""
    loss, x, t = given.loss, given.logits, given.targets
    if given.reduction not in _TOTALS:
        return element_losses(loss, x, t, recompute=recompute)
    if given.reduction == "mean":
        divisor = float(x.numel() // (x.shape[loss.axis] if loss.consumes_classes else 1))
    else:
        counted = denominator(loss, x, t, given.indices, None, given.reduction, given.normalizer, xp)
        divisor = 1.0 if counted is None else float(counted)
    return _applied(loss, x, t, divisor, recompute)


def element_losses(loss: Loss, x: Tensor, t: Tensor, *, recompute: bool) -> Tensor:
    """Loss of each element or row, of the dtype of the logits."""
    return _applied(loss, x, t, None, recompute)


def _applied(loss: Loss, x: Tensor, t: Tensor, divisor: float | None, recompute: bool) -> Tensor:
    held = loss if x.dtype == torch.float64 else held_in_float32(loss)
    wanted = torch.is_grad_enabled() and x.requires_grad
    keep = wanted and not recompute and x.dtype not in _HALVES
    result: Tensor = _OnePass.apply(x, t, held, divisor, keep)
    return result


class _OnePass(Function):  # type: ignore[misc]
    """Element losses, or with a divisor their sum over it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, t: Tensor, loss: Loss, divisor: float | None, keep: bool) -> Tensor:
        factor = None if divisor in (None, 1.0) else 1.0 / divisor
        value, gradient = in_blocks(loss, x, t, total=divisor is not None, value=True, gradient=keep, factor=factor)
        assert value is not None
        value = value if factor is None else value.mul_(factor)
        ctx.save_for_backward(x, t, gradient)
        ctx.loss, ctx.divisor = loss, divisor
        ctx.set_materialize_grads(False)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        if upstream is None:
            return None, None, None, None, None
        x, t, gradient = ctx.saved_tensors
        loss, divisor = ctx.loss, ctx.divisor
        if torch.is_grad_enabled() or not takes_elements(x, t, upstream):
            factor = loss.spread(upstream, xp) if divisor is None else upstream / divisor
            result = (factor * gradient_of_elements(loss, *_wide(x, t))).to(x.dtype)
        elif gradient is None:
            factor = upstream if divisor is None else float(upstream) / divisor
            _, result = in_blocks(loss, x, t, total=divisor is not None, value=False, gradient=True, factor=factor)
        else:
            result = _scaled(gradient, upstream if divisor is not None else loss.spread(upstream, xp))
        return result, None, None, None, None


def _wide(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """In the dtype of computation; class indices as they are."""
    x = x.float() if x.dtype in _HALVES else x
    return x, t if t.ndim < x.ndim else t.to(x.dtype)


def _scaled(gradient: Tensor, upstream: Tensor) -> Tensor:
    """What is kept is given away where nobody can ask for it again: a pass and an array less."""
    if torch._C._autograd._get_current_graph_task_keep_graph():
        return gradient * upstream
    if upstream.ndim == 0 and float(upstream) == 1.0:
        return gradient
    return gradient.mul_(upstream)
