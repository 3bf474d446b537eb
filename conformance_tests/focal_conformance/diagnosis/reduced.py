"""Which deviations of a reduction reproduce what a port gave."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from focal_conformance.checks.reductions import SHAPE, WEIGHT, denominator
from focal_conformance.checks.sample import ARRAYS, Sample, sample
from focal_conformance.deviations import REDUCED, Reduction
from focal_conformance.deviations.reductions import Batch
from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.formats import Float64
from focal_conformance.session import Session

CLOSE = 1e-4
IGNORED = -100
ORDER = np.array([0, 2, 4, 1, 6, 8, 3, 10, 12, 14, 5, 16])
"""Of sample points, which alternate: among as many positives as negatives their number is the sum of alpha_t."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One call with a reduction, and what it gave."""

    needs: str
    reduction: str
    batch: Batch
    right: float | None
    """What the port's own declaration says; None where it declares nothing that a number could show."""
    got: Float64


def reduced(session: Session) -> dict[str, tuple[Reduction, Trial]]:
    """Deviations of the reductions, by name, with the call that shows each."""
    found: dict[str, tuple[Reduction, Trial]] = {}
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in _trials(session):
        groups.setdefault((trial.needs, trial.reduction), []).append(trial)
    for (needs, reduction), trials in groups.items():
        wrong = [t for t in trials if t.right is None or t.got.ndim or not _close(t.got, t.right)]
        if not wrong:
            continue
        for deviation in REDUCED.values():
            meant = deviation.needs == needs and deviation.reduction == reduction
            # It must explain what is right, too: a clamp at 1 shows below 1 alone.
            if meant and session.port.loss in deviation.losses and all(_explained(deviation, t) for t in trials):
                found.setdefault(deviation.name, (deviation, wrong[0]))
                break
    return found


def _explained(deviation: Reduction, trial: Trial) -> bool:
    return _close(trial.got, deviation.reduces(trial.batch))


def _close(got: Float64, model: Any) -> bool:
    model = np.asarray(model, dtype=np.float64)
    return bool(got.shape == model.shape and np.allclose(got, model, rtol=CLOSE, atol=1e-9))


def _trials(session: Session) -> Iterator[Trial]:
    points = _uneven(sample(session)).shaped(*SHAPE)
    losses = _elements(session, points)
    if losses is None:
        return
    ones = np.ones(SHAPE)
    # Of rows every row is a positive; alpha_t is the ratio of exact losses with and without alpha.
    positive = ones if session.rows else points.targets
    asked_for = points.parameters.alpha
    alpha = asked_for if isinstance(asked_for, float) else 1.0
    alpha_t = ones * alpha if session.rows else alpha * points.targets + (1.0 - alpha) * (1.0 - points.targets)
    classes = points.logits.shape[-1] if session.rows else 1
    batch = Batch(losses, ones, ones, np.asarray(alpha_t), positive, 1.0, classes)
    if session.single and session.port.dialect.reduction is None:
        names: tuple[str, ...] = (session.port.dialect.returns,)
    else:
        names = ("sum", "mean", "none")
    for reduction in names:
        yield from _trial(session, points, "", reduction, batch, {})
    for normalizer in (0.25, 7.0):
        yield from _trial(
            session, points, "normalizer", "sum", replace(batch, normalizer=normalizer), {"normalizer": normalizer}
        )
    weighted = replace(batch, weight=np.broadcast_to(WEIGHT, SHAPE))
    for reduction in ("sum", "mean"):
        if session.port.dialect.weight is not None:
            array = session.driver.array(WEIGHT, points.dtype)
            yield from _trial(session, points, "weight", reduction, weighted, {"weight": array})
    counted = np.arange(12).reshape(SHAPE) % 3 != 1
    some = replace(batch, counted=counted.astype(np.float64))
    for reduction in ("sum", "mean"):
        if session.port.dialect.mask is not None:
            array = session.driver.array(counted, "bool")
            yield from _trial(session, points, "ignored", reduction, some, {"mask": array})
        if session.port.dialect.ignore_index is not None and np.shape(points.targets) == SHAPE:
            hidden = replace(points, targets=np.where(counted, points.targets, IGNORED))
            yield from _trial(session, hidden, "ignored", reduction, some, {"ignore_index": IGNORED})


def _uneven(points: Sample) -> Sample:
    """More positives than negatives."""
    arrays = {name: getattr(points, name)[ORDER % len(points.logits)] for name in ARRAYS}
    return replace(points, **arrays)


def _trial(
    session: Session, points: Sample, needs: str, reduction: str, batch: Batch, arguments: dict[str, Any]
) -> Iterator[Trial]:
    parameters = replace(points.parameters, reduction=reduction, **arguments)
    try:
        got = _called(session, points, parameters)
        divisor = denominator(session, points, reduction, batch.counted)
    except NotClaimed:
        return
    except Exception:  # what a port raises, the checks have met and reported
        return
    right = None if reduction == "none" else batch.total / divisor / batch.normalizer
    dialect = session.port.dialect
    declared_shape = dialect.flattens or dialect.element_axes != "all" or dialect.keeps_class_axis
    if reduction == "none" and (got.shape == SHAPE or declared_shape):
        return
    yield Trial(needs, reduction, batch, right, got)


def _called(session: Session, points: Sample, parameters: Parameters) -> Float64:
    x, t = session.arrays(points.logits, points.targets, points.dtype)
    numbers = session.driver.numbers(session.driver.value(session.bind(parameters), x, t))
    return session.of_losses(numbers) if parameters.reduction == "none" else numbers


def _elements(session: Session, points: Sample) -> Float64 | None:
    """The port's own losses, right or wrong: only what is done to them is looked at here."""
    flat_targets = points.targets.reshape((-1, *points.targets.shape[2:]))
    flat_logits = points.logits.reshape((12, *points.logits.shape[2:]))
    try:
        # One by one: a port whose 'none' reduces shows its elements so.
        alone = [
            session.results(flat_logits[i : i + 1], flat_targets[i : i + 1], points.dtype, points.parameters, "value")[
                0
            ]
            for i in range(len(flat_logits))
        ]
    except Exception:  # a port without losses of its own elements has none to compare with
        return None
    values = np.concatenate(alone)
    return values.reshape(SHAPE)
