r"""The sigmoid focal loss of hard targets in NumPy float64, in as few passes as its accuracy allows.

The general rules know what every rounding of 1 - p_t loses, for any target and any gamma, in a
hundred passes. With targets that are 0 or 1, finite logits and a small whole or half gamma seventeen
will do. With s = -x for a positive and x for a negative, and z = exp(s), never of -|x|, so that
nothing is selected by a sign (which branches: as slow as ten products),

    p_t = 1/(1+z);  u = 1 - p_t = z/(1+z);  CE = log(1 + z);  f = alpha_t u^gamma
    FL = f CE;  FL' = f (gamma p_t CE + u), in x for a positive -FL'

A power multiplies what its base has lost by gamma: u has lost two roundings and what exp lost.
Positives are few, as a rule: they are visited by their places.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_ref.powers import power
from focal_ref.targets import is_class_index

Float64 = npt.NDArray[np.float64]
Targets = npt.NDArray[Any]

LARGEST_GAMMA = 2.0
"""Beyond it what u has lost, times gamma, comes close to the bounds (docs/accuracy.md)."""
FAR = 700.0
"""Below it exp overflows for neither sign."""


def serves(gamma: float) -> bool:
    """Whether the power is a product of few factors and at most one square root."""
    return gamma <= LARGEST_GAMMA and (2.0 * gamma).is_integer()


def hard_first(
    general: Callable[..., Any], name: str, gamma: float, alpha: Any, *, detached: bool
) -> Callable[..., Any]:
    """``general``, a formula of (x, t), but for hard targets and logits that are not far by the formulas above.

    An element's result depends on nothing beside it: among others it is the same as among its like.

    Parameters
    ----------
    general : callable
        Of a block of logits, and of targets of its shape or class indices without the last axis.
    name : {"value", "gradient", "value_and_gradient"}
        What it returns.
    gamma : float
    alpha : float, tuple of one number a class, or None
    detached : bool
        Whether the gradient takes the modulating factor as a constant.
    """
    weights = np.asarray(alpha) if isinstance(alpha, tuple) else alpha

    def formula(x: Float64, t: Targets) -> Any:
        places, soft = _positives(x, t)
        # nan, where there is one, is both the smallest and the largest.
        near = x.min(initial=0.0) > -FAR and x.max(initial=0.0) < FAR
        if near and soft is None:
            found = _hard(x, places, name, gamma, weights, detached)
        else:
            served = np.abs(x) < FAR
            if soft is not None:
                served &= ~soft
            if not served.any():
                return general(x, t)
            found = _hard(x, places, name, gamma, weights, detached)
            # By rows, where there are: an alpha per class has the length of a row.
            others = ~served.reshape(len(x), -1).all(axis=1)
            rest = general(x[others], t[others])
            for mine, theirs in zip(found, rest if isinstance(rest, tuple) else (rest,), strict=True):
                mine[others] = np.where(served[others], mine[others], theirs)
        return found if name == "value_and_gradient" else found[0]

    return formula


def _positives(x: Float64, t: Targets) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_] | None]:
    """Where in the flattened block the targets are not 0, and, if any is not 1 there, which are neither."""
    if is_class_index(t, x):
        rows = np.flatnonzero(t < x.shape[-1])
        return rows * x.shape[-1] + t[rows], None
    flat = t.reshape(-1)
    (places,) = (flat != 0.0).nonzero()
    if (flat[places] == 1.0).all():
        return places, None
    return places, (t != 0.0) & (t != 1.0)


def _hard(
    x: Float64, positives: npt.NDArray[np.intp], name: str, gamma: float, alpha: Any, detached: bool
) -> tuple[Float64, ...]:
    # One piece of memory: arrays written over stay in cache, and the allocator gives and takes one thing.
    z, d, p_t, u, rest = np.empty((5, *x.shape))
    np.copyto(z, x)
    np.exp(_negated_at(positives, z), out=z)
    np.divide(1.0, np.add(z, 1.0, out=d), out=p_t)
    np.divide(z, d, out=u)
    cross_entropy = _log1p(z, d, p_t, rest)
    factor = _balanced(power(u, gamma, np), positives, alpha, out=z)
    found = []
    if name != "value":
        inside = u
        if not detached:
            inside = np.multiply(p_t, cross_entropy, out=p_t)
            inside *= gamma
            inside += u
        gradient = np.multiply(inside, factor, out=rest)
        found.append(_negated_at(positives, gradient))
    if name != "gradient":
        found.insert(0, np.multiply(factor, cross_entropy, out=d))
    return tuple(found)


def _log1p(z: Float64, d: Float64, reciprocal: Float64, rest: Float64) -> Float64:
    """``log(1 + z)`` in ``d``, which is the rounded sum, by what that lost; in half of the time of NumPy's log1p."""
    np.subtract(d, 1.0, out=rest)
    np.subtract(z, rest, out=rest)
    rest *= reciprocal
    return np.add(np.log(d, out=d), rest, out=d)


def _negated_at(places: npt.NDArray[np.intp], array: Float64) -> Float64:
    flat = array.reshape(-1)
    flat[places] = -flat[places]
    return array


def _balanced(powered: Float64, positives: npt.NDArray[np.intp], alpha: Any, out: Float64) -> Float64:
    """alpha_t times it; alpha a number, one per class, or None."""
    if alpha is None:
        return powered
    of_positives = alpha[positives % len(alpha)] if isinstance(alpha, np.ndarray) else alpha
    np.multiply(powered, 1.0 - alpha, out=out)
    out.reshape(-1)[positives] = of_positives * powered.reshape(-1)[positives]
    return out
