"""Elements that a kernel of blocks leaves: soft targets, what is not finite. The loss's own formula computes them."""

from torch import Tensor

from focal_adapters import torch_namespace as xp
from focal_adapters.torch_evaluated import Evaluated
from focal_ref.losses import Loss
from focal_ref.targets import one_hot


def careful(loss: Loss, x: Tensor, t: Tensor, value: bool, gradient: bool) -> Evaluated:
    """A block operation by operation."""
    values = gradients = None
    if value and gradient:
        values, gradients = loss.fast_value_and_gradient(x, t, xp=xp)
    elif value:
        values = loss.fast_value(x, t, xp=xp)
    else:
        gradients = loss.fast_gradient(x, t, xp=xp)
    return Evaluated(values, 0.0 if values is None else float(values.sum()), gradients)


def mended(loss: Loss, x: Tensor, t: Tensor, found: Evaluated) -> Evaluated:
    """What a kernel found, with its odd elements or rows; only those, so that none depends on its neighbours."""
    values, _, gradients, odd = found
    if odd is None:
        return found
    if not loss.consumes_classes and t.ndim < x.ndim:
        t = one_hot(t, x, xp, others_allowed=True)
    own = careful(loss, x[odd], t[odd], values is not None, gradients is not None)
    if values is not None:
        values[odd] = own.values
    if gradients is not None:
        gradients[odd] = own.gradients
    return Evaluated(values, 0.0 if values is None else float(values.sum()), gradients)
