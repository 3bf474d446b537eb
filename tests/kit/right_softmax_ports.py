"""Right softmax ports in the styles of public code: none of them may be found wrong at the required level.

Where p_y is large, 1 - p_y is the sum of the other probabilities: as a difference it rounds to 0, where
its power has no derivative. Where p_y is small it is the difference: through the sum, autodiff subtracts
nearly equal numbers and multiplies what is left by the cross-entropy.
"""

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F


def reduced(loss, reduction):
    return {"none": lambda: loss, "sum": loss.sum, "mean": loss.mean}[reduction]()


def complement(p, others):
    """1 - p."""
    return torch.where(p < 0.5, 1 - p, others.clamp(min=torch.finfo(p.dtype).tiny))


def softmax_focal(input, target, alpha=None, gamma=2.0, reduction="mean"):
    """Log space, class indices, named like torch's; alpha is a number or one a class."""
    if target.shape != input.shape[:-1]:
        raise ValueError(f"target must have shape {tuple(input.shape[:-1])}, got {tuple(target.shape)}")
    x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
    index = target.unsqueeze(-1)
    log_p = F.log_softmax(x, -1)
    log_p_y = log_p.gather(-1, index).squeeze(-1)
    others = log_p.exp().scatter(-1, index, 0.0).sum(-1)
    loss = complement(log_p_y.exp(), others) ** gamma * -log_p_y
    if alpha is not None:
        loss = torch.as_tensor(alpha, dtype=loss.dtype).expand(x.shape[-1])[target] * loss
    return reduced(loss.to(input.dtype), reduction)


def gathering(logits, targets, gamma=2.0, alpha=1.0, ignore_index=-100, size_average=True):
    """Two axes alone, a mean or a sum by a flag, and ignore_index as torch has it; 1 for no alpha."""
    kept = targets != ignore_index
    if targets.ndim != 1 or len(logits) != len(targets):
        raise ValueError("logits (N, C), targets (N,)")
    loss = softmax_focal(logits[kept], targets[kept], alpha=alpha, gamma=gamma, reduction="none")
    if not size_average:
        return loss.sum()
    return loss.sum() / kept.sum().clamp(min=1)


def one_hot_rows(y_pred, y_true, alpha=None, gamma=2.0):
    """Probability rows only, the linear rule as a sum of what is not negative."""
    if y_pred.shape != y_true.shape:
        raise ValueError("shapes differ")
    x = y_pred.float() if y_pred.dtype in (torch.float16, torch.bfloat16) else y_pred
    t = y_true.to(x.dtype)
    log_p = F.log_softmax(x, -1)
    p = log_p.exp()
    q = complement((t * p).sum(-1), ((1 - t) * p).sum(-1))
    loss = q**gamma * -(t * log_p).sum(-1)
    if alpha is not None:
        loss = (torch.as_tensor(alpha, dtype=x.dtype) * t).sum(-1) * loss
    return loss.to(y_pred.dtype)


class _Analytic(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y, gamma):
        one_hot = F.one_hot(y, x.shape[-1]).to(x.dtype)
        log_p = F.log_softmax(x, -1)
        p = log_p.exp()
        others = p * (1 - one_hot)
        q = others.sum(-1, keepdim=True)
        p_y, log_p_y = (p * one_hot).sum(-1, keepdim=True), (log_p * one_hot).sum(-1, keepdim=True)
        r = torch.where(q > 0, others / q.clamp(min=torch.finfo(x.dtype).tiny), 0)
        ctx.save_for_backward(q**gamma * (gamma * p_y * log_p_y - q) * (one_hot - r))
        return -(q**gamma * log_p_y).squeeze(-1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        (slope,) = ctx.saved_tensors
        return upstream.unsqueeze(-1) * slope, None, None


class AnalyticModule(torch.nn.Module):
    """A class of torch's style: images have their classes on axis 1, alpha one number a class, in a buffer."""

    def __init__(self, alpha=None, gamma=2.0, reduction="mean"):
        super().__init__()
        self.register_buffer("alpha", None if alpha is None else torch.tensor(alpha))
        self.gamma, self.reduction = gamma, reduction

    def forward(self, input, target):
        if target.shape != input.shape[:1] + input.shape[2:]:
            raise ValueError("target must hold class indices")
        x = input.movedim(1, -1)
        x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        loss = _Analytic.apply(x, target, self.gamma)
        if self.alpha is not None:
            loss = self.alpha.to(loss.dtype)[target] * loss
        return reduced(loss, self.reduction).to(input.dtype)


def any_axis(logits, labels, gamma=2.0, label_smoothing=0.0, dim=1):
    """An axis of its own, smoothed labels, no alpha; its rule for soft targets is the expectation over classes."""
    index = labels.unsqueeze(dim)
    if index.ndim != logits.ndim or index.shape != logits.narrow(dim, 0, 1).shape:
        raise ValueError("shapes differ")
    x = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    classes = x.shape[dim]
    t = torch.zeros_like(x).scatter(dim, index, 1.0) * (1 - label_smoothing) + label_smoothing / classes
    log_p = F.log_softmax(x, dim)
    p = log_p.exp()
    largest = torch.zeros_like(p, dtype=torch.bool).scatter(dim, p.argmax(dim, keepdim=True), True)
    others = p.masked_fill(largest, 0.0).sum(dim, keepdim=True).clamp(min=torch.finfo(p.dtype).tiny)
    q = torch.where(largest, others, 1 - p)
    return (t * q**gamma * -log_p).sum(dim).to(logits.dtype)


def jax_port(logits, labels, *, alpha=None, gamma=2.0):
    """JAX: class indices or rows, as optax' cross-entropies take them in two functions."""
    x = logits.astype(jnp.float32) if logits.dtype in (jnp.float16, jnp.bfloat16) else logits
    t = labels
    if labels.ndim < logits.ndim:
        if labels.shape != logits.shape[:-1]:
            raise ValueError("shapes differ")
        t = jax.nn.one_hot(labels, x.shape[-1], dtype=x.dtype)
    elif labels.shape != logits.shape:
        raise ValueError("shapes differ")
    t = t.astype(x.dtype)
    log_p = jax.nn.log_softmax(x, -1)
    p = jnp.exp(log_p)
    p_t, others = jnp.sum(t * p, -1), jnp.sum((1 - t) * p, -1)
    q = jnp.where(p_t < 0.5, 1 - p_t, jnp.maximum(others, jnp.finfo(x.dtype).tiny))
    loss = q**gamma * -jnp.sum(t * log_p, -1)
    loss = loss if alpha is None else jnp.sum(jnp.asarray(alpha, x.dtype) * t, -1) * loss
    return loss.astype(logits.dtype)


def numpy_port(y_true, y_pred, alpha=None, gamma=2.0):
    """NumPy float64 whatever comes in, labels first, no gradient."""
    if y_true.shape != y_pred.shape:
        raise ValueError("shapes differ")
    x, t = y_pred.astype(np.float64), y_true.astype(np.float64)
    shifted = x - x.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    q = ((1 - t) * np.exp(log_p)).sum(-1)
    loss = q**gamma * -np.where(t > 0, t * log_p, 0).sum(-1)
    if alpha is not None:
        loss = (np.asarray(alpha) * t).sum(-1) * loss
    return loss.astype(y_pred.dtype)


FLOAT64_TOO, NOT_FLOAT64 = (("--dtype", a, "--dtype", b) for a, b in (("float32", "float64"), ("float32", "float16")))
HARD = ("hard_values", "hard_gradients", "saturation", "gamma_zero", "gamma_below_one", "layouts", "no_broadcasting")
SOFT = ("soft_values", "soft_gradients")
PER_CLASS = ("alpha_per_class",)
RIGHT = {
    "softmax_focal": ("torch", (), (*HARD, *PER_CLASS, "alpha_edges", "reductions", "low_precision")),
    "gathering": ("torch", FLOAT64_TOO, (*HARD, *PER_CLASS, "alpha_edges", "ignore_index")),
    "AnalyticModule": ("torch", FLOAT64_TOO, (*HARD, *PER_CLASS, "reductions")),
    "any_axis": ("torch", ("--soft-targets", "expected", *FLOAT64_TOO), (*HARD, "axis", "label_smoothing")),
    # Autodiff of the linear rule subtracts nearly equal numbers and multiplies by a cross-entropy of hundreds.
    "one_hot_rows": ("torch", NOT_FLOAT64, (*HARD, *SOFT, *PER_CLASS, "low_precision")),
    "jax_port": ("jax", ("--dtype", "float32"), (*HARD, *SOFT, *PER_CLASS, "alpha_edges")),
    "numpy_port": ("numpy", FLOAT64_TOO, ("hard_values", "soft_values", "saturation", *PER_CLASS)),
}
"""Right port -> its framework, the flags that it needs, and what it must pass among the rest."""
