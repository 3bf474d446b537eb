"""Eager PyTorch: value and gradient in one pass over memory, and at most one array kept for `backward`.

What autograd makes of a formula is a pass and an array for every operation. Here the forward pass
goes through memory once, on a CPU in blocks (`torch_blocks`), on a GPU in one kernel (`torch_triton`),
and computes the gradient beside the value; only the gradient is kept. One rounded to half precision
must not be multiplied by what comes from behind: it would be rounded twice. It is computed again
where that is not 1, as with ``recompute``; float16, whose losses are scaled, keeps nothing on a CPU.

What this is worth, `python -m benchmarks --only torch/eager`: docs/performance.md.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from focal_adapters import torch_namespace as xp
from focal_adapters import torch_triton
from focal_adapters.parameters import held_in_float32
from focal_adapters.pipeline import Given
from focal_adapters.torch_autograd import gradient_of_elements
from focal_adapters.torch_blocks import in_blocks
from focal_adapters.torch_triton import in_one_kernel, rescaled
from focal_ref.losses import Loss
from focal_ref.reduction import denominator

_HALVES = (torch.float16, torch.bfloat16)
_TOTALS = ("sum", "mean", "mean_positives")


def takes_elements(loss: Loss, x: Tensor, t: Tensor) -> bool:
    """Whether a loss of these tensors is computed here: nobody traces, transforms or watches them."""
    on_cpu = x.device.type == "cpu" and t.device.type == "cpu"
    return x.numel() > 0 and _plain(x, t) and (on_cpu or torch_triton.takes(loss, x, t))


def takes(given: Given) -> bool:
    """Whether a whole call is one pass: no weight and no mask, and no sum over some axes only."""
    whole = given.reduction in _TOTALS or given.reduction == "none" or given.loss.consumes_classes
    return (
        whole
        and given.weight is None
        and given.mask is None
        and takes_elements(given.loss, given.logits, given.targets)
    )


def result(given: Given, *, recompute: bool) -> Tensor:
    """The loss of what `takes` took."""
    loss, x, t = given.loss, given.logits, given.targets
    if given.reduction not in _TOTALS:
        return element_losses(loss, x, t, recompute=recompute)
    if given.reduction == "mean":
        return _applied(
            loss, x, t, 1.0 / (x.numel() // (x.shape[loss.axis] if loss.consumes_classes else 1)), recompute
        )
    divisor = denominator(loss, x, t, given.indices, None, given.reduction, given.normalizer, xp)
    if isinstance(divisor, Tensor):
        # A number that is on a GPU stays there: reading it would wait for all that the GPU has to do.
        divisor = float(divisor) if x.device.type == "cpu" else divisor.to(given.dtype)
    return _applied(loss, x, t, 1.0 if divisor is None else 1.0 / divisor, recompute)


def element_losses(loss: Loss, x: Tensor, t: Tensor, *, recompute: bool) -> Tensor:
    """Loss of each element or row, of the dtype of the logits."""
    return _applied(loss, x, t, None, recompute)


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def transformed() -> bool:
    """Whether vmap or grad runs, which may have made a tensor or been given it, or dual numbers are about.

    Dynamo enters them as it traces; what the stack is it would take for an object that is never None.
    """
    return torch._C._functorch.peek_interpreter_stack() is not None or forward_ad._current_level >= 0


def _plain(*tensors: Tensor) -> bool:
    if not all(type(tensor) in (Tensor, torch.nn.Parameter) for tensor in tensors):
        return False
    watched = torch.compiler.is_compiling() or torch.jit.is_tracing() or torch._C._len_torch_dispatch_stack() > 0
    return not (watched or transformed()) and all(tensor.layout == torch.strided for tensor in tensors)


def _applied(loss: Loss, x: Tensor, t: Tensor, factor: Tensor | float | None, recompute: bool) -> Tensor:
    held = loss if x.dtype == torch.float64 else held_in_float32(loss)
    wanted = torch.is_grad_enabled() and x.requires_grad
    by_kernel = torch_triton.takes(held, x, t)
    # A reduced value often is the last one, from behind which comes a 1.
    once = factor is not None and (by_kernel or x.dtype == torch.bfloat16)
    keep = wanted and not recompute and (x.dtype not in _HALVES or once)
    result: Tensor = _OnePass.apply(x, t, held, factor, keep, by_kernel)
    return result


class _OnePass(Function):  # type: ignore[misc]
    """Element losses, or with a factor their sum times it."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, t: Tensor, loss: Loss, factor: Tensor | float | None, keep: bool, by_kernel: bool
    ) -> Tensor:
        compute = in_one_kernel if by_kernel else in_blocks
        scale = None if isinstance(factor, float) and factor == 1.0 else factor
        value, gradient = compute(loss, x, t, total=factor is not None, value=True, gradient=keep, factor=scale)
        assert value is not None
        ctx.save_for_backward(x, t, gradient)
        ctx.loss, ctx.factor, ctx.by_kernel = loss, factor, by_kernel
        ctx.set_materialize_grads(False)
        return value if scale is None else value * scale

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        nothing = (None,) * 5
        if upstream is None:
            return None, *nothing
        x, t, gradient = ctx.saved_tensors
        loss, factor = ctx.loss, ctx.factor
        if torch.is_grad_enabled() or not _plain(x, t, upstream):
            outer = loss.spread(upstream, xp) if factor is None else upstream * factor
            return (outer * gradient_of_elements(loss, *_wide(x, t))).to(x.dtype), *nothing
        kept_for_others = torch._C._autograd._get_current_graph_task_keep_graph()
        rounded = x.dtype in _HALVES and not ctx.by_kernel and (gradient is None or float(upstream) != 1.0)
        if gradient is None or rounded or (kept_for_others and ctx.by_kernel and factor is not None):
            compute = in_one_kernel if ctx.by_kernel else in_blocks
            scale = upstream if factor is None else upstream * factor
            # On a CPU a tensor is one number for each loss.
            scale = scale if factor is None or ctx.by_kernel else float(scale)
            _, gradient = compute(loss, x, t, total=factor is not None, value=False, gradient=True, factor=scale)
        elif kept_for_others:
            gradient = gradient * (loss.spread(upstream, xp) if factor is None else upstream)
        # What is kept is given away: a pass and an array less.
        elif factor is None:
            gradient.mul_(loss.spread(upstream, xp))
        elif ctx.by_kernel:
            rescaled(loss, x, t, gradient, upstream * factor, factor)
        elif float(upstream) != 1.0:
            gradient.mul_(upstream)
        return gradient, *nothing


def _wide(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """In the dtype of computation; class indices as they are."""
    x = x.float() if x.dtype in _HALVES else x
    return x, t if t.ndim < x.ndim else t.to(x.dtype)
