"""Ports as people write them, each with one mistake that the diagnosis must name; written without its catalogue."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def reduced(loss, reduction):
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    return loss


def check(inputs, targets):
    if inputs.shape != targets.shape:
        raise ValueError("shapes differ")


# binary_cross_entropy_with_logits and exp(-bce)


def weights_the_wrong_class(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p = torch.sigmoid(inputs)
    p_t = p * targets + (1 - p) * (1 - targets)
    loss = bce * (1 - p_t) ** gamma
    if alpha is not None:
        loss = (alpha * (1 - targets) + (1 - alpha) * targets) * loss
    return reduced(loss, reduction)


def one_weight_for_all(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    pt = torch.exp(-bce)
    loss = (1 - pt) ** gamma * bce
    if alpha is not None:
        loss = alpha * loss
    return reduced(loss, reduction)


def weights_positives_alone(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    check(inputs, targets)
    log_p, log_not_p = F.logsigmoid(inputs), F.logsigmoid(-inputs)
    p = torch.sigmoid(inputs)
    weight = 1.0 if alpha is None else alpha
    loss = -weight * targets * (1 - p) ** gamma * log_p - (1 - targets) * p**gamma * log_not_p
    return reduced(loss, reduction)


def truthy_alpha(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p = torch.sigmoid(inputs)
    loss = bce * (1 - (p * targets + (1 - p) * (1 - targets))) ** gamma
    if alpha:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return reduced(loss, reduction)


def forgets_alpha(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p = torch.sigmoid(inputs)
    p_t = torch.where(targets == 1, p, 1 - p)
    return reduced((1 - p_t) ** gamma * bce, reduction)


def weights_inside_exp(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    if alpha is not None:
        bce = bce * (alpha * targets + (1 - alpha) * (1 - targets))
    pt = torch.exp(-bce)
    return reduced((1 - pt) ** gamma * bce, reduction)


class MeanThenExp(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma, self.bce = gamma, nn.BCEWithLogitsLoss()

    def forward(self, inputs, targets):
        bce = self.bce(inputs, targets)
        return (1 - torch.exp(-bce)) ** self.gamma * bce


def product_with_gamma(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    p = torch.sigmoid(inputs)
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    loss = gamma * (1 - (p * targets + (1 - p) * (1 - targets))) * bce
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


def weighs_the_easy(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p = torch.sigmoid(inputs)
    loss = (p * targets + (1 - p) * (1 - targets)) ** gamma * bce
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


def one_factor_for_both(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    loss = (1 - torch.sigmoid(inputs)).pow(gamma) * bce
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


def no_grad_factor(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    with torch.no_grad():
        p = torch.sigmoid(inputs)
        factor = (p * (1 - targets) + (1 - p) * targets) ** gamma
        if alpha is not None:
            factor = factor * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(factor * bce, reduction)


# sigmoid, then something small added or cut off


def log_with_epsilon(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    check(inputs, targets)
    p = torch.sigmoid(inputs)
    eps = 1e-6
    positive = -targets * (1 - p) ** gamma * torch.log(p + eps)
    negative = -(1 - targets) * p**gamma * torch.log(1 - p + eps)
    if alpha is not None:
        positive, negative = alpha * positive, (1 - alpha) * negative
    return reduced(positive + negative, reduction)


class ClampedFocalLoss(nn.Module):
    def __init__(self, alpha=0.25, gamma=2.0, reduction="mean"):
        super().__init__()
        self.alpha, self.gamma, self.reduction = alpha, gamma, reduction

    def forward(self, inputs, targets):
        check(inputs, targets)
        p = torch.sigmoid(inputs).clamp(1e-4, 1.0 - 1e-4)
        p_t = p * targets + (1 - p) * (1 - targets)
        cross_entropy = -(targets * torch.log(p) + (1 - targets) * torch.log(1 - p))
        loss = (1 - p_t) ** self.gamma * cross_entropy
        if self.alpha is not None:
            loss = loss * (self.alpha * targets + (1 - self.alpha) * (1 - targets))
        return reduced(loss, self.reduction)


def by_bce_of_probabilities(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    p = torch.sigmoid(inputs)
    bce = F.binary_cross_entropy(p, targets, reduction="none")
    p_t = p * targets + (1 - p) * (1 - targets)
    loss = (1 - p_t) ** gamma * bce
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


def clamps_logits(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    inputs = inputs.clamp(-10, 10)
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p = torch.sigmoid(inputs)
    loss = (1 - (p * targets + (1 - p) * (1 - targets))) ** gamma * bce
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


def sigmoid_twice(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    p = torch.sigmoid(inputs)
    bce = F.binary_cross_entropy_with_logits(p, targets, reduction="none")
    q = torch.sigmoid(p)
    loss = (q * (1 - targets) + (1 - q) * targets) ** gamma * bce
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


def common_logarithm(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    check(inputs, targets)
    p = torch.sigmoid(inputs)
    loss = (1 - (p * targets + (1 - p) * (1 - targets))) ** gamma
    loss = -loss * (targets * F.logsigmoid(inputs) + (1 - targets) * F.logsigmoid(-inputs)) / math.log(10)
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


def forgets_negatives(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    check(inputs, targets)
    p = torch.sigmoid(inputs)
    weight = 1.0 if alpha is None else alpha
    return reduced(-weight * targets * (1 - p) ** gamma * F.logsigmoid(inputs), reduction)


def forgets_the_minus(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p = torch.sigmoid(inputs)
    loss = -((1 - (p * targets + (1 - p) * (1 - targets))) ** gamma) * bce
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


# soft targets


def factor_from_exp(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    bce = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    loss = (1 - torch.exp(-bce)) ** gamma * bce
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(loss, reduction)


def each_class_its_own(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    check(inputs, targets)
    p, not_p = torch.sigmoid(inputs), torch.sigmoid(-inputs)
    positive = -targets * not_p**gamma * F.logsigmoid(inputs)
    negative = -(1 - targets) * p**gamma * F.logsigmoid(-inputs)
    if alpha is not None:
        positive, negative = alpha * positive, (1 - alpha) * negative
    return reduced(positive + negative, reduction)


# reductions and conduct


def divides_by_positives(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = right(inputs, targets, alpha, gamma)
    if reduction == "mean":
        return loss.sum() / (targets == 1).sum().clamp(min=1)
    return reduced(loss, reduction)


def divides_by_images(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = right(inputs, targets, alpha, gamma)
    return loss.sum() / inputs.shape[0] if reduction == "mean" else reduced(loss, reduction)


def means_a_sum(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = right(inputs, targets, alpha, gamma)
    return loss if reduction == "none" else loss.mean()


def counts_the_ignored(inputs, targets, alpha=0.25, gamma=2.0, reduction="none", mask=None):
    if mask is None:
        return reduced(right(inputs, targets, alpha, gamma), reduction)
    loss = right(inputs.masked_fill(~mask, 0.0), targets.masked_fill(~mask, 0.0), alpha, gamma)
    return reduced(loss.masked_fill(~mask, 0.0), reduction)


def writes_into_targets(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = right(inputs, targets, alpha, gamma)
    targets.clamp_(0.05, 0.95)
    return reduced(loss, reduction)


def lets_shapes_differ(inputs, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return reduced(right(*torch.broadcast_tensors(inputs, targets), alpha, gamma), reduction)


def right(inputs, targets, alpha, gamma):
    check(inputs, targets)
    log_p, log_not_p = F.logsigmoid(inputs), F.logsigmoid(-inputs)
    q = torch.sigmoid(inputs) * (1 - targets) + torch.sigmoid(-inputs) * targets
    loss = q.clamp(min=torch.finfo(q.dtype).tiny) ** gamma * -(targets * log_p + (1 - targets) * log_not_p)
    return loss if alpha is None else (alpha * targets + (1 - alpha) * (1 - targets)) * loss


# rows of classes


def check_rows(input, target):
    if input.shape[:-1] != target.shape:
        raise ValueError("shapes differ")


class SoftmaxFocalLoss(nn.Module):
    """log_softmax and gather, with a weight for each class that is looked up one too far."""

    def __init__(self, alpha=None, gamma=2.0, reduction="mean"):
        super().__init__()
        self.alpha, self.gamma, self.reduction = alpha, gamma, reduction

    def forward(self, input, target):
        check_rows(input, target)
        log_p = F.log_softmax(input, dim=-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
        loss = -((1 - log_p.exp()) ** self.gamma) * log_p
        if self.alpha is not None:
            weight = torch.as_tensor(self.alpha, dtype=input.dtype).expand(input.shape[-1])
            loss = weight[(target + 1) % input.shape[-1]] * loss
        return reduced(loss, self.reduction)


def one_hot_softmax_with_epsilon(input, target, gamma=2.0, reduction="mean"):
    check_rows(input, target)
    p = F.softmax(input, dim=-1)
    one_hot = F.one_hot(target, input.shape[-1]).to(input.dtype)
    loss = (-one_hot * (1 - p) ** gamma * torch.log(p + 1e-5)).sum(-1)
    return reduced(loss, reduction)


def sigmoid_for_each_class(input, target, gamma=2.0, reduction="mean"):
    check_rows(input, target)
    one_hot = F.one_hot(target, input.shape[-1]).to(input.dtype)
    bce = F.binary_cross_entropy_with_logits(input, one_hot, reduction="none")
    loss = ((1 - torch.exp(-bce)) ** gamma * bce).sum(-1)
    return reduced(loss, reduction)


def softmax_twice(input, target, gamma=2.0, reduction="mean"):
    cross_entropy = F.cross_entropy(F.softmax(input, dim=-1), target, reduction="none")
    return reduced((1 - torch.exp(-cross_entropy)) ** gamma * cross_entropy, reduction)


def mean_over_classes_too(input, target, gamma=2.0, reduction="mean"):
    check_rows(input, target)
    log_p = F.log_softmax(input, dim=-1)
    one_hot = F.one_hot(target, input.shape[-1]).to(input.dtype)
    loss = -one_hot * (1 - log_p.exp()) ** gamma * log_p
    return loss.mean() if reduction == "mean" else reduced(loss.sum(-1), reduction)


SIGMOID = {
    "weights_the_wrong_class": "alpha_swapped",
    "one_weight_for_all": "alpha_on_both_classes+soft_targets_cross_entropy",
    "weights_positives_alone": "alpha_on_positives_only+soft_targets_expected",
    "truthy_alpha": "alpha_zero_means_off",
    "forgets_alpha": "alpha_ignored+soft_targets_by_equality",
    "weights_inside_exp": "alpha_inside_p_t",
    "MeanThenExp": "modulator_of_mean_cross_entropy",
    "product_with_gamma": "gamma_multiplied",
    "weighs_the_easy": "modulator_of_p_t",
    "one_factor_for_both": "modulator_of_p",
    "no_grad_factor": "modulator_detached",
    "log_with_epsilon": "epsilon_in_log+soft_targets_expected",
    "ClampedFocalLoss": "clipped_probabilities",
    "by_bce_of_probabilities": "log_floor",
    "clamps_logits": "clipped_logits",
    "sigmoid_twice": "double_sigmoid",
    "common_logarithm": "log10",
    "forgets_negatives": "negatives_dropped",
    "forgets_the_minus": "sign_missing",
    "factor_from_exp": "soft_targets_cross_entropy",
    "each_class_its_own": "soft_targets_expected",
    "divides_by_positives": "mean_over_positives",
    "divides_by_images": "mean_over_batch_size",
    "means_a_sum": "sum_is_mean",
    "counts_the_ignored": "mean_counts_ignored",
    "writes_into_targets": "changes_its_arguments",
    "lets_shapes_differ": "broadcasts",
}
SOFTMAX = {
    "SoftmaxFocalLoss": "alpha_of_next_class",
    "one_hot_softmax_with_epsilon": "epsilon_in_log",
    "sigmoid_for_each_class": "sigmoid_of_each_class",
    "softmax_twice": "double_softmax+soft_targets_cross_entropy",
    "mean_over_classes_too": "mean_over_rows_and_classes+soft_targets_expected",
}
"""Port -> the deviations that its first answer must name, joined by a plus; its style may stand beside them."""
