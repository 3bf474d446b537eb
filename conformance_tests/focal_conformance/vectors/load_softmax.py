"""Rows of a softmax vector file as arrays, with what is not stored as nan."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import Float64
from focal_conformance.softmax_scales import first_scales, pieces
from focal_conformance.softmax_second_scales import second_scales
from focal_conformance.vectors.case import Alpha


@dataclass(frozen=True, eq=False)
class SoftmaxSet:
    """A named set of rows."""

    kind: str
    logits: Float64
    targets: Float64 | npt.NDArray[np.int64]
    vector: Float64
    classes: list[list[int]]
    flags: list[str]

    @cached_property
    def rows(self) -> Float64:
        """The targets as rows, one-hot ones for class indices."""
        if self.kind == "rows":
            return np.asarray(self.targets, dtype=np.float64)
        return np.asarray(np.eye(self.logits.shape[1])[self.targets])

    @cached_property
    def known(self) -> npt.NDArray[np.bool_]:
        """Where derivatives are stored."""
        known = np.zeros(self.logits.shape, dtype=bool)
        for row, classes in enumerate(self.classes):
            known[row, classes] = True
        return known

    def spread(self, literals: list[list[str]]) -> Float64:
        """Stored derivatives at their classes, nan elsewhere."""
        result = np.full(self.logits.shape, np.nan)
        for row, (classes, numbers) in enumerate(zip(self.classes, literals, strict=True)):
            result[row, classes] = [float.fromhex(number) for number in numbers]
        return result

    def alpha_t(self, alpha: Alpha) -> Float64:
        """sum_c alpha_c t_c of each row; 1 without alpha."""
        if alpha is None:
            return np.ones(len(self.rows))
        return np.asarray((np.asarray(alpha) * self.rows).sum(axis=-1))

    def scale(
        self, exact: dict[str, Float64], alpha: Alpha, gamma: float, soft_targets: str, detach: bool, quantity: str
    ) -> Float64:
        """Scales of a quantity's results; |exact| where that is larger."""
        result = np.abs(exact[quantity])
        if quantity == "value" or self.logits.shape[1] == 1:
            return result
        hard = np.asarray(np.isin(self.rows, (0.0, 1.0)).all(axis=-1))
        for row in np.flatnonzero(~np.isnan(self.logits).any(axis=-1)):
            if quantity == "gradient" and hard[row]:
                continue
            # One class' hard loss: what the expected rule is made of.
            rule = "expected" if hard[row] else soft_targets
            with np.errstate(all="ignore"):
                parts = pieces(self.logits[row], self.rows[row], alpha, gamma)
                if quantity == "gradient":
                    found = first_scales(parts, rule, detach)
                else:
                    found = second_scales(parts, rule, detach, self.vector if quantity == "product" else None)
            result[row] = np.maximum(result[row], np.nan_to_num(found, posinf=0.0))
        return result


def softmax_sets(content: dict[str, Any]) -> dict[str, SoftmaxSet]:
    """All sets of a file by name."""
    logits = {entry["name"]: entry for entry in content["logits"]}
    return {
        entry["name"]: SoftmaxSet(
            kind=entry["target_kind"],
            logits=_array(logits[entry["logits"]]["rows"]),
            targets=(
                np.array(entry["targets"], dtype=np.int64)
                if entry["target_kind"] == "indices"
                else _array(entry["targets"])
            ),
            vector=_array(logits[entry["logits"]]["vector"]),
            classes=entry["classes"],
            flags=entry["flags"],
        )
        for entry in content["points"]
    }


def _array(literals: Any) -> Float64:
    if literals and isinstance(literals[0], list):
        return np.array([[float.fromhex(number) for number in row] for row in literals])
    return np.array([float.fromhex(number) for number in literals])
