"""Rows of the specification that some ports have arguments for: class indices, ignore_index, alpha a class, axis."""

from dataclasses import replace
from typing import Any

import numpy as np

from focal_conformance.checks.check import Outcome, agree
from focal_conformance.checks.reductions import REDUCED, SHAPE, claimed, compare, expected
from focal_conformance.checks.sample import ARRAYS, Sample, sample, usual_dtype
from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.formats import FORMATS
from focal_conformance.session import Session
from focal_conformance.vectors.grid import held
from focal_ref import LOSSES, smooth_targets

IGNORED = -100


class ClassIndices:
    """An index is the one-hot row; the number of classes is a row without positives."""

    name, title, level = "class_indices", "class indices as targets", "required"

    def applies(self, session: Session) -> bool:
        """Losses of rows have them among their golden points."""
        return not session.rows

    def run(self, session: Session, outcome: Outcome) -> None:
        """Each row has at most one positive; one row is background."""
        if not session.port.dialect.class_indices:
            flag = "; --class-indices claims them" if session.port.probed else ""
            raise NotClaimed(f"its dialect claims no class indices{flag}")
        points = _indexed(session)
        for reduction in claimed(session, ("none", *REDUCED)):
            ones = np.ones(SHAPE)
            want = expected(session, points, reduction, ones, ones)
            by_index = replace(points, targets=_indices(points))
            parameters = replace(points.parameters, reduction=reduction)
            compare(session, outcome, by_index, parameters, want, f"class indices, {reduction!r}")


class IgnoreIndex:
    """A target that equals ignore_index is not there at all."""

    name, title, level = "ignore_index", "ignore_index argument", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """Value, gradient and denominators of what is left, whatever logits are ignored."""
        dialect = session.port.dialect
        if dialect.ignore_index is None:
            raise NotClaimed("it has no ignore_index argument")
        points = sample(session).shaped(*SHAPE)
        if _one_hot(points):
            raise NotClaimed("targets as rows hold no ignore_index")
        if not session.rows and dialect.class_indices and not dialect.integer_targets:
            raise NotClaimed("it ignores class indices only")
        kept = np.arange(12).reshape(SHAPE) % 4 != 1
        reductions = tuple(claimed(session, ("none", *REDUCED)))
        self._judge(session, outcome, points, kept, reductions)
        if session.thorough:
            # The number is the caller's; of nothing the mean is 0; a weight is not looked up for what is ignored.
            means = tuple(name for name in reductions if name in ("none", "mean"))
            self._judge(session, outcome, points, kept, means, index=255)
            self._judge(session, outcome, points, np.zeros(SHAPE, dtype=bool), means)
            if session.rows and dialect.alpha_by_class is not None and points.parameters.alpha is None:
                self._judge(session, outcome, _weighted(points), kept, means)

    def _judge(
        self,
        session: Session,
        outcome: Outcome,
        points: Sample,
        kept: Any,
        reductions: tuple[str, ...],
        index: int = IGNORED,
    ) -> None:
        of_logits = np.broadcast_to(points.spread(kept), points.logits.shape)
        targets = np.where(kept, points.targets, index)
        # Fully padded rows of an attention give nan, and are what ignore_index is there for.
        hidden = replace(points, targets=targets, logits=np.where(of_logits, points.logits, np.nan))
        for reduction in reductions:
            parameters = replace(points.parameters, reduction=reduction, ignore_index=index)
            want = expected(session, points, reduction, kept.astype(float), kept.astype(float))
            left = "nothing left" if not kept.any() else f"alpha {parameters.alpha}"
            compare(session, outcome, hidden, parameters, want, f"ignore_index {index}, {left}, {reduction!r}")


class AlphaPerClass:
    """One alpha a class: column by column the loss with that alpha; of rows with more axes in front."""

    name, title, level = "alpha_by_class", "one alpha a class", "required"
    ALPHAS = (0.0, 0.25, 0.75, 1.0)

    def run(self, session: Session, outcome: Outcome) -> None:
        """Four columns of golden points with four alphas; rows times the alpha of their class."""
        if session.port.dialect.alpha_by_class is None:
            raise NotClaimed("it has no alpha for each class")
        if session.rows:
            self._rows(session, outcome)
            return
        dtype = usual_dtype(session)
        columns = [sample(session, dtype, Parameters(alpha, 2.0)).shaped(6) for alpha in self.ALPHAS]
        stacked = {name: np.stack([getattr(column, name) for column in columns], axis=-1) for name in ARRAYS}
        points = Sample(dtype, columns[1].parameters, **stacked)
        alphas = tuple(held(alpha, FORMATS[dtype]) for alpha in self.ALPHAS)
        for reduction in claimed(session, ("none", "sum", "mean")):
            ones = np.ones(points.value.shape)
            want = expected(session, points, reduction, ones, ones)
            parameters = replace(points.parameters, alpha=alphas, reduction=reduction)
            compare(session, outcome, points, parameters, want, f"alpha {alphas}, {reduction!r}")

    def _rows(self, session: Session, outcome: Outcome) -> None:
        """The golden rows are matrices: here are more axes, and the denominators of means."""
        points = sample(session).shaped(*SHAPE)
        if points.parameters.alpha is not None:
            raise NotClaimed("its alpha cannot be switched off")
        points = _weighted(points)
        for reduction in claimed(session, ("none", "mean")):
            ones = np.ones(SHAPE)
            want = expected(session, points, reduction, ones, ones)
            parameters = replace(points.parameters, reduction=reduction)
            compare(session, outcome, points, parameters, want, f"alpha {parameters.alpha}, {reduction!r}")


class ClassAxis:
    """The class axis may be another than the last one."""

    name, title, level = "axis", "axis argument", "required"

    def applies(self, session: Session) -> bool:
        """Only a loss of rows has such an axis."""
        return session.rows

    def run(self, session: Session, outcome: Outcome) -> None:
        """Classes in front of two other axes, as images have them."""
        dialect, driver = session.port.dialect, session.driver
        if dialect.axis is None:
            raise NotClaimed("it has no axis argument")
        points = sample(session).shaped(*SHAPE)
        x = driver.array(np.moveaxis(points.logits, -1, 1), points.dtype)
        rows = points.targets.ndim == points.logits.ndim
        targets = np.moveaxis(points.targets, -1, 1) if rows else points.targets
        t = driver.array(targets, points.dtype if rows else "int64")
        function = session.bind(replace(points.parameters, axis=1))
        value, slope = driver.gradient(function, x, t)
        got = driver.numbers(value)
        got = np.sum(got, axis=1) if dialect.keeps_class_axis else got
        fine = got.shape == points.value.shape and bool(np.all(agree(got, points.value, points.value_tolerance)))
        outcome.expect(fine, f"axis=1: wrong values, of shape {got.shape}")
        gradient = np.moveaxis(driver.numbers(slope), 1, -1)
        right = agree(gradient, points.gradient, points.gradient_tolerance)
        outcome.expect(bool(np.all(right)), "axis=1: wrong gradient")


class LabelSmoothing:
    """Labels that the port smooths itself are soft targets like any other."""

    name, title, level = "label_smoothing", "label smoothing", "required"
    EPSILON = 0.125

    def applies(self, session: Session) -> bool:
        """A port without the argument smooths nothing."""
        return session.port.dialect.label_smoothing is not None

    def run(self, session: Session, outcome: Outcome) -> None:
        """Against the reference, at targets smoothed before it."""
        dialect = session.port.dialect
        rule = dialect.smoothed_targets or dialect.soft_targets
        if rule is None:
            raise NotClaimed("its documentation says nothing of soft targets")
        points = sample(session)
        targets = points.targets
        if targets.ndim < points.logits.ndim:
            targets = np.eye(points.logits.shape[-1])[targets]
        classes = points.logits.shape[-1] if session.rows else 2
        soft = smooth_targets(targets, self.EPSILON, num_classes=classes)
        parameters = replace(points.parameters, label_smoothing=self.EPSILON)
        loss = LOSSES[session.port.loss](alpha=parameters.alpha, gamma=parameters.gamma, soft_targets=rule)  # type: ignore[call-arg]
        for quantity in ("value", "gradient") if session.has_gradient else ("value",):
            want = getattr(loss, quantity)(points.logits, soft)
            (got,) = session.results(points.logits, points.targets, points.dtype, parameters, quantity)
            tolerance = 0.01 * np.abs(want) + 1e-3
            text = (
                f"{quantity} with label_smoothing={self.EPSILON} is not that of smoothed targets by the rule {rule!r}"
            )
            outcome.expect(bool(np.all(agree(got, want, tolerance))), text)


def _weighted(points: Sample) -> Sample:
    """Rows with one alpha a class: of hard targets it is a factor."""
    alphas = np.array((0.25, 0.75, 0.5))
    factor = points.targets @ alphas if _one_hot(points) else alphas[points.targets]
    names = [name for name in ARRAYS if name not in ("logits", "targets")]
    fields = {
        name: getattr(points, name) * (factor if name.startswith("value") else factor[..., None]) for name in names
    }
    return replace(points, parameters=replace(points.parameters, alpha=tuple(alphas.tolist())), **fields)


def _one_hot(points: Sample) -> bool:
    return points.targets.ndim == points.logits.ndim > points.value.ndim


def _indexed(session: Session) -> Sample:
    """Golden points in rows of three with at most one positive; one row has none."""
    points = sample(session)
    positive, negative = (np.flatnonzero(points.targets == t) for t in (1.0, 0.0))
    negatives = np.resize(negative, SHAPE)
    for row in range(SHAPE[0] - 1):
        negatives[row, (row + 1) % SHAPE[1]] = positive[row % len(positive)]
    return Sample(points.dtype, points.parameters, **{name: getattr(points, name)[negatives] for name in ARRAYS})


def _indices(points: Sample) -> Any:
    """The column of the positive in each row, the number of columns where there is none."""
    return np.where(
        np.any(points.targets == 1.0, axis=-1), np.argmax(points.targets, axis=-1), points.targets.shape[-1]
    )


SPEC_CHECKS = (ClassIndices(), IgnoreIndex(), AlphaPerClass(), ClassAxis(), LabelSmoothing())
