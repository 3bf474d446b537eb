"""Sums, means, weights and masks: their value and their gradient."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from focal_conformance.bounds import bound
from focal_conformance.checks.check import Outcome, agree
from focal_conformance.checks.sample import Sample, sample, usual_dtype
from focal_conformance.dialect import DENOMINATORS, NotClaimed
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.frameworks.driver import NoDerivative
from focal_conformance.report import Point
from focal_conformance.session import Session

SHAPE = (4, 3)
"""Two axes of different length: N, C and N*C are three different denominators."""
REDUCED = ("sum", "mean", "sum_classes", "mean_positives")


@dataclass(frozen=True)
class Expected:
    """A reduced value and its gradient, with tolerances."""

    value: Float64
    gradient: Float64
    value_tolerance: Float64
    gradient_tolerance: Float64


def expected(
    session: Session, points: Sample, reduction: str, factor: Float64, counted: Float64, normalizer: float = 1.0
) -> Expected:
    """From exact losses: ``factor`` is weight times mask, ``counted`` the mask alone, both of their shape."""
    divisor = denominator(session, points, reduction, counted) * (normalizer if reduction == "sum" else 1.0)
    whole = reduction == "none" or (reduction == "sum_classes" and session.rows)

    def combined(elements: Float64) -> Float64:
        if whole:
            return elements
        return np.asarray(np.sum(elements, axis=-1 if reduction == "sum_classes" else None) / divisor)

    of_logits = points.spread(factor)
    return Expected(
        combined(points.value * factor),
        points.gradient * of_logits / divisor,
        combined(points.value_tolerance * np.abs(factor)),
        points.gradient_tolerance * np.abs(of_logits) / divisor,
    )


def denominator(session: Session, points: Sample, reduction: str, counted: Float64) -> float:
    """What the port says that it divides the sum by; NotClaimed for a rule that the checks do not know."""
    if reduction == "mean_positives":
        positive = np.ones(counted.shape) if session.rows else points.targets >= 0.5
        return max(1.0, float(np.sum(counted * positive)))
    rule = session.port.dialect.denominators.get(reduction)
    shape = points.logits.shape
    sizes = {
        None: 1.0,
        "elements": max(1.0, float(np.sum(counted))),
        "all elements": float(counted.size),
        "rows and classes": float(points.logits.size),
        "classes": float(shape[-1]),
        "second axis": float(shape[1]) if len(shape) > 1 else 1.0,
        "inner axes": float(np.prod(shape[2:])) if len(shape) > 2 else float(counted.size),
    }
    if rule not in sizes:
        raise NotClaimed(f"it divides by {DENOMINATORS.get(str(rule), rule)}, which needs class rows")
    return sizes[rule]


def compare(session: Session, outcome: Outcome, points: Sample, parameters: Any, want: Expected, label: str) -> None:
    """Call the port once and judge value and gradient."""
    driver = session.driver
    x, t = session.arrays(points.logits, points.targets, points.dtype)
    function = session.bind(parameters)
    gradient = None
    try:
        result, slope = driver.gradient(function, x, t)
        gradient = session.of_logits(driver.numbers(slope), want.gradient.shape)
    except NoDerivative as reason:
        outcome.unclaimed.append(str(reason))
        if driver.differentiates:
            raise
        result = driver.value(function, x, t)
    value = driver.numbers(result)
    if parameters.reduction == "none":
        value = session.of_losses(value)
        if session.port.dialect.flattens and value.size == want.value.size:
            value = value.reshape(want.value.shape)
    if value.shape != want.value.shape:
        outcome.expect(False, f"{label}: shape {value.shape}, expected {want.value.shape}")
        return
    right = agree(value, want.value, want.value_tolerance)
    outcome.expect(bool(np.all(right)), f"{label}: value {_short(value, right)}, expected {_short(want.value, right)}")
    _judge_digits(session, outcome, points, value, want.value, f"{label}: value")
    if gradient is None:
        return
    right = agree(gradient, want.gradient, want.gradient_tolerance)
    text = f"{label}: gradient {_short(gradient, right)}, expected {_short(want.gradient, right)}"
    outcome.expect(bool(np.all(right)), text)
    _judge_digits(session, outcome, points, gradient, want.gradient, f"{label}: gradient")


def _judge_digits(session: Session, outcome: Outcome, points: Sample, got: Float64, want: Float64, label: str) -> None:
    """The error in ULP: always printed, and bounded at the recommended level.

    All elements have one sign here, so a sum adds no cancellation. A reduced value of half inputs
    may come in float32: its error is said in the wider unit of the inputs.
    """
    fmt, parameters = FORMATS[points.dtype], points.parameters
    with np.errstate(all="ignore"):
        ulp = np.ravel(np.abs(got - want) / fmt.ulp(want))
    worst = int(np.argmax(np.nan_to_num(ulp, nan=np.inf)))
    numbers = (float(np.ravel(want)[worst]), float(np.ravel(got)[worst]), float(ulp[worst]))
    outcome.see(numbers[2], Point("", float("nan"), float("nan"), *numbers))
    if session.level == "recommended":
        limit = bound(session.port.loss, session.backend, "value", points.dtype, parameters.gamma)
        outcome.expect(numbers[2] <= limit, f"{label} off by {numbers[2]:.3g} ULP of {points.dtype}, bound {limit:g}")


def _short(numbers: Float64, right: Any) -> str:
    """The first wrong number; all of them would drown the message."""
    flat, fine = np.ravel(numbers), np.ravel(np.broadcast_to(right, np.shape(numbers)))
    index = int(np.argmin(fine))
    return f"{flat[index]:.7g}"


def claimed(session: Session, candidates: tuple[str, ...]) -> Iterator[str]:
    """Reductions that the dialect has words for."""
    for reduction in candidates:
        try:
            session.port.dialect.keywords(replace(sample(session).parameters, reduction=reduction))
        except NotClaimed:
            continue
        yield reduction


class Reductions:
    """What "sum", "mean" and the others divide by."""

    name, title, level = "reductions", "reductions", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """Each reduction that is claimed, in each dtype."""
        for reduction in claimed(session, REDUCED if session.thorough else ("mean_positives",)):
            for dtype in session.dtypes if session.thorough else (usual_dtype(session),):
                points = sample(session, dtype).shaped(*SHAPE)
                ones = np.ones(SHAPE)
                parameters = replace(points.parameters, reduction=reduction)
                want = expected(session, points, reduction, ones, ones)
                compare(session, outcome, points, parameters, want, f"reduction {reduction!r} in {dtype}")
        if not outcome.judged:
            raise NotClaimed("it has no reduction")


class Normalizer:
    """A sum divided by a given number."""

    name, title, level = "normalizer", "normalizer", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """Smaller and larger than 1: a clamp at 1 shows."""
        if session.port.dialect.normalizer is None:
            raise NotClaimed("it has no normalizer argument")
        points = sample(session).shaped(*SHAPE)
        ones = np.ones(SHAPE)
        if not session.thorough and session.port.dialect.weight is not None:
            _weighted_sum(session, outcome, points)
            return
        for normalizer in (7.0, 0.25):
            parameters = replace(points.parameters, reduction="sum", normalizer=normalizer)
            want = expected(session, points, "sum", ones, ones, normalizer)
            compare(session, outcome, points, parameters, want, f"normalizer {normalizer:g}")


WEIGHT = (1.0 + np.arange(12.0).reshape(SHAPE)) / 4.0


class Weights:
    """Weights multiply element losses and are in no denominator."""

    name, title, level = "weights", "weight argument", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """Of the shape of the logits, and broadcast to it."""
        if session.port.dialect.weight is None:
            flag = "; --argument weight=NAME claims one" if session.port.probed else ""
            raise NotClaimed(f"its dialect claims no weight argument{flag}")
        points = sample(session).shaped(*SHAPE)
        if not session.thorough and session.port.dialect.normalizer is not None:
            _weighted_sum(session, outcome, points)
            return
        for weight in (WEIGHT, WEIGHT[:, :1], WEIGHT[0]):
            factor = np.broadcast_to(weight, SHAPE)
            array = session.driver.array(weight, points.dtype)
            for reduction in claimed(session, ("none", *REDUCED)):
                parameters = replace(points.parameters, reduction=reduction, weight=array)
                want = expected(session, points, reduction, factor, np.ones(SHAPE))
                compare(session, outcome, points, parameters, want, f"weight {weight.shape}, {reduction!r}")


def _weighted_sum(session: Session, outcome: Outcome, points: Sample) -> None:
    """Weight and normalizer in one call: one compilation serves both checks of a compiled mode."""
    weight, normalizer = WEIGHT[:, :1], 0.25
    array = session.driver.array(weight, points.dtype)
    parameters = replace(points.parameters, reduction="sum", normalizer=normalizer, weight=array)
    want = expected(session, points, "sum", np.broadcast_to(weight, SHAPE), np.ones(SHAPE), normalizer)
    compare(session, outcome, points, parameters, want, f"weight {weight.shape} and normalizer {normalizer:g}")


class Masking:
    """What is masked reaches neither value nor gradient, whatever it holds."""

    name, title, level = "masking", "mask argument", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """Masked elements hold nan, infinity and an ignore value; then nothing is left at all."""
        if session.port.dialect.mask is None:
            raise NotClaimed("it has no mask argument")
        points = sample(session).shaped(*SHAPE)
        mask = np.arange(12).reshape(SHAPE) % 3 != 1
        mask[1] = False
        # Element by element, and broadcast along the last axis.
        for counted in (mask, mask[:, :1], np.zeros(SHAPE, dtype=bool)) if session.thorough else (mask,):
            full = np.broadcast_to(counted, SHAPE)
            hidden = _hidden(points, full)
            array = session.driver.array(counted, "bool")
            for reduction in claimed(session, ("none", *REDUCED) if session.thorough else ("mean",)):
                parameters = replace(points.parameters, reduction=reduction, mask=array)
                want = expected(session, points, reduction, full.astype(float), full.astype(float))
                compare(session, outcome, hidden, parameters, want, f"mask {counted.shape}, {reduction!r}")


def _hidden(points: Sample, counted: Any) -> Sample:
    """Where it does not count: logits nan, infinite and plain; targets nan, outside [0, 1] and plain."""
    of_logits = np.broadcast_to(points.spread(counted), points.logits.shape)
    logits = np.where(of_logits, points.logits, np.resize([np.nan, np.inf, 1.0], of_logits.shape))
    if points.targets.ndim < points.logits.ndim:
        return replace(points, logits=logits, targets=np.where(counted, points.targets, -100))
    wrong = np.resize([-100.0, np.nan, 1.0], of_logits.shape)
    return replace(points, logits=logits, targets=np.where(of_logits, points.targets, wrong))
