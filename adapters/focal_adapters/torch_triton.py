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


def value_and_gradient(loss: Loss, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of each element and its derivative in the logits.

    Parameters
    ----------
    loss, x, t
        What `takes` says yes to. Halves are computed in float32.

    Returns
    -------
    value : tensor of the shape of x, float32 or float64
    gradient : tensor of the shape and dtype of x
    """
    value = x.new_empty(x.shape, dtype=_compute_dtype(x))
    return value, _launched(loss, x, t, value, summed=False)


def sum_and_gradient(loss: Loss, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of the losses, 0-d, and the derivative in the logits; no array of losses is written.

    Each program writes its sum, and PyTorch adds them up: the order, and so each bit, is always the same.
    """
    partial = x.new_empty(_programs(x), dtype=_compute_dtype(x))
    gradient = _launched(loss, x, t, partial, summed=True)
    return partial.sum(), gradient


def _launched(loss: Any, x: Tensor, t: Tensor, value: Tensor, *, summed: bool) -> Tensor:
    from focal_adapters.torch_triton_kernel import focal

    dtype, half = x.dtype, x.dtype != value.dtype
    if half and interpreted():
        # The interpreter's own casts lose carries and subnormals of halves (triton#8322).
        x, t = x.to(value.dtype), t if _are_indices(x, t) else t.to(value.dtype)
    gradient = torch.empty_like(x)
    per_class = isinstance(loss.alpha, (tuple, Tensor))
    alphas = torch.as_tensor(loss.alpha, dtype=value.dtype, device=x.device).contiguous() if per_class else x
    # Triton launches on the current device. What NumPy warns of are infinities and nan, which are wanted.
    with torch.cuda.device(x.device) if x.is_cuda else nullcontext(), np.errstate(all="ignore"):
        focal[(_programs(x),)](
            x,
            t,
            alphas,
            value,
            gradient,
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
            BLOCK=_block(),
        )
    return gradient.to(dtype)


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
