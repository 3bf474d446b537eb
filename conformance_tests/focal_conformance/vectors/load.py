"""Read the vectors into arrays: one `Case` per parameter set and dtype."""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import FORMATS, Float64, FloatFormat
from focal_conformance.scales import term_scales


@dataclass(frozen=True, eq=False)
class Case:
    """Points that share dtype, alpha and gamma, with the exact results and the scales of their errors."""

    loss: str
    dtype: str
    points: str
    alpha: float | None
    gamma: float
    logits: Float64
    targets: Float64
    flags: tuple[str, ...]
    exact: dict[str, Float64]
    """'value', 'gradient', 'curvature' -> correctly rounded float64."""
    scale: dict[str, Float64]
    """The same keys -> sum of the absolute values of the terms; |exact| where nothing cancels."""
    alpha_t: Float64
    indices: npt.NDArray[np.int64]
    """Position of each point in its set of the vector file."""
    ordinary: bool
    """Finite logits of a size that training meets, the range of the required level; else all others.

    They are given to a port apart: one nan makes some ports refuse a whole array.
    """

    @property
    def format(self) -> FloatFormat:
        """The format of the inputs and results."""
        return FORMATS[self.dtype]

    def point_id(self, index: int) -> str:
        """Name of one point, for `focal-ref show`."""
        return f"{self.group}/{self.indices[index]}"

    @property
    def group(self) -> str:
        """Name of the parameter set and its points."""
        return f"{self.loss}/{self.dtype}/alpha={number(self.alpha)}/gamma={number(self.gamma)}/{self.points}"


def number(parameter: float | None) -> str:
    """Short decimal of a parameter: 2.7 for the float32 nearest to it."""
    return "none" if parameter is None else f"{parameter:.6g}"


@lru_cache
def document(loss: str, dtype: str) -> dict[str, Any]:
    """One vector file."""
    text = files("focal_conformance").joinpath("vectors", "data", f"{loss}_{dtype}.json").read_text("ascii")
    result: dict[str, Any] = json.loads(text)
    return result


@lru_cache
def cases(loss: str, dtype: str) -> tuple[Case, ...]:
    """All cases of a loss in a dtype, ordinary points and the others apart."""
    content = document(loss, dtype)
    points = {entry["name"]: entry for entry in content["points"]}
    arrays = {name: (_floats(p["logits"]), _floats(p["targets"])) for name, p in points.items()}
    result = []
    for group in content["groups"]:
        logits, targets = arrays[group["points"]]
        alpha = None if group["alpha"] is None else float.fromhex(group["alpha"])
        gamma = float.fromhex(group["gamma"])
        exact = {key: _floats(group[key]) for key in ("value", "gradient", "curvature")}
        alpha_t = np.ones_like(targets) if alpha is None else alpha * targets + (1.0 - alpha) * (1.0 - targets)
        scale = {
            key: np.maximum(s, np.abs(exact[key])) for key, s in term_scales(logits, targets, alpha_t, gamma).items()
        }
        flags = points[group["points"]]["flags"]
        usual = in_required_range(logits, dtype)
        for ordinary in (True, False):
            chosen = np.flatnonzero(usual == ordinary)
            if chosen.size:
                result.append(
                    Case(
                        loss=loss,
                        dtype=dtype,
                        points=group["points"],
                        alpha=alpha,
                        gamma=gamma,
                        logits=logits[chosen],
                        targets=targets[chosen],
                        flags=tuple(flags[i] for i in chosen),
                        exact={key: numbers[chosen] for key, numbers in exact.items()},
                        scale={key: numbers[chosen] for key, numbers in scale.items()},
                        alpha_t=alpha_t[chosen],
                        indices=chosen,
                        ordinary=ordinary,
                    )
                )
    return tuple(result)


def in_required_range(logits: Float64, dtype: str) -> npt.NDArray[np.bool_]:
    """Finite logits up to 1e4, in float16 up to 1e3: the range of the required level."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(logits) <= (1e3 if dtype == "float16" else 1e4))


def _floats(literals: list[str]) -> Float64:
    return np.array([float.fromhex(literal) for literal in literals])
