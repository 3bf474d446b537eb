"""Right ports in other styles than the adapters': none of them may be found wrong at the required level."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F


def log_space(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    """The modulating factor as exp(gamma log(1 - p_t)), linear soft targets by logaddexp."""
    if logits.shape != targets.shape:
        raise ValueError(f"shapes differ: {tuple(logits.shape)} and {tuple(targets.shape)}")
    tiny = torch.finfo(logits.dtype).tiny
    log_p, log_not_p = F.logsigmoid(logits), F.logsigmoid(-logits)
    log_t, log_not_t = torch.log(targets.clamp(min=tiny)), torch.log((1 - targets).clamp(min=tiny))
    log_q = torch.logaddexp(log_p + log_not_t, log_not_p + log_t)
    hard = (targets == 0) | (targets == 1)
    log_q = torch.where(hard, F.logsigmoid(torch.where(targets == 1, -logits, logits)), log_q)
    loss = torch.exp(gamma * log_q) * -(targets * log_p + (1 - targets) * log_not_p)
    if alpha is not None:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return {"none": lambda: loss, "sum": loss.sum, "mean": loss.mean}[reduction]()


class _Analytic(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, t, gamma):
        p, q = torch.sigmoid(x), torch.sigmoid(-x)
        u = p * (1 - t) + q * t
        ce = -t * F.logsigmoid(x) - (1 - t) * F.logsigmoid(-x)
        k = 1 / ((1 - t) / q.clamp(min=torch.finfo(x.dtype).tiny) + t / p.clamp(min=torch.finfo(x.dtype).tiny))
        ctx.save_for_backward(u**gamma * (gamma * (1 - 2 * t) * k * ce + p * (1 - t) - q * t))
        return u**gamma * ce

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        (slope,) = ctx.saved_tensors
        return upstream * slope, None, None


class AnalyticModule(torch.nn.Module):
    """A class: parameters to the constructor, an analytic gradient in float32 for the half types."""

    def __init__(self, alpha=0.25, gamma=2.0, reduction="mean"):
        super().__init__()
        self.alpha, self.gamma, self.reduction = alpha, gamma, reduction

    def forward(self, input, target):
        if input.shape != target.shape:
            raise ValueError("input and target differ in shape")
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        t = target.to(x.dtype)
        loss = _Analytic.apply(x, t, self.gamma)
        if self.alpha is not None:
            loss = (self.alpha * t + (1 - self.alpha) * (1 - t)) * loss
        loss = {"none": lambda: loss, "sum": loss.sum, "mean": loss.mean}[self.reduction]()
        return loss.to(input.dtype)


def float32_only(inputs, targets, alpha=-1, gamma=2):
    """Refuses every other dtype; -1 switches alpha off; no reduction argument."""
    if inputs.dtype != torch.float32 or targets.dtype != torch.float32:
        raise TypeError("float32 only")
    return log_space(inputs, targets, None if alpha < 0 else alpha, gamma)


def mean_only(logits, labels, alpha=0.25, gamma=2.0):
    """Returns one number."""
    return log_space(logits, labels, alpha, gamma, "mean")


def jax_port(logits, targets, *, alpha=None, gamma=2.0):
    """Log space in JAX, without a reduction; the half types in float32."""
    if logits.shape != targets.shape:
        raise ValueError("shapes differ")
    if logits.dtype in (jnp.float16, jnp.bfloat16):
        return jax_port(logits.astype(jnp.float32), targets.astype(jnp.float32), alpha=alpha, gamma=gamma).astype(
            logits.dtype
        )
    log_p, log_not_p = jax.nn.log_sigmoid(logits), jax.nn.log_sigmoid(-logits)
    # (1 - p_t) of the linear rule, as a sum of non-negative terms.
    q = jax.nn.sigmoid(logits) * (1 - targets) + jax.nn.sigmoid(-logits) * targets
    hard_log_q = jnp.where(targets == 1, log_not_p, log_p)
    is_hard = (targets == 0) | (targets == 1)
    log_q = jnp.where(is_hard, hard_log_q, jnp.log(jnp.where(is_hard, 0.5, q)))
    loss = jnp.exp(gamma * log_q) * -(targets * log_p + (1 - targets) * log_not_p)
    return loss if alpha is None else (alpha * targets + (1 - alpha) * (1 - targets)) * loss


def numpy_port(y_true, y_pred, alpha=0.25, gamma=2.0):
    """NumPy, labels first, no gradient; float32 stays float32."""
    if y_true.shape != y_pred.shape:
        raise ValueError("shapes differ")
    dtype = y_pred.dtype
    y_pred, y_true = y_pred.astype(np.float64), y_true.astype(np.float64)
    e = np.exp(-np.abs(y_pred))
    p, not_p = np.where(y_pred >= 0, 1, e) / (1 + e), np.where(y_pred >= 0, e, 1) / (1 + e)
    q = p * (1 - y_true) + not_p * y_true
    ce = np.log1p(e) + np.maximum(y_pred, 0) * (1 - y_true) + np.maximum(-y_pred, 0) * y_true
    loss = q**gamma * ce
    if alpha is not None:
        loss = (alpha * y_true + (1 - alpha) * (1 - y_true)) * loss
    return loss.astype(dtype)


def flattening(inputs, targets, alpha=0.25, gamma=2.0):
    """Flattens both, which broadcasts nothing, and returns one number."""
    return log_space(inputs.reshape(-1), targets.reshape(-1), alpha, gamma, "mean")


def positional_only(inputs, targets, /, alpha=0.25, gamma=2.0, reduction="none"):
    """Logits and targets by position only."""
    return log_space(inputs, targets, alpha, gamma, reduction)


class MaskAfterWeight(torch.nn.Module):
    """A mask that is not the next argument after the targets."""

    def __init__(self, alpha=0.25, gamma=2.0, reduction="mean"):
        super().__init__()
        self.alpha, self.gamma, self.reduction = alpha, gamma, reduction

    def forward(self, inputs, targets, weight=None, mask=None):
        if mask is not None:
            inputs, targets = torch.where(mask, inputs, 0.0), torch.where(mask, targets, 0.0)
        loss = log_space(inputs, targets, self.alpha, self.gamma)
        loss = loss if weight is None else loss * weight
        if mask is None:
            return {"none": lambda: loss, "sum": loss.sum, "mean": loss.mean}[self.reduction]()
        loss = torch.where(mask, loss, 0.0)
        count = torch.broadcast_to(mask, loss.shape).sum().clamp(min=1)
        return {"none": lambda: loss, "sum": loss.sum, "mean": lambda: loss.sum() / count}[self.reduction]()


RIGHT = {
    "log_space": "torch",
    "AnalyticModule": "torch",
    "float32_only": "torch",
    "mean_only": "torch",
    "jax_port": "jax",
    "numpy_port": "numpy",
    "flattening": "torch",
    "positional_only": "torch",
    "MaskAfterWeight": "torch",
}
"""Right port -> its framework."""
