"""A loss on NumPy arrays: checked, converted, evaluated block by block along the way that fits it."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from focal_ref.blocks import Float64, evaluate_in_blocks, evaluate_rows
from focal_ref.inputs import as_array, check_targets, checked_inputs
from focal_ref.losses.loss import Loss

Kind = Literal["loss", "logit", "sum"]
"""What a result has one number for: each loss, each logit, or all losses together."""

RESULTS: dict[str, tuple[Kind, ...]] = {
    "value": ("loss",),
    "gradient": ("logit",),
    "value_and_gradient": ("loss", "logit"),
    "curvature": ("logit",),
    "hessian_product": ("logit",),
}


def evaluate_checked(loss: Loss, name: str, logits: Any, targets: Any, vector: Any) -> tuple[Any, ...]:
    """Results of a loss's method; TypeError and ValueError as it documents."""
    x, t = checked_inputs(loss, logits, targets)
    check_targets(loss, x, t, None)
    per_logit = []
    if vector is not None:
        v = as_array("vector", vector)
        if v.shape != x.shape:
            raise ValueError(f"vector must have the shape of logits, {x.shape}, got {v.shape}")
        per_logit.append(v)
    formula = loss.block_formula(name)

    def kernel(x_block: Float64, t_block: npt.NDArray[Any], *vectors: Float64) -> tuple[Float64, ...]:
        result = formula(x_block, t_block, *vectors)
        return result if isinstance(result, tuple) else (result,)

    results = evaluate(loss, kernel, x, t, [], per_logit, RESULTS[name])
    return tuple(array[()] for array in results)


def evaluate(
    loss: Loss,
    kernel: Callable[..., tuple[Float64, ...]],
    x: npt.NDArray[Any],
    t: npt.NDArray[Any],
    per_loss: Sequence[npt.NDArray[Any]],
    per_logit: Sequence[npt.NDArray[Any]],
    results: Sequence[Kind],
) -> list[Float64]:
    """Call ``kernel(x, t, *per_loss, *per_logit)`` on float64 blocks.

    Parameters
    ----------
    loss : Loss
        What the kernel evaluates. A kernel of independent logits and targets gets blocks of one
        dimension, every other one rows of classes, and class indices as the integers they are.
    kernel : callable
        Returns one block for each of ``results``; what is to be summed, as a block of losses.
    x, t : arrays
        Logits and targets.
    per_loss, per_logit : sequences of arrays
        Of the shape of the losses, or broadcast to it; of the shape of the logits.
    results : sequence of "loss", "logit" or "sum"

    Returns
    -------
    list of float64 arrays
        Of the shape of the losses or of the logits, or 0-d sums.
    """
    losses_shape = loss.losses_shape(x.shape)
    independent = not loss.consumes_classes and t.ndim == x.ndim and not isinstance(loss.alpha, tuple)
    if independent:
        kept = [kind != "sum" for kind in results]
        return evaluate_in_blocks(kernel, [x, t, *per_loss, *per_logit], x.shape, kept)
    rows = [_rows(x, loss), _rows(t, loss) if t.ndim == x.ndim else t.reshape(-1)]
    for array in per_loss:
        full = np.broadcast_to(array, losses_shape)
        rows.append(full.reshape(-1) if loss.consumes_classes else _rows(full, loss))
    rows += [_rows(array, loss) for array in per_logit]
    classes = x.shape[loss.axis]
    widths = {"logit": (classes,), "loss": () if loss.consumes_classes else (classes,), "sum": None}
    parts = evaluate_rows(kernel, rows, [widths[kind] for kind in results])
    moved = np.moveaxis(np.empty(x.shape, dtype=np.bool_), loss.axis, -1).shape
    shaped = []
    for kind, part in zip(results, parts, strict=True):
        if kind == "logit" or (kind == "loss" and not loss.consumes_classes):
            shaped.append(np.moveaxis(part.reshape(moved), -1, loss.axis))
        else:
            shaped.append(part.reshape(losses_shape) if kind == "loss" else part)
    return shaped


def _rows(array: npt.NDArray[Any], loss: Loss) -> npt.NDArray[Any]:
    return np.moveaxis(array, loss.axis, -1).reshape(-1, array.shape[loss.axis])
