"""Sigmoid ports that declare what few have: other rules, class indices, ignore_index, alpha a class, smoothing.

Each wrong one changes one thing in `declared`, and names the check that is meant to catch it.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F

from focal_conformance.dialect import Dialect


def declared(
    logits, targets, *, alpha=0.25, gamma=2.0, reduction="none", rule="linear", detach=False, ignore_index=None,
    label_smoothing=0.0, background=None, held=lambda m: m.detach(), weights=lambda a, t: a * t + (1 - a) * (1 - t),
    rules=None, smoothed=lambda t, s: t, counted=lambda kept: kept.sum().clamp(min=1),
):  # fmt: skip
    """A right port, with places to break it."""
    indices = targets.ndim < logits.ndim
    if targets.shape != (logits.shape[:-1] if indices else logits.shape):
        raise ValueError("shapes differ")
    kept = torch.ones_like(targets, dtype=torch.bool) if ignore_index is None else targets != ignore_index
    targets = torch.where(kept, targets, 0)
    if indices:
        number = logits.shape[-1]
        if background is not None:
            targets = torch.where(targets == background, number, targets.clamp(max=number - 1))
        targets = F.one_hot(targets, number + 1)[..., :number]
        kept = kept.unsqueeze(-1).expand(logits.shape)
    x, t = torch.where(kept, logits, 0.0), targets.to(logits.dtype)
    plain_t = t
    t = t * (1 - label_smoothing) + label_smoothing / 2
    log_p, log_not_p = F.logsigmoid(x), F.logsigmoid(-x)
    modulating = smoothed(t, plain_t)
    q, soft = (rules or RULES)[rule](x, modulating, log_p, log_not_p), t
    tiny = torch.finfo(x.dtype).tiny
    a = 1.0 if alpha is None else weights(torch.as_tensor(alpha, dtype=x.dtype), soft)
    if rule == "expected":
        powers = [part.clamp(min=tiny) ** gamma for part in q]
        one, zero = [held(m) if detach else m for m in powers]
        on = 1.0 if alpha is None else torch.as_tensor(alpha, dtype=x.dtype)
        off = 1.0 if alpha is None else 1 - on
        loss = -on * soft * one * log_p - off * (1 - soft) * zero * log_not_p
    else:
        modulator = q.clamp(min=tiny) ** gamma
        loss = a * (held(modulator) if detach else modulator) * (-soft * log_p - (1 - soft) * log_not_p)
    loss = torch.where(kept, loss, 0.0)
    return {"none": lambda: loss, "sum": loss.sum, "mean": lambda: loss.sum() / counted(kept)}[reduction]()


def _linear(x, t, log_p, log_not_p):
    return torch.sigmoid(x) * (1 - t) + torch.sigmoid(-x) * t


def _cross_entropy(x, t, log_p, log_not_p):
    return -torch.expm1(t * log_p + (1 - t) * log_not_p)


def _margin(x, t, log_p, log_not_p):
    return torch.sigmoid(x * (1 - 2 * t))


def _expected(x, t, log_p, log_not_p):
    return torch.sigmoid(-x), torch.sigmoid(x)


RULES = {"linear": _linear, "cross_entropy": _cross_entropy, "margin": _margin, "expected": _expected}

DIALECT = Dialect(
    soft_targets_argument="rule",
    detach_modulator="detach",
    ignore_index="ignore_index",
    label_smoothing="label_smoothing",
    alpha_by_class="alpha",
    class_indices=True,
    dtypes=("float32", "float64"),
    refuses_bad_parameters=False,
)


def changed(**pieces):
    def port(logits, targets, **keywords):
        return declared(logits, targets, **{**keywords, **pieces})

    return port


def _ignored_is_target_zero(logits, targets, ignore_index=None, **keywords):
    targets = targets if ignore_index is None else torch.where(targets == ignore_index, 0, targets)
    return declared(logits, targets, **keywords)


def _alpha_by_class_for_positives_alone(a, t):
    return a * t + (1 - a) * (1 - t) if a.ndim == 0 else a * t + (1 - t)


def _alpha_of_the_other_axis(a, t):
    a = a if a.ndim == 0 else a.repeat(t.shape[0])[: t.shape[0]].unsqueeze(-1)
    return a * t + (1 - a) * (1 - t)


def _first_alpha_for_all(a, t):
    a = a if a.ndim == 0 else a[1]
    return a * t + (1 - a) * (1 - t)


WRONG = {
    "cross_entropy_for_margin": (changed(rules={**RULES, "margin": _cross_entropy}), "soft_rules"),
    "margin_for_cross_entropy": (changed(rules={**RULES, "cross_entropy": _margin}), "soft_rules"),
    "linear_for_cross_entropy": (changed(rules={**RULES, "cross_entropy": _linear}), "soft_rules"),
    "expected_swapped": (
        changed(rules={**RULES, "expected": lambda *a: _expected(*a)[::-1]}),
        "soft_rules",
    ),
    "rule_ignored": (changed(rule="linear"), "soft_rules"),
    "detach_ignored": (changed(detach=False), "detached_modulator"),
    "always_detached": (changed(detach=True), "hard_gradients"),
    "half_detached": (changed(held=lambda m: 0.5 * m + 0.5 * m.detach()), "detached_modulator"),
    "minus_one_is_background": (changed(background=-1), "class_indices"),
    "zero_is_background": (changed(background=0), "class_indices"),
    "ignored_in_the_mean": (changed(counted=lambda kept: kept.numel()), "ignore_index"),
    "ignored_is_negative": (_ignored_is_target_zero, "ignore_index"),
    "alpha_by_class_for_positives_alone": (changed(weights=_alpha_by_class_for_positives_alone), "alpha_by_class"),
    "alpha_of_the_other_axis": (changed(weights=_alpha_of_the_other_axis), "alpha_by_class"),
    "one_alpha_for_all": (changed(weights=_first_alpha_for_all), "alpha_by_class"),
    "smoothed_cross_entropy_alone": (changed(smoothed=lambda t, plain: plain), "label_smoothing"),
    "smoothing_ignored": (changed(label_smoothing=0.0), "label_smoothing"),
}
"""Wrong port -> its function and the check meant to catch it."""

NARROW = replace(DIALECT, soft_targets_argument=None, always={})
"""A port with one rule, which the dialect declares."""
