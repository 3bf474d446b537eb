"""Tensors as one dimension, or as rows of classes, without a copy where their memory has that order."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from focal_ref.losses import Loss


@dataclass(frozen=True)
class Arranged:
    """Logits, targets and a factor of the losses, with the first axis to cut; and the way back."""

    x: Tensor
    t: Tensor
    factor: Tensor | None
    losses_shape: torch.Size
    as_losses: Callable[[Tensor], Tensor]
    as_logits: Callable[[Tensor], Tensor]


Layout = Callable[[Loss, Tensor, Tensor, Tensor | None], Arranged]


def flat(loss: Loss, x: Tensor, t: Tensor, factor: Tensor | None) -> Arranged:
    """One dimension, in the order of the memory of x: channels-last images are as dense as any."""
    if factor is None and x.is_contiguous():

        def in_shape(flattened: Tensor) -> Tensor:
            return flattened.view(x.shape)

        return Arranged(x.view(-1), t.reshape(-1), None, torch.Size([x.numel()]), in_shape, in_shape)
    order = sorted(range(x.ndim), key=lambda axis: -x.stride(axis))
    back = [order.index(axis) for axis in range(x.ndim)]
    shape = x.permute(order).shape

    def restored(flattened: Tensor) -> Tensor:
        return flattened.view(shape).permute(back)

    def line(tensor: Tensor) -> Tensor:
        return tensor.permute(order).reshape(-1)

    factor = None if factor is None else line(factor.expand(x.shape))
    return Arranged(line(x), line(t), factor, torch.Size([x.numel()]), restored, restored)


def rows(loss: Loss, x: Tensor, t: Tensor, factor: Tensor | None) -> Arranged:
    """Rows of classes; class indices one a row."""
    classes = x.shape[loss.axis]
    moved = x.movedim(loss.axis, -1)

    def cut(tensor: Tensor) -> Tensor:
        return tensor.movedim(loss.axis, -1).reshape(-1, classes)

    def as_logits(flattened: Tensor) -> Tensor:
        return flattened.view(moved.shape).movedim(-1, loss.axis)

    def as_losses(flattened: Tensor) -> Tensor:
        return flattened.view(moved.shape[:-1]) if loss.consumes_classes else as_logits(flattened)

    if factor is not None:
        factor = factor.reshape(-1, 1) if loss.consumes_classes else cut(factor.expand(x.shape))
    x_rows = moved.reshape(-1, classes)
    losses_shape = x_rows.shape[:1] if loss.consumes_classes else x_rows.shape
    return Arranged(x_rows, t.reshape(-1) if t.ndim < x.ndim else cut(t), factor, losses_shape, as_losses, as_logits)
