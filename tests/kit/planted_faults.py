"""Ports that are right at every golden point, and wrong in a place that only random points reach."""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent))
from wrong_ports import plain, reduced


def right(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction)


def wrong_where_the_target_is_nearly_p(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    soft = (targets > 0.0) & (targets < 1.0)
    near = soft & ((targets - torch.sigmoid(inputs)).abs() < 1e-4) & (inputs != 0.0)
    return reduced(torch.where(near, 1.01 * loss, loss), reduction)


class _GradientOff(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return 1.1 * g


def wrong_gradient_where_gamma_is_nearly_one(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    if gamma != 1.0 and abs(gamma - 1.0) < 1e-3:
        inputs = _GradientOff.apply(inputs)
    return plain(inputs, targets, alpha, gamma, reduction)


def wrong_at_subnormal_logits(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    subnormal = (inputs != 0.0) & (inputs.abs() < torch.finfo(inputs.dtype).tiny)
    return reduced(torch.where(subnormal, loss * float("nan"), loss), reduction)


def raises_where_alpha_is_tiny_and_a_logit_is_large(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    if alpha is not None and 0.0 < alpha < 1e-2 and bool((inputs > 90.0).any()):
        raise RuntimeError("planted")
    return plain(inputs, targets, alpha, gamma, reduction)


def wrong_for_one_half_number(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    return reduced(torch.where(inputs == 3.107421875, 1.1 * loss, loss), reduction)


def softmax(logits, targets, alpha=None, gamma=2.0, reduction="none", *, factor=None):
    """Class indices, (N, C); computed in float64 whatever comes in."""
    log_p = F.log_softmax(logits.double(), dim=-1)
    own = torch.gather(log_p, 1, targets[:, None])[:, 0]
    others = torch.where(F.one_hot(targets, logits.shape[1]).bool(), -torch.inf, log_p)
    loss = -(torch.exp(gamma * torch.logsumexp(others, 1).clamp(min=-700)) if gamma else 1.0) * own
    if alpha is not None:
        loss = alpha * loss
    return reduced((loss if factor is None else factor(logits) * loss).to(logits.dtype), reduction)


def wrong_softmax_of_nearly_tied_rows(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    def factor(x):
        top = torch.topk(x.double(), 2, dim=1).values
        gap = top[:, 0] - top[:, 1]
        return torch.where((gap > 0.0) & (gap < 1e-5) & (x.shape[1] == 4), 1.5, 1.0)

    return softmax(logits, targets, alpha, gamma, reduction, factor=factor)
