"""Random points as a `Case`: named by their numbers, since no vector file holds them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.dialect import Parameters
from focal_conformance.formats import Float64
from focal_conformance.fuzz.truth import Truths
from focal_conformance.soft_scales import sigmoid_scales
from focal_conformance.vectors.case import Alpha, Case, points_name
from focal_conformance.vectors.load import in_required_range
from focal_conformance.vectors.softmax_rows import ELEMENTS, INDICES, ROWS
from focal_conformance.vectors.text import literal

ONE_POINT, ONE_ROW = "point", "row"


@dataclass(frozen=True, eq=False)
class RandomCase(Case):
    """Points that share dtype and parameters, and are found again by their numbers alone."""

    def point_id(self, index: int) -> str:
        """All numbers of the point, as C99 literals: nothing in it needs quotes in a shell."""
        x, t = self.logits[index], self.targets[index]
        return f"{self.group}/x={_words(x)},t={int(t) if self.target_kind == INDICES else _words(t)}"

    @property
    def group(self) -> str:
        """Parameters to the last bit."""
        alpha = "none" if self.alpha is None else _words(self.alpha)
        return f"{self.loss}/{self.dtype}/alpha={alpha}/gamma={literal(self.gamma)}/{self.points}"


def random_case(
    loss: str, dtype: str, parameters: Parameters, logits: Float64, targets: npt.NDArray[Any], truths: Truths
) -> RandomCase:
    """A case of points that are all ordinary or all not."""
    alpha, gamma, rule, detach = settings(parameters)
    rows = logits.ndim > 1
    kind = ELEMENTS if not rows else INDICES if targets.ndim == 1 else ROWS
    exact = {"value": truths.value, "gradient": truths.gradient}
    alpha_t = _alpha_t(alpha, targets, kind)
    if rows:
        scales = {"value": np.zeros_like(truths.value), "gradient": truths.gradient_scale}
    else:
        assert not isinstance(alpha, tuple)
        scales = sigmoid_scales(logits, targets, alpha, alpha_t, gamma, rule, detach)
    ordinary = in_required_range(logits, dtype)
    return RandomCase(
        loss=loss,
        dtype=dtype,
        points=points_name(ONE_ROW if rows else ONE_POINT, rule, detach),
        alpha=alpha,
        gamma=gamma,
        soft_targets=rule,
        detach_modulator=detach,
        target_kind=kind,
        logits=logits,
        targets=targets,
        flags=("",) * len(logits),
        exact=exact,
        scale={key: np.fmax(scales[key], np.abs(exact[key])) for key in exact},
        alpha_t=alpha_t,
        indices=np.arange(len(logits)),
        ordinary=bool(np.all(ordinary)),
        known=np.ones(logits.shape, dtype=bool),
        vector=None,
    )


def settings(parameters: Parameters) -> tuple[Alpha, float, str, bool]:
    """Alpha, gamma, rule, detached or not."""
    return parameters.alpha, parameters.gamma, parameters.soft_targets, parameters.detach_modulator


def _alpha_t(alpha: Alpha, targets: npt.NDArray[Any], kind: str) -> Float64:
    """One an element or a row; 1 where alpha is off."""
    if alpha is None:
        return np.ones(len(targets))
    if kind == ELEMENTS:
        assert isinstance(alpha, float)
        return np.asarray(alpha * targets + (1.0 - alpha) * (1.0 - targets))
    if kind == INDICES:
        return np.asarray(alpha)[targets] if isinstance(alpha, tuple) else np.full(len(targets), alpha)
    return np.asarray((np.asarray(alpha) * targets).sum(axis=-1))


def _words(numbers: Any) -> str:
    return ":".join(literal(float(number)) for number in np.atleast_1d(numbers))
