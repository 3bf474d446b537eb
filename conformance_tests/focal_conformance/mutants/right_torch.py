"""Right ports in torch, in the styles in which people write them: none may be found wrong."""

from typing import Any

import torch
import torch.nn.functional as F


def log_space(
    logits: Any, targets: Any, alpha: float | None = 0.25, gamma: float = 2.0, reduction: str = "none"
) -> Any:
    """The modulating factor is exp(gamma log(1 - p_t)), of soft targets by logaddexp."""
    _same_shape(logits, targets)
    tiny = torch.finfo(logits.dtype).tiny
    log_p, log_not_p = F.logsigmoid(logits), F.logsigmoid(-logits)
    mixed = torch.logaddexp(
        log_p + torch.log((1 - targets).clamp(min=tiny)), log_not_p + torch.log(targets.clamp(min=tiny))
    )
    hard = (targets == 0) | (targets == 1)
    log_q = torch.where(hard, F.logsigmoid(torch.where(targets == 1, -logits, logits)), mixed)
    loss = torch.exp(gamma * log_q) * -(targets * log_p + (1 - targets) * log_not_p)
    return _reduced(_balanced(loss, targets, alpha), reduction)


class _Kept(torch.autograd.Function):
    """The derivative in closed form, worked out with the value."""

    @staticmethod
    def forward(ctx: Any, x: Any, t: Any, gamma: float) -> Any:
        tiny = torch.finfo(x.dtype).tiny
        p, q = torch.sigmoid(x), torch.sigmoid(-x)
        u = p * (1 - t) + q * t
        ce = -t * F.logsigmoid(x) - (1 - t) * F.logsigmoid(-x)
        ratio = 1 / ((1 - t) / q.clamp(min=tiny) + t / p.clamp(min=tiny))
        ctx.save_for_backward(u**gamma * (gamma * (1 - 2 * t) * ratio * ce + p * (1 - t) - q * t))
        return u**gamma * ce

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Any) -> Any:
        (slope,) = ctx.saved_tensors
        return upstream * slope, None, None


class Analytic(torch.nn.Module):
    """A module with a gradient of its own, in float32 for the half types."""

    def __init__(self, alpha: float | None = 0.25, gamma: float = 2.0, reduction: str = "mean") -> None:
        super().__init__()
        self.alpha, self.gamma, self.reduction = alpha, gamma, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """The loss."""
        _same_shape(input, target)
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        t = target.to(x.dtype)
        loss = _balanced(_Kept.apply(x, t, self.gamma), t, self.alpha)  # type: ignore[no-untyped-call]
        return _reduced(loss, self.reduction).to(input.dtype)


def _one(x: Any, t: Any, gamma: Any) -> Any:
    """One number; of a hard target, as the derivative of a where is that of the branch taken."""
    hard = (t == 0) | (t == 1)
    against = torch.where(t == 1, -x, x)
    mixed = torch.sigmoid(x) * (1 - t) + torch.sigmoid(-x) * t
    log_q = torch.where(hard, F.logsigmoid(against), torch.log(torch.where(hard, torch.full_like(mixed, 0.5), mixed)))
    return torch.exp(gamma * log_q) * (t * -F.logsigmoid(x) + (1 - t) * -F.logsigmoid(-x))


class _ByFunc(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, t: Any, gamma: Any) -> Any:
        each = torch.func.vmap(torch.func.grad_and_value(_one), in_dims=(0, 0, None))
        slope, value = each(x.reshape(-1), t.reshape(-1), gamma)
        ctx.save_for_backward(slope.reshape(x.shape))
        return value.reshape(x.shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Any) -> Any:
        (slope,) = ctx.saved_tensors
        return upstream * slope, None, None


def by_torch_func(
    logits: Any, targets: Any, alpha: float | None = 0.25, gamma: float = 2.0, reduction: str = "none"
) -> Any:
    """One element at a time, its derivative by torch.func.grad, over all by vmap."""
    _same_shape(logits, targets)
    x = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    t = targets.to(x.dtype)
    if not x.numel():
        return _reduced(x * 0, reduction)
    loss = _ByFunc.apply(x, t, torch.tensor(gamma, dtype=x.dtype))  # type: ignore[no-untyped-call]
    return _reduced(_balanced(loss, t, alpha), reduction).to(logits.dtype)


def float32_only(inputs: Any, targets: Any, alpha: float = -1, gamma: float = 2) -> Any:
    """Refuses every other dtype; -1 switches alpha off; no reduction."""
    if inputs.dtype != torch.float32 or targets.dtype != torch.float32:
        raise TypeError("float32 only")
    return log_space(inputs, targets, None if alpha < 0 else alpha, gamma)


def _same_shape(logits: Any, targets: Any) -> None:
    if logits.shape != targets.shape:
        raise ValueError(f"shapes differ: {tuple(logits.shape)} and {tuple(targets.shape)}")


def _balanced(loss: Any, targets: Any, alpha: float | None) -> Any:
    return loss if alpha is None else (alpha * targets + (1 - alpha) * (1 - targets)) * loss


def _reduced(loss: Any, reduction: str) -> Any:
    return {"none": lambda: loss, "sum": loss.sum, "mean": loss.mean}[reduction]()
