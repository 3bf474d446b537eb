"""A loss with its parameters as the compute dtype holds them."""

import dataclasses
from typing import Any, TypeVar

import numpy as np

Loss = TypeVar("Loss")

_LARGEST = float(np.finfo(np.float32).max)


def held_in_float32(loss: Loss) -> Loss:
    """Round every float parameter of a loss to float32; they stay Python floats.

    A loss that is computed in float32 is defined at the parameters that float32 holds. Rounded here
    once, ``1 - alpha`` means the same whether it is formed before or after the rounding (for
    alpha = 0.999 the two differ by 500 ULP otherwise).

    Parameters
    ----------
    loss : dataclass object
        Fields that are floats, or tuples of floats, are rounded; all others stay as they are.

    Returns
    -------
    dataclass object of the same class
        Finite numbers beyond the float32 range become its largest number, not infinity.
    """
    if not dataclasses.is_dataclass(loss) or isinstance(loss, type):
        return loss
    fields = [field.name for field in dataclasses.fields(loss) if field.init]
    return dataclasses.replace(loss, **{name: _rounded(getattr(loss, name)) for name in fields})


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_rounded(item) for item in value)
    if not isinstance(value, float):
        return value
    return float(np.float32(min(max(value, -_LARGEST), _LARGEST)))
