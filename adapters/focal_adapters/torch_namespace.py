"""array_api_compat.torch, with an expm1 that keeps its digits under torch.compile, and what it lacks for that.

Inductor's vectorised expm1 on the CPU is ``exp(x) - 1`` (torch 2.13, ``CppVecOverrides.expm1`` in
torch/_inductor/codegen/cpp.py), which has no digit of a small x::

    f = torch.compile(torch.expm1)
    f(torch.full((64,), 3e-8))  # 0 or 5.96e-08, eager 3e-08
"""

from typing import Any

import array_api_compat.torch
import torch

globals().update({name: value for name, value in vars(array_api_compat.torch).items() if not name.startswith("__")})


def expm1(x: Any) -> Any:
    """``exp(x) - 1``; compiled by the quotient with log(exp(x)), in which the rounding of exp cancels.

    W. Kahan's formula: N. J. Higham, "Accuracy and Stability of Numerical Algorithms", section 1.14.1.
    """
    if not torch.compiler.is_compiling():
        return torch.expm1(x)
    grown = torch.exp(x)
    rest = grown - 1.0
    usual = (rest != 0.0) & (rest != -1.0) & torch.isfinite(rest)
    logarithm = torch.log(torch.where(usual, grown, 2.0))
    return torch.where(usual, rest * (x / logarithm), torch.where(rest == 0.0, x, rest))


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two; of unsigned integers too, which PyTorch does not compare (2.13)."""
    if x.dtype not in (torch.uint32, torch.uint64):
        return array_api_compat.torch.minimum(x, y)
    if x.dtype == torch.uint32:
        return torch.minimum(x.to(torch.int64), y.to(torch.int64)).to(x.dtype)
    # With the upper bit turned, signed numbers have the order of unsigned ones.
    upper = torch.iinfo(torch.int64).min
    return (torch.minimum(x.view(torch.int64) ^ upper, y.view(torch.int64) ^ upper) ^ upper).view(x.dtype)


def min_and_max(x: Any) -> tuple[Any, Any]:
    """Both in one pass."""
    return torch.aminmax(x)


def take_along_axis(x: Any, indices: Any, *, axis: int = -1) -> Any:
    """What ``indices`` of the same leading shape pick; broadcasting, as in take_along_dim, would fix it in a graph."""
    return torch.gather(x, axis, indices.to(torch.int64))
