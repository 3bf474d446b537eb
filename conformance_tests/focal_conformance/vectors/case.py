"""One set of golden points with its parameters and results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import FORMATS, Float64, FloatFormat
from focal_conformance.oracle.soft_targets import LINEAR

Alpha = float | tuple[float, ...] | None


@dataclass(frozen=True, eq=False)
class Case:
    """Points that share dtype and parameters, with the exact results and the scales of their errors.

    A point is an element of the sigmoid loss, a row of K logits of the softmax loss.
    """

    loss: str
    dtype: str
    points: str
    """Name of the points; it ends in the rule and 'detached' where they are not the default."""
    alpha: Alpha
    """A tuple: one weight a class."""
    gamma: float
    soft_targets: str
    detach_modulator: bool
    target_kind: str
    """'elements': targets of the logits' shape (N,); 'rows': of (N, K); 'indices': int64 class indices (N,)."""
    logits: Float64
    targets: npt.NDArray[Any]
    """float64, of 'indices' int64."""
    flags: tuple[str, ...]
    exact: dict[str, Float64]
    """'value', 'gradient', 'curvature' and for rows 'product' -> correctly rounded float64.

    Of rows the value is (N,), the others are (N, K): nan where nothing is stored, see ``known``.
    'curvature' is the diagonal of the Hessian, 'product' the Hessian times ``vector``.
    """
    scale: Mapping[str, Float64]
    """The same keys -> sum of the absolute values of the terms; |exact| where nothing cancels."""
    alpha_t: Float64
    """(N,): one an element or a row."""
    indices: npt.NDArray[np.int64]
    """Position of each point in its set of the vector file."""
    ordinary: bool
    """Finite logits of a size that training meets, the range of the required level; else all others.

    They are given to a port apart: one nan makes some ports refuse a whole array. A row is ordinary
    if all its logits are.
    """
    known: npt.NDArray[np.bool_]
    """Of rows (N, K): the classes whose derivatives are stored; of elements (N,), all True."""
    vector: Float64 | None
    """(K,), of rows."""

    @property
    def format(self) -> FloatFormat:
        """The format of the inputs and results."""
        return FORMATS[self.dtype]

    @property
    def plain(self) -> bool:
        """Whether the rule is the linear one, the modulator is not detached and alpha is no tuple."""
        return self.soft_targets == LINEAR and not self.detach_modulator and not isinstance(self.alpha, tuple)

    def point_id(self, index: int) -> str:
        """Name of one point, for `focal-ref show`."""
        return f"{self.group}/{self.indices[index]}"

    @property
    def group(self) -> str:
        """Name of the parameter set and its points."""
        return f"{self.loss}/{self.dtype}/alpha={number(self.alpha)}/gamma={number(self.gamma)}/{self.points}"


def number(parameter: Alpha) -> str:
    """Short decimal of a parameter: 2.7 for the float32 nearest to it; per-class-3 for one weight a class."""
    if isinstance(parameter, tuple):
        return f"per-class-{len(parameter)}"
    return "none" if parameter is None else f"{parameter:.6g}"


def points_name(name: str, soft_targets: str, detach_modulator: bool) -> str:
    """'soft-margin', 'special-linear-detached'; the name itself for the defaults."""
    if detach_modulator:
        return f"{name}-{soft_targets}-detached"
    return name if soft_targets == LINEAR else f"{name}-{soft_targets}"


def case_is_soft(case: Case) -> npt.NDArray[np.bool_]:
    """Which points have targets between 0 and 1."""
    if case.target_kind == "indices":
        return np.zeros(len(case.logits), dtype=bool)
    with np.errstate(invalid="ignore"):
        soft = (case.targets > 0.0) & (case.targets < 1.0)
    return np.asarray(soft if soft.ndim == 1 else np.any(soft, axis=-1))
