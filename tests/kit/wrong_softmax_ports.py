"""Wrong softmax ports, each with the check that is meant to catch it; each changes one thing in a right one."""

import torch
import torch.nn.functional as F


def plain(
    logits, targets, alpha=None, gamma=2.0, reduction="none",
    *, over=-1, log_p=None, p_t=None, ce=None, modulator=None, alpha_t=None, index=None,
):  # fmt: skip
    """A right port with places to break it: class indices or rows, linear rule, alpha a number or one a class.

    Where p_t is large its complement is the sum of the other probabilities, else the difference.
    """
    dtype = logits.dtype
    x = logits.float() if dtype in (torch.float16, torch.bfloat16) else logits
    if targets.shape == x.shape:
        t = targets.to(x.dtype)
    elif targets.shape == x.shape[:-1]:
        t = F.one_hot(targets if index is None else index(targets, x.shape[-1]), x.shape[-1]).to(x.dtype)
    else:
        raise ValueError("shapes differ")
    log_p = F.log_softmax(x, over) if log_p is None else log_p(x)
    p = log_p.exp()
    p_of_target, others = (p * t).sum(-1), (p * (1 - t)).sum(-1)
    q = torch.where(p_of_target < 0.5, 1 - p_of_target, others.clamp(min=torch.finfo(x.dtype).tiny))
    q = q if p_t is None else 1 - p_t(log_p, t)
    loss = (q**gamma if modulator is None else modulator(q, gamma)) * (
        -(t * log_p).sum(-1) if ce is None else ce(log_p, t)
    )
    if alpha is not None:
        weights = torch.as_tensor(alpha, dtype=x.dtype).expand(x.shape[-1])
        loss = ((weights * t).sum(-1) if alpha_t is None else alpha_t(weights, t, log_p)) * loss
    return reduced(loss.to(dtype), reduction)


def reduced(loss, reduction):
    return {"none": lambda: loss, "sum": loss.sum, "mean": loss.mean}[reduction]()


def power_of_difference(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, p_t=lambda log_p, t: (t * log_p.exp()).sum(-1))


def epsilon_in_log(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    def ce(log_p, t):
        return -(t * torch.log(log_p.exp() + 1e-8)).sum(-1)

    return plain(logits, targets, alpha, gamma, reduction, ce=ce)


def clipped(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    def ce(log_p, t):
        return -(t * torch.log(log_p.exp().clamp(1e-7, 1 - 1e-7))).sum(-1)

    return plain(logits, targets, alpha, gamma, reduction, ce=ce)


def softmax_then_log(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """-log(0) = inf for a class that is far behind."""
    return plain(logits, targets, alpha, gamma, reduction, log_p=lambda x: torch.log(torch.softmax(x, -1)))


def unshifted_exponentials(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    def log_p(x):
        return x - torch.log(torch.exp(x).sum(-1, keepdim=True))

    return plain(logits, targets, alpha, gamma, reduction, log_p=log_p)


def alpha_of_the_predicted_class(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, alpha_t=lambda w, t, log_p: w[log_p.argmax(-1)])


def alpha_of_the_next_class(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, alpha_t=lambda w, t, log_p: (w.roll(1) * t).sum(-1))


def alpha_normalised(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, alpha_t=lambda w, t, log_p: (w / w.mean() * t).sum(-1))


def scalar_alpha_ignored(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, None if isinstance(alpha, float) else alpha, gamma, reduction)


def scalar_alpha_for_the_first_class(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """The binary convention on many classes: alpha for class 0, 1 - alpha for every other."""
    if isinstance(alpha, float):
        alpha = [alpha] + [1 - alpha] * (logits.shape[-1] - 1)
    return plain(logits, targets, alpha, gamma, reduction)


def alpha_zero_means_off(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """A class of weight 0 weighs 1."""
    if isinstance(alpha, list):
        alpha = [a or 1.0 for a in alpha]
    return plain(logits, targets, alpha, gamma, reduction)


def detached_modulator(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, modulator=lambda q, g: (q**g).detach())


def p_t_of_balanced_cross_entropy(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """p_t = exp(-alpha_t CE): the cross-entropy is weighted before the modulating factor is taken from it."""
    weight = None if alpha is None else torch.as_tensor(alpha, dtype=torch.float64).expand(logits.shape[-1])

    def p_t(log_p, t):
        a = 1.0 if weight is None else (weight.to(t.dtype) * t).sum(-1)
        return torch.exp(a * (t * log_p).sum(-1))

    return plain(logits, targets, alpha, gamma, reduction, p_t=p_t)


def p_t_of_mean_cross_entropy(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, p_t=lambda log_p, t: torch.exp((t * log_p).sum(-1).mean()))


def p_t_cross_entropy(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """exp(-CE): right for class indices, another rule for soft rows."""
    return plain(
        logits, targets, alpha, gamma, reduction,
        modulator=lambda q, g: q**g,
        p_t=lambda log_p, t: torch.exp((t * log_p).sum(-1)),
    )  # fmt: skip


def one_against_the_rest(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """The sigmoid loss of each class, summed."""
    t = targets if targets.ndim == logits.ndim else F.one_hot(targets, logits.shape[-1])
    t = t.to(logits.dtype)
    q = torch.sigmoid(-logits) * t + torch.sigmoid(logits) * (1 - t)
    loss = (q**gamma * -(t * F.logsigmoid(logits) + (1 - t) * F.logsigmoid(-logits))).sum(-1)
    loss = loss if alpha is None else (torch.as_tensor(alpha, dtype=t.dtype).expand(t.shape[-1]) * t).sum(-1) * loss
    return reduced(loss, reduction)


def softmax_over_the_batch(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, over=0)


def softmax_over_everything(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    def log_p(x):
        return F.log_softmax(x.reshape(-1), 0).reshape(x.shape)

    return plain(logits, targets, alpha, gamma, reduction, log_p=log_p)


def double_softmax(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(torch.softmax(logits, -1), targets, alpha, gamma, reduction)


def log_softmax_of_probabilities(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """Expects probabilities, is given logits."""
    return plain(logits, targets, alpha, gamma, reduction, log_p=lambda x: torch.log(x.clamp(1e-7, 1 - 1e-7)))


def sum_over_classes_of_the_modulated(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """The modulating factor of every class, that of the wrong ones too, as one factor: its mean."""
    return plain(logits, targets, alpha, gamma, reduction, p_t=lambda log_p, t: 1 - (1 - log_p.exp()).mean(-1))


def mean_over_rows_and_classes(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    loss = plain(logits, targets, alpha, gamma)
    return loss.sum() / logits.numel() if reduction == "mean" else reduced(loss, reduction)


def mean_over_the_first_axis(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    loss = plain(logits, targets, alpha, gamma)
    return loss.sum() / len(loss) if reduction == "mean" else reduced(loss, reduction)


def class_0_is_background(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    def ce(log_p, t):
        return -(t[..., 1:] * log_p[..., 1:]).sum(-1)

    return plain(logits, targets, alpha, gamma, reduction, ce=ce)


def targets_one_off(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, index=lambda y, k: (y + 1) % k)


def last_class_never_met(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, gamma, reduction, index=lambda y, k: y.clamp(max=max(k - 2, 0)))


def gradient_of_the_target_class_alone(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    rows = targets if targets.ndim == logits.ndim else F.one_hot(targets, logits.shape[-1])
    x = torch.where(rows > 0, logits, logits.detach())
    return plain(x, targets, alpha, gamma, reduction)


def hardened_rows(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    hard = targets.argmax(-1) if targets.ndim == logits.ndim else targets
    return plain(logits, hard, alpha, gamma, reduction)


def expected_rows(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """The expectation over classes where the linear rule is declared."""
    if targets.ndim < logits.ndim:
        return plain(logits, targets, alpha, gamma, reduction)
    each = [plain(logits, torch.full_like(logits[..., 0], c).long(), alpha, gamma) for c in range(logits.shape[-1])]
    return reduced((torch.stack(each, -1) * targets).sum(-1), reduction)


def rows_normalised(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """Renormalises with an epsilon."""
    if targets.ndim == logits.ndim:
        targets = targets / (targets.sum(-1, keepdim=True) + 1e-2)
    return plain(logits, targets, alpha, gamma, reduction)


def keeps_the_classes(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    t = targets if targets.ndim == logits.ndim else F.one_hot(targets, logits.shape[-1])
    loss = plain(logits, targets, alpha, gamma).unsqueeze(-1) * t
    return reduced(loss, reduction)


def keeps_a_unit_axis(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    loss = plain(logits, targets, alpha, gamma)
    return loss.unsqueeze(-1) if reduction == "none" else reduced(loss, reduction)


def float64_in_float32(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits.float(), targets, alpha, gamma, reduction).to(logits.dtype)


def always_float32(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits.float(), targets, alpha, gamma, reduction)


def gamma_rounded(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    return plain(logits, targets, alpha, float(round(gamma)), reduction)


def wrong_for_two_classes(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """Two columns are taken for one logit and its negative."""
    if logits.shape[-1] == 2:
        logits = torch.stack([-logits[..., 1], logits[..., 1]], -1)
    return plain(logits, targets, alpha, gamma, reduction)


def wrong_for_many_classes(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """The hundred classes that are nearest to the target share the softmax."""
    if logits.shape[-1] > 100:
        logits = torch.where(logits > logits.median(-1, keepdim=True).values, logits, -1e4)
    return plain(logits, targets, alpha, gamma, reduction)


def nan_for_one_class(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    loss = plain(logits, targets, alpha, gamma)
    return reduced(loss / loss if logits.shape[-1] == 1 else loss, reduction)


def broadcasting(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    if targets.ndim == logits.ndim - 1:
        targets = torch.broadcast_to(targets, logits.shape[:-1])
    return plain(logits, targets, alpha, gamma, reduction)


def images_as_rows(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """view(-1, C) of logits whose classes are on axis 1."""
    if targets.shape != logits.shape[:1] + logits.shape[2:]:
        raise ValueError("shapes differ")
    loss = plain(logits.reshape(-1, logits.shape[1]), targets.reshape(-1), alpha, gamma)
    return reduced(loss.reshape(targets.shape), reduction)


def changes_logits(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    result = plain(logits, targets, alpha, gamma, reduction)
    logits.data.sub_(logits.data.max(-1, keepdim=True).values)
    return result


def ignored_in_the_mean(logits, targets, alpha=None, gamma=2.0, reduction="none", ignore_index=-100):
    kept = targets != ignore_index
    x, y = torch.where(kept.unsqueeze(-1), logits, 0.0), torch.where(kept, targets, 0)
    return reduced(torch.where(kept, plain(x, y, alpha, gamma), 0.0), reduction)


def ignored_after_the_mathematics(logits, targets, alpha=None, gamma=2.0, reduction="none", ignore_index=-100):
    """What is ignored holds nan, whose gradient is 0 times nan."""
    kept = targets != ignore_index
    loss = torch.where(kept, plain(logits, torch.where(kept, targets, 0), alpha, gamma), 0.0)
    return loss.sum() / kept.sum().clamp(min=1) if reduction == "mean" else reduced(loss, reduction)


def ignored_is_the_last_class(logits, targets, alpha=None, gamma=2.0, reduction="none", ignore_index=-100):
    """-100 wraps around."""
    x = torch.where((targets == ignore_index).unsqueeze(-1), 0.0, logits)
    return plain(x, targets % logits.shape[-1], alpha, gamma, reduction)


def smoothed_cross_entropy_alone(logits, targets, alpha=None, gamma=2.0, reduction="none", label_smoothing=0.0):
    def ce(log_p, t):
        return -((t * (1 - label_smoothing) + label_smoothing / t.shape[-1]) * log_p).sum(-1)

    return plain(logits, targets, alpha, gamma, reduction, ce=ce)


def smoothed_over_the_other_classes(logits, targets, alpha=None, gamma=2.0, reduction="none", label_smoothing=0.0):
    t = targets if targets.ndim == logits.ndim else F.one_hot(targets, logits.shape[-1]).to(logits.dtype)
    share = label_smoothing / max(logits.shape[-1] - 1, 1)
    return plain(logits, t * (1 - label_smoothing) + (1 - t) * share, alpha, gamma, reduction)


def axis_of_the_values_alone(logits, targets, alpha=None, gamma=2.0, reduction="none", dim=-1):
    """The softmax is always over the last axis; the target is looked up on the right one."""
    log_p = F.log_softmax(logits, -1).movedim(dim, -1)
    return plain(logits.movedim(dim, -1), targets, alpha, gamma, reduction, log_p=lambda x: log_p.to(x.dtype))


def masked_after(logits, targets, alpha=None, gamma=2.0, reduction="none", mask=None):
    loss = plain(logits, targets.clamp(0, logits.shape[-1] - 1), alpha, gamma)
    if mask is None:
        return reduced(loss, reduction)
    loss = torch.where(mask, loss, 0.0)
    count = torch.broadcast_to(mask, loss.shape).sum().clamp(min=1)
    return loss.sum() / count if reduction == "mean" else reduced(loss, reduction)


def mean_over_the_weights(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """As torch's cross_entropy: the weights of the classes in the denominator, seen with alpha alone."""
    loss = plain(logits, targets, alpha, gamma)
    if reduction != "mean" or alpha is None:
        return reduced(loss, reduction)
    weights = torch.as_tensor(alpha, dtype=loss.dtype).expand(logits.shape[-1])
    return loss.sum() / weights[targets].sum()


def _without_ignored(logits, targets, alpha, gamma, reduction, ignore_index, none=1):
    kept = targets != ignore_index
    x, y = torch.where(kept.unsqueeze(-1), logits, 0.0), torch.where(kept, targets, 0)
    loss = torch.where(kept, plain(x, y, alpha, gamma), 0.0)
    return loss.sum() / kept.sum().clamp(min=none) if reduction == "mean" else reduced(loss, reduction)


def ignore_index_is_always_minus_100(logits, targets, alpha=None, gamma=2.0, reduction="none", ignore_index=-100):
    return _without_ignored(logits, targets, alpha, gamma, reduction, -100)


def mean_over_nothing_is_nan(logits, targets, alpha=None, gamma=2.0, reduction="none", ignore_index=-100):
    return _without_ignored(logits, targets, alpha, gamma, reduction, ignore_index, none=0)


def ignored_with_alpha_fails(logits, targets, alpha=None, gamma=2.0, reduction="none", ignore_index=-100):
    """Looks up the weight of class -100."""
    kept = targets != ignore_index
    loss = _without_ignored(logits, targets, None, gamma, "none", ignore_index)
    if alpha is not None:
        loss = torch.as_tensor(alpha, dtype=loss.dtype).expand(logits.shape[-1])[targets] * loss
    return loss.sum() / kept.sum().clamp(min=1) if reduction == "mean" else reduced(loss, reduction)


def alpha_along_the_last_axis(logits, targets, alpha=None, gamma=2.0, reduction="none"):
    """Images: one alpha a class is multiplied along the width."""
    if targets.shape != logits.shape[:1] + logits.shape[2:]:
        raise ValueError("shapes differ")
    t = F.one_hot(targets, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    each = plain(logits.movedim(1, -1), targets, None, gamma).unsqueeze(1) * t
    if alpha is not None:
        each = torch.as_tensor(alpha, dtype=each.dtype) * each
    return reduced(each.sum(1), reduction)


CAUGHT_BY = {
    "mean_over_the_weights": "alpha_by_class",
    "ignore_index_is_always_minus_100": "ignore_index",
    "mean_over_nothing_is_nan": "ignore_index",
    "ignored_with_alpha_fails": "ignore_index",
    "ignored_after_the_mathematics": "ignore_index",
    "alpha_along_the_last_axis": "alpha_by_class",
    "power_of_difference": "gamma_below_one",
    "epsilon_in_log": "saturation",
    "clipped": "saturation",
    "softmax_then_log": "saturation",
    "unshifted_exponentials": "saturation",
    "alpha_of_the_predicted_class": "alpha_per_class",
    "alpha_of_the_next_class": "alpha_per_class",
    "alpha_normalised": "alpha_per_class",
    "scalar_alpha_ignored": "alpha_edges",
    "scalar_alpha_for_the_first_class": "alpha_edges",
    "alpha_zero_means_off": "alpha_per_class",
    "detached_modulator": "hard_gradients",
    "p_t_of_balanced_cross_entropy": "alpha_edges",
    "p_t_of_mean_cross_entropy": "hard_values",
    "p_t_cross_entropy": "soft_values",
    "one_against_the_rest": "hard_values",
    "softmax_over_the_batch": "hard_values",
    "softmax_over_everything": "hard_values",
    "double_softmax": "hard_values",
    "log_softmax_of_probabilities": "hard_values",
    "sum_over_classes_of_the_modulated": "hard_values",
    "mean_over_rows_and_classes": "reductions",
    "mean_over_the_first_axis": "reductions",
    "class_0_is_background": "hard_values",
    "targets_one_off": "hard_values",
    "last_class_never_met": "hard_values",
    "gradient_of_the_target_class_alone": "hard_gradients",
    "hardened_rows": "soft_values",
    "expected_rows": "soft_values",
    "rows_normalised": "soft_values",
    "keeps_the_classes": "result_kind",
    "keeps_a_unit_axis": "result_kind",
    "float64_in_float32": "hard_values",
    "always_float32": "result_kind",
    "gamma_rounded": "hard_values",
    "wrong_for_two_classes": "hard_values",
    "wrong_for_many_classes": "hard_values",
    "nan_for_one_class": "hard_values",
    "broadcasting": "no_broadcasting",
    "images_as_rows": "layouts",
    "changes_logits": "no_trace",
    "ignored_in_the_mean": "ignore_index",
    "ignored_is_the_last_class": "ignore_index",
    "smoothed_cross_entropy_alone": "label_smoothing",
    "smoothed_over_the_other_classes": "label_smoothing",
    "axis_of_the_values_alone": "axis",
    "masked_after": "masking",
}
"""Wrong port -> the check meant to catch it."""
ONLY_IN_FLOAT64 = ("float64_in_float32", "always_float32")
"""Wrong ports that float32 does not show."""
