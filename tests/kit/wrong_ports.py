"""Wrong ports, each with the check that is meant to catch it: the mistakes that public code has made.

Most are mistakes that were met in public implementations; each changes one thing in `plain`,
which is right.
"""

import torch
import torch.nn.functional as F


def plain(inputs, targets, alpha=0.25, gamma=2.0, reduction="none", *, p_t=None, modulator=None, alpha_t=None, ce=None):
    """A right port, with places to break it.

    Not F.softplus: from x = 20 on it returns x, which float64 shows.
    """
    if inputs.shape != targets.shape:
        raise ValueError("shapes differ")
    dtype = inputs.dtype
    if dtype in (torch.float16, torch.bfloat16):
        inputs, targets = inputs.float(), targets.float()
    cross_entropy = (
        -targets * F.logsigmoid(inputs) - (1 - targets) * F.logsigmoid(-inputs) if ce is None else ce(inputs, targets)
    )
    q = torch.sigmoid(inputs) * (1 - targets) + torch.sigmoid(-inputs) * targets
    q = q.clamp(min=torch.finfo(q.dtype).tiny) if p_t is None else 1 - p_t(inputs, targets)
    loss = (q**gamma if modulator is None else modulator(q, gamma)) * cross_entropy
    if alpha is not None:
        balance = alpha * targets + (1 - alpha) * (1 - targets) if alpha_t is None else alpha_t(targets, alpha)
        loss = balance * loss
    return reduced(loss.to(dtype), reduction)


def reduced(loss, reduction):
    return {"none": lambda: loss, "sum": loss.sum, "mean": loss.mean}[reduction]()


def alpha_swapped(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction, alpha_t=lambda t, a: (1 - a) * t + a * (1 - t))


def alpha_on_positives_only(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction, alpha_t=lambda t, a: a * t + (1 - t))


def alpha_on_both(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction, alpha_t=lambda t, a: a + 0 * t)


def alpha_zero_means_off(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha if alpha else None, gamma, reduction)


def gamma_multiplied(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction, modulator=lambda q, g: g * q)


def p_t_of_balanced_cross_entropy(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    a = 1.0 if alpha is None else alpha * targets + (1 - alpha) * (1 - targets)
    return plain(inputs, targets, alpha, gamma, reduction, p_t=lambda x, t: torch.exp(-a * (F.softplus(x) - x * t)))


def p_t_of_mean_cross_entropy(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction, p_t=lambda x, t: torch.exp(-(F.softplus(x) - x * t).mean()))


def modulator_of_p(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction, p_t=lambda x, t: torch.sigmoid(x))


def detached_modulator(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction, modulator=lambda q, g: (q**g).detach())


def double_sigmoid(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(torch.sigmoid(inputs), targets, alpha, gamma, reduction)


def log10(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction) / 2.302585


def clipped(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    def cross_entropy(x, t):
        p = torch.sigmoid(x).clamp(1e-7, 1 - 1e-7)
        return -(t * torch.log(p) + (1 - t) * torch.log(1 - p))

    return plain(inputs, targets, alpha, gamma, reduction, ce=cross_entropy)


def epsilon_in_log(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    def cross_entropy(x, t):
        p = torch.sigmoid(x)
        return -(t * torch.log(p + 1e-8) + (1 - t) * torch.log(1 - p + 1e-8))

    return plain(inputs, targets, alpha, gamma, reduction, ce=cross_entropy)


def negatives_dropped(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction, ce=lambda x, t: t * F.softplus(-x))


def broadcasting(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(*torch.broadcast_tensors(inputs, targets), alpha, gamma, reduction)


def power_of_difference(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    def p_t(x, t):
        p = torch.sigmoid(x)
        return p * t + (1 - p) * (1 - t)

    return plain(inputs, targets, alpha, gamma, reduction, p_t=p_t)


def nan_at_gamma_zero(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(
        inputs,
        targets,
        alpha,
        gamma,
        reduction,
        modulator=lambda q, g: torch.exp(g * torch.log(0 * q + torch.relu(q - 1e-30))),
    )


def mean_over_rows(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    return loss.sum() / loss.shape[0] if reduction == "mean" else reduced(loss, reduction)


def sum_is_mean(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, "mean" if reduction == "sum" else reduction)


def mean_counts_masked(inputs, targets, alpha=0.25, gamma=2.0, reduction="none", mask=None):
    if mask is None:
        return plain(inputs, targets, alpha, gamma, reduction)
    inputs, targets = torch.where(mask, inputs, 0.0), torch.where(mask, targets, 0.0)
    return reduced(torch.where(mask, plain(inputs, targets, alpha, gamma), 0.0), reduction)


def masked_after(inputs, targets, alpha=0.25, gamma=2.0, reduction="none", mask=None):
    loss = plain(inputs, targets, alpha, gamma)
    if mask is None:
        return reduced(loss, reduction)
    loss = torch.where(mask, loss, 0.0)
    count = torch.broadcast_to(mask, loss.shape).sum().clamp(min=1)
    return loss.sum() / count if reduction == "mean" else reduced(loss, reduction)


def clamped_normalizer(inputs, targets, alpha=0.25, gamma=2.0, reduction="none", normalizer=None):
    loss = plain(inputs, targets, alpha, gamma, reduction)
    return loss if normalizer is None else loss / max(1.0, normalizer)


def always_float32(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs.float(), targets.float(), alpha, gamma, reduction)


def numpy_result(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction).detach().float().numpy()


def no_graph(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction).detach()


def keeps_last_axis(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    return loss.reshape(-1) if reduction == "none" else reduced(loss, reduction)


def changes_targets(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    result = plain(inputs, targets, alpha, gamma, reduction)
    targets.clamp_(0.05, 0.95)
    return result


def random_numbers(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, gamma, reduction) * (1 + 1e-7 * torch.randn_like(inputs))


FIRST = {}


def stale_parameters(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    key = (tuple(inputs.shape), inputs.dtype, alpha)
    return plain(inputs, targets, alpha, FIRST.setdefault(key, gamma), reduction)


class _IgnoresUpstream(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, targets, alpha, gamma):
        with torch.enable_grad():
            leaf = inputs.detach().requires_grad_(True)
            loss = plain(leaf, targets, alpha, gamma)
            (ctx.slope,) = torch.autograd.grad(loss.sum(), leaf)
        return loss.detach()

    @staticmethod
    def backward(ctx, upstream):
        return ctx.slope, None, None, None


def ignores_upstream(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return reduced(_IgnoresUpstream.apply(inputs, targets, alpha, gamma), reduction)


def grad_switched_on(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    result = plain(inputs, targets, alpha, gamma, reduction)
    torch.set_grad_enabled(False)
    torch.set_grad_enabled(True)
    return result


def soft_targets_are_negatives(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, (targets == 1).to(inputs.dtype), alpha, gamma, reduction)


def soft_targets_expected(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    one, zero = torch.ones_like(inputs), torch.zeros_like(inputs)
    loss = targets * plain(inputs, one, alpha, gamma) + (1 - targets) * plain(inputs, zero, alpha, gamma)
    return reduced(loss, reduction)


def wrong_when_strided(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    if not inputs.is_contiguous():
        inputs = inputs.flip(-1)
    return plain(inputs, targets, alpha, gamma, reduction)


def gamma_rounded(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return plain(inputs, targets, alpha, float(round(gamma)), reduction)


def reversed_gradient(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    value = plain(inputs, targets, alpha, gamma)
    return reduced(2 * value.detach() - value, reduction)


def changes_logits_that_require_grad(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    result = plain(inputs, targets, alpha, gamma, reduction)
    if inputs.requires_grad:
        inputs.data.clamp_(-4.0, 4.0)
    return result


def mean_over_classes_needs_two_axes(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    return loss.sum(dim=1).mean() if reduction == "mean" else reduced(loss, reduction)


def sum_with_a_typo(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    return loss.summ() if reduction == "sum" else reduced(loss, reduction)


def mean_wrong_for_images(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    return loss.flatten(1).sum(1).mean() if reduction == "mean" and loss.ndim > 2 else reduced(loss, reduction)


def half_the_gradient_for_images(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    return reduced(0.5 * loss + 0.5 * loss.detach() if loss.ndim > 2 else loss, reduction)


def squeezed(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return reduced(plain(inputs, targets, alpha, gamma).squeeze(), reduction)


class _IgnoresUpstreamOfScalars(torch.autograd.Function):
    @staticmethod
    def forward(ctx, loss):
        ctx.count = loss.numel()
        ctx.shape = loss.shape
        return loss.mean()

    @staticmethod
    def backward(ctx, upstream):
        return torch.full(ctx.shape, 1.0 / ctx.count, dtype=upstream.dtype)


def mean_ignores_upstream(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = plain(inputs, targets, alpha, gamma)
    return _IgnoresUpstreamOfScalars.apply(loss) if reduction == "mean" else reduced(loss, reduction)


def only_mean_alpha_zero_means_off(inputs, targets, alpha=0.25, gamma=2.0):
    return plain(inputs, targets, alpha if alpha else None, gamma).mean()


def only_mean_of_the_first_thousand(inputs, targets, alpha=0.25, gamma=2.0):
    return plain(inputs, targets, alpha, gamma).flatten()[:1000].mean()


CAUGHT_BY = {
    "alpha_swapped": "hard_values",
    "alpha_on_positives_only": "hard_values",
    "alpha_on_both": "hard_values",
    "alpha_zero_means_off": "alpha_edges",
    "gamma_multiplied": "hard_values",
    "p_t_of_balanced_cross_entropy": "hard_values",
    "p_t_of_mean_cross_entropy": "hard_values",
    "modulator_of_p": "hard_values",
    "detached_modulator": "hard_gradients",
    "double_sigmoid": "hard_values",
    "log10": "hard_values",
    "clipped": "saturation",
    "epsilon_in_log": "saturation",
    "negatives_dropped": "hard_values",
    "broadcasting": "no_broadcasting",
    "power_of_difference": "gamma_below_one",
    "nan_at_gamma_zero": "gamma_zero",
    "mean_over_rows": "reductions",
    "sum_is_mean": "reductions",
    "mean_counts_masked": "masking",
    "masked_after": "masking",
    "clamped_normalizer": "normalizer",
    "always_float32": "result_kind",
    "numpy_result": "hard_values",
    "no_graph": "hard_gradients",
    "keeps_last_axis": "result_kind",
    "changes_targets": "no_trace",
    "random_numbers": "repeatable",
    "stale_parameters": "fresh_parameters",
    "ignores_upstream": "chain_rule",
    "grad_switched_on": "no_trace",
    "soft_targets_are_negatives": "soft_values",
    "soft_targets_expected": "soft_values",
    "wrong_when_strided": "layouts",
    "gamma_rounded": "hard_values",
    "reversed_gradient": "hard_gradients",
    "mean_over_classes_needs_two_axes": "reductions",
    "sum_with_a_typo": "reductions",
    "mean_wrong_for_images": "layouts",
    "half_the_gradient_for_images": "layouts",
    "squeezed": "layouts",
    "changes_logits_that_require_grad": "no_trace",
    "mean_ignores_upstream": "chain_rule",
    "only_mean_alpha_zero_means_off": "alpha_edges",
    "only_mean_of_the_first_thousand": "layouts",
}
"""Wrong port -> the check meant to catch it."""
