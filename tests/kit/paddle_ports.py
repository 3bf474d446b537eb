"""Ports in PaddlePaddle: one that is right, and wrong ones."""

import paddle
from paddle.nn.functional import sigmoid, softplus


def right(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    if logits.shape != targets.shape:
        raise ValueError(f"logits of shape {logits.shape} and targets of shape {targets.shape}")
    targets = targets.astype(logits.dtype)
    cross_entropy = targets * softplus(-logits) + (1 - targets) * softplus(logits)
    missed = targets * sigmoid(-logits) + (1 - targets) * sigmoid(logits)
    loss = missed**gamma * cross_entropy
    if alpha is not None:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return {"none": lambda loss: loss, "sum": paddle.sum, "mean": paddle.mean}[reduction](loss)


def detached_modulator(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    plain = right(logits, targets, alpha, 0.0)
    loss = plain * (right(logits, targets, alpha, gamma) / plain).detach()
    return {"none": lambda loss: loss, "sum": paddle.sum, "mean": paddle.mean}[reduction](loss)


def without_graph(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return right(logits, targets, alpha, gamma, reduction).detach()


def broadcasting(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    zeros = logits * 0 + targets * 0
    return right(logits + zeros, targets + zeros, alpha, gamma, reduction)


def writes_to_its_logits(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = right(logits, targets, alpha, gamma, reduction)
    with paddle.no_grad():
        logits.fill_(0.0)
    return loss


def draws_random_numbers(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    paddle.rand([1])
    return right(logits, targets, alpha, gamma, reduction)


def switches_gradients_on(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    loss = right(logits, targets, alpha, gamma, reduction)
    paddle.set_grad_enabled(True)
    return loss


def in_numpy(logits, targets, alpha=0.25, gamma=2.0, reduction="none"):
    return right(logits, targets, alpha, gamma, reduction).numpy()
