"""The sigmoid focal loss of a GPU in eager PyTorch: one kernel, one pass for value and gradient.

Without it every operation of a formula reads and writes whole arrays, some thirty times. Here an
element costs what must be moved: 12 bytes for logits, targets and gradient in float32, 6 in bfloat16.

On a CPU the kernel runs only where the environment has TRITON_INTERPRET=1 before Triton is first
imported: Triton's interpreter makes NumPy of it, and so it is verified without a GPU.
"""

import os
import struct
from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from focal_ref.losses import Loss, SigmoidFocal
from focal_ref.powers import MOST_PRODUCTS

BLOCK, INTERPRETED_BLOCK = 1024, 65536
"""Elements a program: two vectors of 16 bytes a thread of a GPU; under the interpreter each has a price of its own."""
MOST_GAMMA = 10.0
"""Beyond, nobody bounds the error."""
_INDICES = (torch.int32, torch.int64)
_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


@cache
def available() -> bool:
    """Whether Triton is installed; imports nothing."""
    return find_spec("triton") is not None


def interpreted() -> bool:
    """Whether kernels are interpreted, on any device."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def takes(loss: Loss, x: Tensor, t: Tensor) -> bool:
    """Whether there is a kernel for these: the default rule or class indices, contiguous tensors on a GPU.

    Not inside of what is traced or transformed, where tensors have no memory of their own.
    """
    return (
        (x.device.type == "cuda" or (x.device.type == "cpu" and interpreted()))
        and available()
        and isinstance(loss, SigmoidFocal)
        and isinstance(loss.gamma, float)
        and loss.gamma <= MOST_GAMMA
        and _alpha_fits(loss.alpha, x)
        and (_are_indices(x, t) or (loss.soft_targets == "linear" and t.shape == x.shape and t.dtype == x.dtype))
        and x.dtype in _FLOATS
        and x.numel() > 0
        and x.is_contiguous()
        and t.is_contiguous()
        and t.device == x.device
        and _has_memory(x)
        and _has_memory(t)
    )


def in_one_kernel(
    loss: Loss, x: Tensor, t: Tensor, *, total: bool, value: bool, gradient: bool, factor: Tensor | float | None = None
) -> tuple[Tensor | None, Tensor | None]:
    """Value and gradient of what `takes` says yes to; arguments and results as of `torch_blocks.in_blocks`.

    With ``total`` no array of losses is written. Each program writes its sum, and PyTorch adds them up:
    the order, and so each bit, is always the same.
    """
    compute = _compute_dtype(x)
    scale = _scale(factor, x) if total else None
    if not total and x.dtype != compute:
        # What is multiplied below must not be rounded before.
        results = in_one_kernel(loss, *_wide(x, t), total=False, value=value, gradient=gradient, factor=factor)
        first, second = (None if result is None else result.to(x.dtype) for result in results)
        return first, second
    values = x.new_empty(_programs(x) if total else x.shape, dtype=compute) if value else None
    gradients = torch.empty_like(x) if gradient else None
    _launched(loss, x, t, values, gradients, summed=total, scale=scale)
    if total:
        return None if values is None else values.sum(), gradients
    if gradients is not None and factor is not None:
        gradients.mul_(factor)
    return values, gradients


def rescaled(loss: Loss, x: Tensor, t: Tensor, gradient: Tensor, scale: Tensor, kept: Tensor | float) -> None:
    """Make of a gradient times ``kept`` one times ``scale``, which is computed anew and rounded once, in its memory.

    Where the two are equal, as where nothing but the loss is differentiated, the kernel ends at once: the
    host need not wait to know.
    """
    _launched(loss, x, t, None, gradient, summed=True, scale=_scale(scale, x), kept=_scale(kept, x))


def _launched(
    loss: Any,
    x: Tensor,
    t: Tensor,
    values: Tensor | None,
    gradients: Tensor | None,
    *,
    summed: bool,
    scale: Tensor | None = None,
    kept: Tensor | None = None,
) -> None:
    from focal_adapters.torch_triton_kernel import focal

    compute = _compute_dtype(x)
    half, written = x.dtype != compute, gradients
    if half and interpreted():
        # The interpreter's own casts lose carries and subnormals of halves (triton#8322).
        x, t = _wide(x, t)
        written = None if gradients is None else gradients.to(compute)
    per_class = isinstance(loss.alpha, (tuple, Tensor))
    alphas = torch.as_tensor(loss.alpha, dtype=compute, device=x.device).contiguous() if per_class else x
    # Triton launches on the current device. What NumPy warns of are infinities and nan, which are wanted.
    with torch.cuda.device(x.device) if x.is_cuda else nullcontext(), np.errstate(all="ignore"):
        focal[(_programs(x),)](
            x,
            t,
            alphas,
            x if values is None else values,
            x if written is None else written,
            x if scale is None else scale,
            x if kept is None else kept,
            x.numel(),
            _bits(loss.alpha if isinstance(loss.alpha, float) else 0.0),
            _bits(loss.gamma),
            CLASSES=x.shape[-1] if per_class or _are_indices(x, t) else 1,
            INDICES=_are_indices(x, t),
            BALANCED=loss.alpha is not None,
            PER_CLASS=per_class,
            HALVES=_halves(loss.gamma),
            DETACHED=loss.detach_modulator,
            HALF=half,
            SUM=summed,
            VALUE=values is not None,
            GRADIENT=gradients is not None,
            SCALED=scale is not None,
            KEPT=kept is not None,
            BLOCK=_block(),
        )
    if gradients is not None and written is not gradients:
        gradients.copy_(written)


def _scale(factor: Tensor | float | None, x: Tensor) -> Tensor | None:
    if factor is None or isinstance(factor, Tensor):
        return None if factor is None else factor.to(_compute_dtype(x))
    # Filled, not copied from the host.
    return x.new_full((), factor, dtype=_compute_dtype(x))


def _wide(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    return x.float(), t if _are_indices(x, t) else t.float()


def _block() -> int:
    return INTERPRETED_BLOCK if interpreted() else BLOCK


def _programs(x: Tensor) -> int:
    return -(-x.numel() // _block())


def _bits(number: float) -> int:
    return int.from_bytes(struct.pack("<d", number), "little", signed=True)


def _halves(gamma: float) -> int:
    """2 gamma where products and a square root give the power, else -1."""
    return int(2.0 * gamma) if gamma <= MOST_PRODUCTS and (2.0 * gamma).is_integer() else -1


def _compute_dtype(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def _are_indices(x: Tensor, t: Tensor) -> bool:
    return t.dtype in _INDICES and x.ndim > 0 and t.shape == x.shape[:-1]


def _alpha_fits(alpha: Any, x: Tensor) -> bool:
    if isinstance(alpha, tuple):
        return x.ndim > 0 and len(alpha) == x.shape[-1]
    if isinstance(alpha, Tensor):
        return x.ndim > 0 and alpha.shape == x.shape[-1:] and _has_memory(alpha)
    return alpha is None or isinstance(alpha, float)


def _has_memory(array: Tensor) -> bool:
    if torch.compiler.is_compiling() or type(array) not in (Tensor, torch.nn.Parameter):
        return False
    try:
        array.data_ptr()
    except RuntimeError:  # The wrappers of torch.func.
        return False
    return True
