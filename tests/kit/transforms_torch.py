"""PyTorch ports for `wrong_transforms`: the right ones, and those that a transformation shows to be wrong."""

import torch
import torch.nn.functional as F


def log_space(logits, targets, alpha=0.25, gamma=2.0):
    """Right: hard targets, the modulating factor by its logarithm; gamma is used once."""
    sign = 1 - 2 * targets
    x = (logits * sign).float()
    loss = torch.exp(gamma * F.logsigmoid(x)) * F.softplus(x)
    if alpha is not None:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return loss.to(logits.dtype)


def mean_only(logits, targets, alpha=0.25, gamma=2.0):
    return log_space(logits, targets, alpha, gamma).mean()


def graph_break(logits, targets, alpha=0.25, gamma=2.0):
    scale = 1.0 if logits.abs().max().item() < 1e30 else 0.0
    return scale * log_space(logits, targets, alpha, gamma)


def compiled_for_every_batch(logits, targets, alpha=0.25, gamma=2.0):
    for _ in range(logits.shape[0]):
        pass
    return log_space(logits, targets, alpha, gamma)


def stale_gamma(logits, targets, alpha=0.25, gamma=2.0):
    """Right but for a fault of torch 2.13: a float that is an exponent, and something else as well."""
    x = logits * (1 - 2 * targets)
    modulator = (torch.sigmoid(x) ** gamma + gamma) - gamma
    loss = modulator * F.softplus(x)
    return loss if alpha is None else (alpha * targets + (1 - alpha) * (1 - targets)) * loss


def branch_on_data(logits, targets, alpha=0.25, gamma=2.0):
    if (logits.abs() > 1e30).any():
        return 0 * logits
    return log_space(logits, targets, alpha, gamma)


def first_derivative_only(logits, targets, alpha=0.25, gamma=2.0):
    """The first derivative as a constant."""
    with torch.enable_grad():
        value, pullback = torch.func.vjp(lambda x: log_space(x, targets, alpha, gamma), logits)
        slope = pullback(torch.ones_like(value))[0]
    return value.detach() + (logits - logits.detach()) * slope.detach()


def sum_by_a_matrix_product(logits, targets, alpha=0.25, gamma=2.0):
    """Autocast takes every matrix product in bfloat16."""
    ones = torch.ones((1, 1), dtype=logits.dtype, device=logits.device)
    return (log_space(logits, targets, alpha, gamma)[..., None] @ ones)[..., 0]


def batch_size_built_in(logits, targets, alpha=0.25, gamma=2.0):
    ones = torch.tensor([1.0] * int(logits.shape[0]), dtype=logits.dtype)
    return ones * log_space(logits, targets, alpha, gamma)


def moved_to_the_cpu(logits, targets, alpha=0.25, gamma=2.0):
    return log_space(logits.cpu(), targets.cpu(), alpha, gamma)


def _value_and_slope(logits, targets, alpha, gamma):
    sign = 1 - 2 * targets
    x = logits * sign
    q, p, entropy = torch.sigmoid(x), torch.sigmoid(-x), F.softplus(x)
    balance = 1.0 if alpha is None else alpha * targets + (1 - alpha) * (1 - targets)
    return balance * q**gamma * entropy, balance * sign * q**gamma * (gamma * p * entropy + q)


class _OldStyle(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets, alpha, gamma):
        value, slope = _value_and_slope(logits, targets, alpha, gamma)
        ctx.save_for_backward(slope)
        return value

    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.saved_tensors[0], None, None, None


class _Analytic(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(logits, targets, alpha, gamma):
        return _value_and_slope(logits, targets, alpha, gamma)[0]

    @staticmethod
    def setup_context(ctx, inputs, output):
        logits, targets, ctx.alpha, ctx.gamma = inputs
        ctx.save_for_backward(logits, targets)

    @staticmethod
    def backward(ctx, upstream):
        # By formulas that autograd differentiates again.
        return upstream * _value_and_slope(*ctx.saved_tensors, ctx.alpha, ctx.gamma)[1], None, None, None


class _WithForwardMode(_Analytic):
    @staticmethod
    def setup_context(ctx, inputs, output):
        _Analytic.setup_context(ctx, inputs, output)
        ctx.save_for_forward(*inputs[:2])

    @staticmethod
    def jvp(ctx, tangent, *others):
        return tangent * _value_and_slope(*ctx.saved_tensors, ctx.alpha, ctx.gamma)[1]


def function_without_setup_context(logits, targets, alpha=0.25, gamma=2.0):
    return _OldStyle.apply(logits, targets, alpha, gamma)


def function_without_jvp(logits, targets, alpha=0.25, gamma=2.0):
    return _Analytic.apply(logits, targets, alpha, gamma)


def analytic(logits, targets, alpha=0.25, gamma=2.0):
    """Right: a Function with everything that torch.func asks for."""
    return _WithForwardMode.apply(logits, targets, alpha, gamma)


class _WithoutTangent(_WithForwardMode):
    @staticmethod
    def jvp(ctx, tangent, *others):
        return _value_and_slope(*ctx.saved_tensors, ctx.alpha, ctx.gamma)[1]


class _RowsMixed(_Analytic):
    generate_vmap_rule = False

    @staticmethod
    def vmap(info, in_dims, logits, targets, alpha, gamma):
        return _Analytic.apply(logits, targets, alpha, gamma).flip(0), 0


def forward_mode_without_tangent(logits, targets, alpha=0.25, gamma=2.0):
    return _WithoutTangent.apply(logits, targets, alpha, gamma)


def rows_mixed_by_vmap(logits, targets, alpha=0.25, gamma=2.0):
    return _RowsMixed.apply(logits, targets, alpha, gamma)


def data_made_up(logits, targets, alpha=0.25, gamma=2.0):
    if logits.is_meta:
        logits = torch.zeros(logits.shape, requires_grad=True)
        targets = logits.detach()
    return log_space(logits, targets, alpha, gamma)
