"""What a port of a loss of class rows can do: forms of targets, the axis of the classes, one alpha a class."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from focal_conformance.dialect import Dialect
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.ports.matrices import given_matrices
from focal_conformance.probe import Probe

ALPHAS = (0.25, 0.75, 0.5)
LOGITS = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [-2.0, 1.0, 0.5], [0.0, 3.0, -1.0], [2.5, -0.5, 1.0]])
PLANE = (5, 2)
"""Losses of two axes; neither is as long as a row of three classes."""


class RowProbe(Probe):
    """A loss that is one number a row of classes."""

    # A weight of 1 for every class is no weight.
    OFF_SWITCHES = (None, -1.0, -1, 1.0)

    def points(self) -> tuple[Float64, Any]:
        """Five rows of three classes, every class among the targets."""
        return LOGITS, np.arange(5) % 3

    def exact(self, alpha: Any) -> Float64:
        """The reference takes one-hot rows as they are."""
        indices, self.targets = self.targets, np.eye(3)[self.targets]
        try:
            return super().exact(alpha)
        finally:
            self.targets = indices

    def ways(self) -> list[Dialect]:
        """Class indices, then one-hot rows; one number for alpha, then none."""
        ways = self.reducing_ways()
        if self.dialect.targets_form == "both":
            ways = [replace(way, targets_form=form) for way in ways for form in ("indices", "rows")]
        if self.dialect.alpha is None or self.alpha_given:
            return ways
        off = {"alpha": None, "fixed_alpha": (None,)}
        always = {**self.dialect.always, self.dialect.alpha: None}
        return ways + [replace(way, always=always, **off) for way in ways]  # type: ignore[arg-type]

    def learn(self, numbers: Float64) -> str:
        """One number, or whatever: that a result is one number a row is what the checks ask."""
        if numbers.size == 1:
            self.learn_of_one_number(numbers)
        return ""

    def learn_the_rest(self, dtype: str) -> None:
        """Both forms of targets, axes, and alphas, besides what every loss has."""
        scalar = self.dialect.alpha
        super().learn_the_rest(dtype)
        self._learn_forms(dtype)
        self._learn_axes(dtype)
        alpha = self.port.dialect.alpha
        if self.dialect.alpha_by_class is None and alpha is not None:
            trial = replace(self.dialect, alpha_by_class=alpha)
            if self._accepts(trial, lambda: self.numbers(dtype, replace(self.usual(), alpha=ALPHAS))) is not None:
                self.dialect = trial
                self.notes.append("it takes one alpha a class")
            if scalar is None:
                self.notes.append("one number for alpha is not claimed: it refuses 0.25")

    def _learn_forms(self, dtype: str) -> None:
        """Whether the other form is taken, too."""
        first = self.dialect
        other = replace(first, targets_form="rows" if first.targets_form == "indices" else "indices")
        ours = self._accepts(first, lambda: self.numbers(dtype, self.usual()))
        theirs = self._accepts(other, lambda: self.numbers(dtype, self.usual()))
        if ours is None or theirs is None or ours.shape != theirs.shape:
            self.notes.append(f"targets as {other.targets_form} are not claimed: it refuses them")
            return
        self.dialect = replace(first, targets_form="both")
        if not np.allclose(ours, theirs, rtol=1e-2, atol=1e-3):
            self.notes.append(
                "class indices and one-hot rows of the same targets give different numbers; "
                "what a port does not take it should refuse"
            )

    def _learn_axes(self, dtype: str) -> None:
        """Where the classes are among three axes; or that there are two, and the kit lays out the rest."""
        found = {}
        axes = (-1,) if self.dialect.axis is not None else (-1, 1)
        for axis in axes:
            trial = replace(self.dialect, class_axis=axis)
            numbers = self._accepts(trial, lambda: self._plane(dtype))
            if numbers is not None and numbers.shape in ((), PLANE):
                found[axis] = numbers
        if not found:
            # With an axis argument it could be told: what it then refuses, the checks meet.
            if self.dialect.axis is None and self._accepts(self.dialect, lambda: self._plane(dtype)) is None:
                self.port = given_matrices(self.port, self.driver)
                self.notes.append("it takes logits of two axes alone: rows of more axes are given to it as one matrix")
            return
        each = np.resize(self.exact(self.usual().alpha), PLANE)
        wanted: dict[str, Any] = {"none": each, "sum": np.sum(each), "mean": np.mean(each)}
        exact = wanted[self.usual().reduction]

        def distance(axis: int) -> float:
            return float(np.nan_to_num(np.max(np.abs(found[axis] - exact)), nan=np.inf))

        best = min(found, key=distance)
        if best != -1:
            self.notes.append(f"the classes of an image are on axis {best}")
        self.dialect = replace(self.dialect, class_axis=best)

    def _plane(self, dtype: str) -> Float64:
        axis = self.dialect.class_axis
        chosen = np.resize(np.arange(len(self.logits)), PLANE)
        x = self.driver.array(np.moveaxis(FORMATS[dtype].rounded(self.logits[chosen]), -1, axis), dtype)
        indices = self.targets[chosen]
        if self.dialect.targets_form == "rows":
            return self.called(x, self.driver.array(np.moveaxis(np.eye(3)[indices], -1, axis), dtype), self.usual())
        return self.called(x, self.driver.array(indices, "int64"), self.usual())

    def _accepts(self, dialect: Dialect, call: Callable[[], Float64]) -> Float64 | None:
        """What a call gives in another dialect; None where it is refused."""
        before, self.dialect = self.dialect, dialect
        try:
            return call()
        except Exception:  # a refusal is what is looked for
            return None
        finally:
            self.dialect = before

    def arrays(self, dtype: str) -> tuple[Any, Any]:
        """Rows, and targets in the form that is tried."""
        x = self.driver.array(FORMATS[dtype].rounded(self.logits), dtype)
        if self.dialect.targets_form == "rows":
            return x, self.driver.array(np.eye(3)[self.targets], dtype)
        return x, self.driver.array(self.targets, "int64")
