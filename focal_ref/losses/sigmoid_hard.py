r"""The sigmoid focal loss of hard targets in NumPy float64, in as few passes as its accuracy allows.

The general rules know what every rounding of 1 - p_t loses, for any target and any gamma. For a
target that is 0 or 1, a finite logit and a whole or half gamma the same is had for less. With
w = 1 - 2t, s = x w, e = exp(-|x|) and r = 1/(1+e), and {a, b} for a where s >= 0 and b where s < 0,

    u = 1 - p_t = {r, e r};  p_t = {e r, r};  CE = max(s, 0) + log1p(e)
    FL = alpha_t u^gamma CE;  FL' = w alpha_t u^gamma (gamma p_t CE + u)

A power multiplies the relative error of u by gamma. That of r is 1 - r - e r to a quarter of its
last place, for 1 - r is exact and e r is below 1/2, and is taken out. What remains are the error of
exp where u = e r, and a rounding for each product. Where u^gamma is subnormal, FL is 0 anyway.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_ref.powers import power
from focal_ref.targets import is_class_index

Float64 = npt.NDArray[np.float64]
Results = tuple[Float64, ...]

LARGEST_GAMMA = 2.0
"""Up to it the error of exp, times gamma, is no more than the general rules have (docs/accuracy.md)."""


def serves(gamma: float) -> bool:
    """Whether the power takes few products and at most one square root."""
    return gamma <= LARGEST_GAMMA and (2.0 * gamma).is_integer()


def hard_first(
    general: Callable[..., Any], name: str, gamma: float, alpha: Any, *, detached: bool
) -> Callable[..., Any]:
    """``general``, a formula of (x, t), but for hard targets and finite logits by the formulas above.

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

    def formula(x: Float64, t: npt.NDArray[Any]) -> Any:
        block = HardTargets(x, t, gamma, alpha)
        if block.size == 0:
            return general(x, t)
        found = []
        if name != "gradient":
            found.append(block.value())
        if name != "value":
            found.append(block.gradient(detached=detached))
        if block.size < x.size:
            # By rows, where there are: an alpha per class has the length of a row.
            others = ~block.served.reshape(len(x), -1).all(axis=1)
            rest = general(x[others], t[others])
            for mine, theirs in zip(found, rest if isinstance(rest, tuple) else (rest,), strict=True):
                mine[others] = np.where(block.served[others], mine[others], theirs)
        return tuple(found) if name == "value_and_gradient" else found[0]

    return formula


class HardTargets:
    """One block. Ask for the value first: the gradient writes over what both are made of.

    All in one piece of memory: arrays that are written over stay in cache, and the allocator has
    one thing to give and to take back.
    """

    size: int
    """How many elements the formulas serve."""

    def __init__(self, x: Float64, t: npt.NDArray[Any], gamma: float, alpha: Any) -> None:
        self.x, self.gamma = x, gamma
        self.alpha: Any = np.asarray(alpha) if isinstance(alpha, tuple) else alpha
        self.memory = np.empty((8, *x.shape))
        rounded, _, y, *_, hot = self.memory
        self.t: Any = np.equal(t[..., None], np.arange(x.shape[-1]), out=hot) if is_class_index(t, x) else t
        # Of the numbers from 0 to 1 these two alone are whole.
        soft = np.rint(self.t, out=rounded) != self.t
        np.abs(x, out=y)
        self.size = x.size
        # The largest of all is nan where there is one.
        if soft.any() or not y.max(initial=0.0) < np.inf:
            self.served = ~soft & (y < np.inf)
            self.size = int(np.count_nonzero(self.served))
        if self.size:
            self._evaluate()

    def _evaluate(self) -> None:
        alpha_t, w, e, s, r, product, error, free = self.memory
        gamma, alpha = self.gamma, self.alpha
        np.subtract(1.0, self.t, out=alpha_t)
        np.subtract(alpha_t, self.t, out=w)
        if alpha is not None:
            # 1 - t until here.
            alpha_t *= 1.0 - alpha
            alpha_t += np.multiply(self.t, alpha, out=s)
        np.multiply(self.x, w, out=s)
        np.exp(np.negative(e, out=e), out=e)
        np.divide(1.0, np.add(e, 1.0, out=r), out=r)
        np.multiply(e, r, out=product)
        np.subtract(1.0, r, out=error)
        error -= product
        log_r = np.log(r, out=e)
        log_r += error
        self.cross_entropy = np.subtract(np.maximum(s, 0.0, out=free), log_r, out=e)
        _exchange_where_negative(s, r, product, free)
        self.u, self.p_t, self.w, self.free = r, product, w, free
        modulator = power(self.u, gamma, np)
        error *= gamma
        error *= modulator
        self.factor = np.add(modulator, error, out=error)
        if alpha is not None:
            self.factor *= alpha_t

    def value(self) -> Float64:
        """FL."""
        return np.multiply(self.factor, self.cross_entropy, out=self.free)

    def gradient(self, *, detached: bool) -> Float64:
        """FL', or FL' with the modulating factor as a constant."""
        inside = self.p_t
        if detached:
            inside = self.u
        else:
            inside *= self.cross_entropy
            inside *= self.gamma
            inside += self.u
        inside *= self.factor
        inside *= self.w
        return inside


def _exchange_where_negative(s: Float64, a: Float64, b: Float64, free: Float64) -> None:
    """Exchange a and b where s has its sign bit set; s and ``free`` are lost.

    By bits: a selection by a bool array branches, which at random signs costs as much as ten products.
    """
    sign = np.right_shift(s.view(np.int64), 63, out=free.view(np.int64))
    first, second, differing = a.view(np.int64), b.view(np.int64), s.view(np.int64)
    np.bitwise_xor(first, second, out=differing)
    differing &= sign
    first ^= differing
    second ^= differing
