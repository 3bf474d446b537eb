"""A loss of plain CPU tensors, block by block: what an operation leaves is in cache when the next one reads it.

Eager PyTorch allocates, writes and reads an array of the size of the logits for every operation.
Blocks that fit into the caches of the cores leave the arithmetic as the cost.
"""

from dataclasses import replace

import torch
from torch import Tensor

from focal_adapters.torch_careful import careful, mended
from focal_adapters.torch_evaluated import Evaluated
from focal_adapters.torch_half_table import HalfTable
from focal_adapters.torch_hard import HardTargets
from focal_adapters.torch_hard_rows import HardRows
from focal_adapters.torch_layouts import Layout, flat, rows
from focal_adapters.torch_workspace import KEPT
from focal_ref.losses import Loss

BLOCK = KEPT
"""Elements a block, a megabyte for each temporary of float32; as many for any number of threads, as are all bits."""
ROWS = 524_288
"""For class indices of rows: few temporaries have the size of the logits, and many have one number a row."""


def in_blocks(
    loss: Loss, x: Tensor, t: Tensor, *, total: bool, value: bool, gradient: bool, factor: Tensor | float | None = None
) -> tuple[Tensor | None, Tensor | None]:
    """Value and gradient of a loss.

    Parameters
    ----------
    loss : Loss
        Its parameters as float32 holds them, unless the logits are float64.
    x, t : tensors on the CPU
        Logits of any floating dtype and layout; targets of their shape and any real dtype, or class
        indices. Half precision is computed in float32.
    total : bool
        Sum the value over all losses.
    value, gradient : bool
        What is wanted.
    factor : number, tensor of the shape of the losses, or None
        What the gradient is multiplied with, before it is rounded.

    Returns
    -------
    value : tensor or None
        0-d, float32 or float64; or of the shape of the losses and the dtype of the logits.
    gradient : tensor or None
        Of the shape and dtype of the logits.
    """
    indices = t.ndim < x.ndim
    layout: Layout = rows if loss.consumes_classes or indices or isinstance(loss.alpha, tuple) else flat
    arranged = layout(loss, x, t, factor if isinstance(factor, Tensor) else None)
    if loss.axis != -1:
        loss = replace(loss, axis=-1)  # type: ignore[type-var]
    compute = torch.float64 if x.dtype == torch.float64 else torch.float32
    given, width = arranged.x, arranged.x.shape[1] if arranged.x.ndim == 2 else 1
    values = given.new_empty(arranged.losses_shape) if value and not total else None
    gradients = given.new_empty(given.shape) if gradient else None
    block = ROWS if loss.consumes_classes and indices else BLOCK
    step = max(1, block // width)
    size = min(step, given.shape[0]) * width
    hard = HardTargets.of(loss, compute, size) or HardRows.of(loss, compute, size)
    table = HalfTable.of(loss, given, size, value, gradient, factor)
    summed = 0.0
    for start in range(0, given.shape[0], step):
        part = slice(start, start + step)
        into = None if gradients is None else gradients[part]
        found = None if table is None else table.evaluated(given[part], arranged.t[part], into)
        if found is None:
            found = _computed(loss, hard, given[part].to(compute), arranged.t[part], value, into)
            scale = factor if arranged.factor is None else arranged.factor[part]
            if found.gradients is not None and scale is not None:
                found.gradients.mul_(scale)
        summed += found.total
        if values is not None:
            values[part] = found.values
        if into is not None and found.gradients is not into:
            into.copy_(found.gradients)
    if value and total:
        return torch.tensor(summed, dtype=compute, device="cpu"), None if gradients is None else arranged.as_logits(
            gradients
        )
    return (
        None if values is None else arranged.as_losses(values),
        None if gradients is None else arranged.as_logits(gradients),
    )


def _computed(
    loss: Loss, kernel: HardTargets | HardRows | None, x: Tensor, t: Tensor, value: bool, into: Tensor | None
) -> Evaluated:
    """A block in the dtype of computation, its gradient in ``into`` if that has this dtype too."""
    t = t if t.ndim < x.ndim else t.to(x.dtype)
    gradient = into is not None
    out = into if into is not None and into.dtype == x.dtype else None
    found = None if kernel is None else kernel.evaluated(x, t, value, gradient, out)
    return careful(loss, x, t, value, gradient) if found is None else mended(loss, x, t, found)
