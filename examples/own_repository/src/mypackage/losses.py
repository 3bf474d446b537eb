"""The sigmoid focal loss, as a project may have written it for itself."""

import torch
from torch.nn.functional import logsigmoid


def focal_loss(logits, targets, alpha=0.25, gamma=2.0, reduction="mean"):
    """-alpha_t (1 - p_t)^gamma log(p_t), for targets between 0 and 1."""
    if logits.shape != targets.shape:
        raise ValueError(f"logits have shape {tuple(logits.shape)}, targets {tuple(targets.shape)}")
    x, t = logits.to(torch.promote_types(logits.dtype, torch.float32)), targets
    cross_entropy = -t * logsigmoid(x) - (1 - t) * logsigmoid(-x)
    # 1 - p_t without a subtraction, which would lose the digits of a confident answer.
    miss = torch.sigmoid(-x) * t + torch.sigmoid(x) * (1 - t)
    loss = miss**gamma * cross_entropy
    if alpha is not None:
        loss = (alpha * t + (1 - alpha) * (1 - t)) * loss
    reduced = {"none": lambda: loss, "mean": loss.mean, "sum": loss.sum}[reduction]()
    return reduced.to(logits.dtype)
