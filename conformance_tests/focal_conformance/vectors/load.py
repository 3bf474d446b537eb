"""Read the vectors into arrays: one `Case` per parameter set and dtype."""

import json
from collections.abc import Iterator
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import Float64
from focal_conformance.oracle.soft_targets import LINEAR
from focal_conformance.soft_scales import sigmoid_scales
from focal_conformance.vectors.case import Case, number, points_name
from focal_conformance.vectors.load_softmax import SoftmaxSet, softmax_sets
from focal_conformance.vectors.scales import Scales

__all__ = ["Case", "all_cases", "cases", "document", "in_required_range", "number"]


@lru_cache
def document(loss: str, dtype: str) -> dict[str, Any]:
    """One vector file."""
    text = files("focal_conformance").joinpath("vectors", "data", f"{loss}_{dtype}.json").read_text("ascii")
    result: dict[str, Any] = json.loads(text)
    return result


@lru_cache
def cases(loss: str, dtype: str) -> tuple[Case, ...]:
    """The plain cases of a loss in a dtype: linear rule, modulator not detached, one alpha or none."""
    return tuple(case for case in all_cases(loss, dtype) if case.plain)


@lru_cache
def all_cases(loss: str, dtype: str) -> tuple[Case, ...]:
    """All cases of a loss in a dtype, ordinary points and the others apart."""
    content = document(loss, dtype)
    groups = _softmax_groups(content) if "logits" in content else _sigmoid_groups(content)
    result = []
    for group in groups:
        finite = in_required_range(group["logits"], dtype)
        usual = finite if finite.ndim == 1 else np.asarray(finite.all(axis=-1))
        for ordinary in (True, False):
            chosen = np.flatnonzero(usual == ordinary)
            if chosen.size:
                result.append(Case(loss=loss, dtype=dtype, ordinary=ordinary, **_chosen(group, chosen)))
    return tuple(result)


def in_required_range(logits: Float64, dtype: str) -> npt.NDArray[np.bool_]:
    """Finite logits up to 1e4, in float16 up to 1e3: the range of the required level."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(logits) <= (1e3 if dtype == "float16" else 1e4))


def _sigmoid_groups(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    points = {entry["name"]: entry for entry in content["points"]}
    arrays = {name: (_floats(p["logits"]), _floats(p["targets"])) for name, p in points.items()}
    for group in content["groups"]:
        logits, targets = arrays[group["points"]]
        alpha = None if group["alpha"] is None else float.fromhex(group["alpha"])
        gamma, rule, detach = _settings(group)
        exact = {key: _floats(group[key]) for key in ("value", "gradient", "curvature")}
        alpha_t = np.ones_like(targets) if alpha is None else alpha * targets + (1.0 - alpha) * (1.0 - targets)
        scales = sigmoid_scales(logits, targets, alpha, alpha_t, gamma, rule, detach)
        yield {
            "points": points_name(group["points"], rule, detach),
            "alpha": alpha,
            "gamma": gamma,
            "soft_targets": rule,
            "detach_modulator": detach,
            "target_kind": "elements",
            "logits": logits,
            "targets": targets,
            "flags": points[group["points"]]["flags"],
            "exact": exact,
            "scale": {key: np.maximum(scale, np.abs(exact[key])) for key, scale in scales.items()},
            "alpha_t": alpha_t,
            "known": np.ones(logits.shape, dtype=bool),
            "vector": None,
        }


def _softmax_groups(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sets = softmax_sets(content)
    for group in content["groups"]:
        points: SoftmaxSet = sets[group["points"]]
        alpha = group["alpha"]
        if alpha is not None:
            alpha = tuple(map(float.fromhex, alpha)) if isinstance(alpha, list) else float.fromhex(alpha)
        gamma, rule, detach = _settings(group)
        exact = {"value": _floats(group["value"])}
        exact |= {key: points.spread(group[key]) for key in ("gradient", "curvature", "product")}
        yield {
            "points": points_name(group["points"], rule, detach),
            "alpha": alpha,
            "gamma": gamma,
            "soft_targets": rule,
            "detach_modulator": detach,
            "target_kind": points.kind,
            "logits": points.logits,
            "targets": points.targets,
            "flags": points.flags,
            "exact": exact,
            "scale": Scales(tuple(exact), partial(points.scale, exact, alpha, gamma, rule, detach)),
            "alpha_t": points.alpha_t(alpha),
            "known": points.known,
            "vector": points.vector,
        }


def _settings(group: dict[str, Any]) -> tuple[float, str, bool]:
    return float.fromhex(group["gamma"]), group.get("soft_targets", LINEAR), group.get("detach_modulator", False)


def _chosen(group: dict[str, Any], chosen: npt.NDArray[np.int64]) -> dict[str, Any]:
    """The fields of a case with some of the points."""
    return {
        **group,
        **{key: group[key][chosen] for key in ("logits", "targets", "alpha_t", "known")},
        "exact": {name: array[chosen] for name, array in group["exact"].items()},
        "scale": Scales(tuple(group["scale"]), lambda quantity: group["scale"][quantity][chosen]),
        "flags": tuple(group["flags"][i] for i in chosen),
        "indices": chosen,
    }


def _floats(literals: list[str]) -> Float64:
    return np.array([float.fromhex(literal) for literal in literals])
