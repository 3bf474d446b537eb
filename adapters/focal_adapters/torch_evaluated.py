"""What the kernels of blocks share: their result, and powers."""

from typing import NamedTuple

import torch
from torch import Tensor

MOST_PRODUCTS = 5.0
"""Up to it, at most four products and a square root."""


class Evaluated(NamedTuple):
    """Of one block: losses, their sum, and the gradient; what was not asked for is None."""

    values: Tensor | None
    total: float
    gradients: Tensor | None
    odd: Tensor | None = None
    """Elements, or rows, that were not a kernel's to compute: what stands there is to be replaced."""


def power(base: Tensor, exponent: float, out: Tensor | None = None) -> Tensor:
    """``base**exponent`` by products and a root where those are few, in ``out`` or, for 1, the base itself.

    Each rounds once, as pow does, and takes a tenth of its time.
    """
    whole, half = divmod(exponent, 1.0)
    if half not in (0.0, 0.5) or not 0.0 < exponent <= MOST_PRODUCTS:
        return torch.pow(base, exponent, out=out)
    if half:
        result = torch.sqrt(base, out=out)
    elif whole == 1.0:
        return base
    else:
        result = torch.mul(base, base, out=out)
        whole -= 2.0
    for _ in range(int(whole)):
        result.mul_(base)
    return result


def times_power(product: Tensor, base: Tensor, exponent: float, scratch: Tensor) -> None:
    """Multiply in place by ``base**exponent``, which an exponent of 0 does not need."""
    if exponent in (1.0, 2.0, 3.0):
        # In place a product takes two thirds of the time.
        for _ in range(int(exponent)):
            product.mul_(base)
    elif exponent > 0.0:
        product.mul_(power(base, exponent, scratch))
