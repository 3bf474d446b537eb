"""What a port gave for golden points, beside the questions that a formula can answer, too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from focal_conformance.deviations.deviation import Deviation
from focal_conformance.deviations.formula import Contradiction, Questions, evaluate
from focal_conformance.diagnosis.moderate import moderate_parts
from focal_conformance.errors import required_tolerance
from focal_conformance.formats import FORMATS, Float64, FloatFormat
from focal_conformance.session import Session, one_hot_rows
from focal_conformance.vectors.case import Case, case_is_soft
from focal_conformance.vectors.grid import held

Bool = npt.NDArray[np.bool_]
GAMMAS = (0.0, 0.5, 2.0, 2.7)
"""Of other alphas than the usual one; fewer calls, each whole: a mean over a call is a mean over all of it."""
LOOSE = 2.0**-20
"""Relative difference that is none in a first search, whatever the dtype: two codes with one mistake differ by more
than float64's tolerance. A second search is precise."""
MOST_CLASSES = 3
"""Rows of few classes say as much as long ones, and cost less."""


@dataclass(frozen=True, eq=False)
class Asked:
    """Points of one dtype and rule, and what the port gave for them."""

    questions: Questions
    together: Questions | None
    """The same where gradients were asked in calls of many points, and values in calls of one."""
    value: Float64
    """(N,); nan where the port gave nothing."""
    gradient: Float64 | None
    """As the logits; None where it is not claimed or there is none."""
    answered: Bool
    """(N,): values that the port gave."""
    sloped: Bool
    """(N,): gradients that the port gave."""
    known: Bool
    """As the logits: derivatives that are compared; all."""
    alpha_t: Float64
    format: FloatFormat
    names: tuple[str, ...]
    """Id of each point."""

    def answers(self, changes: Sequence[tuple[Deviation, float]]) -> tuple[Float64, Float64]:
        """What a formula gives: losses and gradients; nan where its changes contradict each other."""
        try:
            value, gradient = evaluate(self.questions, changes)
            if self.together is not None and any(deviation.over_batch for deviation, _ in changes):
                gradient = evaluate(self.together, changes)[1]
        except Contradiction:
            return np.full_like(self.value, np.nan), np.full_like(self.questions.logits, np.nan)
        return value, gradient

    def agrees(self, value: Float64, gradient: Float64, coarse: float, precise: bool = False) -> Bool:
        """Which results a formula explains, one bool each: values, then gradients (rows: all classes)."""
        parts = [self._close(self.value, value, self.alpha_t, coarse, precise)[self.answered]]
        if self.gradient is not None:
            wide = self.alpha_t if self.gradient.ndim == 1 else np.broadcast_to(self.alpha_t[:, None], gradient.shape)
            close = self._close(self.gradient, gradient, wide, coarse, precise)
            # Whether a broken gradient is infinite or nan depends on the order of its factors, and in a row a gather
            # breaks one class where a product with one-hot rows breaks all.
            broken, expected = ~np.isfinite(self.gradient), ~np.isfinite(gradient)
            if close.ndim > 1:
                close, broken, expected = np.all(close, axis=-1), np.any(broken, axis=-1), np.any(expected, axis=-1)
            parts.append((close | (broken & expected))[self.sloped])
        return np.concatenate(parts)

    def _close(self, got: Float64, model: Float64, alpha_t: Float64, coarse: float, precise: bool) -> Bool:
        with np.errstate(all="ignore"):
            scale = np.where(np.isfinite(model), np.abs(model), 0.0)
            # Where alpha_t is 0 the tolerance is, too; a deviation may give such a point a weight, rounded.
            size = np.maximum(scale, np.maximum(alpha_t, 1e-3) / 10.0)
            tolerance = required_tolerance(scale, np.maximum(alpha_t, 1e-3), self.format)
            tolerance = np.maximum(tolerance, max(coarse, 0.0 if precise else LOOSE) * size)
            same = (got == model) | (np.isnan(got) & np.isnan(model)) | (np.abs(got - model) <= tolerance)
            # Where a model overflows the format, so does the port.
            return np.asarray(same | (np.isinf(got) & (np.abs(model) > self.format.largest)))

    def distance(self, value: Float64, gradient: Float64) -> float:
        """How far a formula is from the port, robustly: for the estimation of a parameter."""
        pairs = [(self.value[self.answered], value[self.answered])]
        if self.gradient is not None:
            pairs.append((self.gradient[self.sloped].ravel(), gradient[self.sloped].ravel()))
        total = 0.0
        for got, model in pairs:
            with np.errstate(all="ignore"):
                error = np.abs(got - model) / (np.maximum(np.abs(got), 1e-2) * self.format.eps * 64.0)
            both = np.isnan(got) & np.isnan(model) | (got == model)
            total += float(np.sum(np.where(both, 0.0, np.log1p(np.where(np.isfinite(error), error, 1e9)))))
        return total


def gather(session: Session, classes: int = MOST_CLASSES) -> list[Asked]:
    """Everything that can be asked of formulas, from the evaluations that the checks have made."""
    found: list[Asked] = []
    declared = session.port.dialect.soft_targets or "linear"
    for dtype in _dtypes(session):
        cases = list(_cases(session, dtype, classes))
        rules = dict.fromkeys(case.soft_targets for case in cases) if _chooses(session) else (declared,)
        for rule in rules:
            # Hard targets of the plain cases are claimed whatever the rule for soft ones is.
            kinds = (rule,) if _chooses(session) else (rule, "linear")
            mine = [case for case in cases if case.soft_targets in kinds]
            for shape in dict.fromkeys(case.logits.shape[1:] for case in mine):
                asked = _gathered(session, [c for c in mine if c.logits.shape[1:] == shape], rule, dtype)
                if asked is not None:
                    found.append(asked)
    return found


def _chooses(session: Session) -> bool:
    return session.port.dialect.soft_targets_argument is not None


def _dtypes(session: Session) -> tuple[str, ...]:
    """float32 shows an epsilon of 1e-7, float64 one of 1e-12; a port that has halves alone is asked there."""
    wide = tuple(dtype for dtype in session.dtypes if dtype in ("float32", "float64"))
    return wide or session.dtypes[:1]


def _cases(session: Session, dtype: str, classes: int) -> Iterator[Case]:
    gammas = {held(gamma, FORMATS[dtype]) for gamma in GAMMAS}
    for case in session.cases():
        if case.dtype != dtype or not case.ordinary or session.unclaimed(case):
            continue
        if session.rows and not 1 < case.logits.shape[-1] <= classes:
            continue
        if not session.rows and case.plain and case.alpha != 0.25 and case.gamma not in gammas:
            continue
        yield case


def _gathered(session: Session, cases: list[Case], rule: str, dtype: str) -> Asked | None:
    calls: dict[object, int] = {}
    first = first_gammas(session)
    parts = [part for case in cases if (part := _part(session, case, calls, first)) is not None]
    parts += moderate_parts(session, cases, len(calls))
    if not parts:
        return None
    joined = {key: np.concatenate([np.asarray(part[key]) for part in parts]) for key in parts[0]}
    sloped = joined["sloped"].astype(bool)
    fmt = FORMATS[dtype]
    compute = fmt.compute_name if dtype in ("float32", "float64") else "float32"
    questions = Questions(
        joined["logits"], joined["targets"], joined["alpha"], joined["balanced"], joined["gamma"], joined["batch"],
        rule, joined["detach"], joined["first_gamma"], compute,
    )  # fmt: skip
    return Asked(
        questions,
        replace(questions, batch=joined["call"]) if session.single else None,
        joined["value"],
        joined["slope"] if np.any(sloped) else None,
        joined["answered"].astype(bool),
        sloped,
        np.ones(joined["logits"].shape, dtype=bool),
        joined["alpha_t"],
        fmt,
        tuple(joined["names"]),
    )


def _part(
    session: Session, case: Case, calls: dict[object, int], first: dict[object, float]
) -> dict[str, object] | None:
    value = session.evaluate(case, "value").got
    slope = session.evaluate(case, "gradient").got
    if value is None and slope is None:
        return None
    claimed = np.full(len(case.logits), session.claims_soft(case)) | ~case_is_soft(case)
    n, empty = len(case.logits), np.full(len(case.logits), np.nan)
    targets = case.targets
    if case.logits.ndim > 1 and targets.ndim < 2:
        targets = one_hot_rows(targets, case.logits.shape[-1])
    alone = session.single
    key = (case.alpha, case.gamma, case.target_kind, case.detach_modulator, case.logits.shape[1:])
    batch = calls.setdefault(key, len(calls))
    part = {
        "logits": case.logits,
        "targets": targets,
        "alpha": _alpha(case),
        "balanced": np.full(n, case.alpha is not None),
        "gamma": np.full(n, case.gamma),
        "batch": 1e6 * batch + np.arange(n) if alone else np.full(n, batch),
        "call": np.full(n, batch),
        "detach": np.full(n, case.detach_modulator),
        "first_gamma": np.full(n, first.get(_kind(case), case.gamma)),
        "value": empty if value is None else value,
        "slope": np.full(case.logits.shape, np.nan) if slope is None else slope,
        "answered": claimed & (value is not None),
        "sloped": claimed & (slope is not None),
        "alpha_t": case.alpha_t,
        "names": [case.point_id(i) for i in range(n)],
    }
    return {key: np.asarray(values)[claimed] for key, values in part.items()}


def first_gammas(session: Session) -> dict[object, float]:
    """The gamma of the first call of each size and alpha."""
    first: dict[object, float] = {}
    for case in session.evaluated():
        first.setdefault(_kind(case), case.gamma)
    return first


def _kind(case: Case) -> object:
    alpha_and_rule = (case.dtype, case.alpha, case.soft_targets, case.detach_modulator)
    return (*alpha_and_rule, case.ordinary, case.target_kind, case.logits.shape[1:])


def _alpha(case: Case) -> Float64:
    """The weight of each class, or of the positive one; 1 where alpha is off."""
    alpha = 1.0 if case.alpha is None else case.alpha
    if case.logits.ndim == 1:
        return np.full(len(case.logits), alpha)
    return np.broadcast_to(np.asarray(alpha, dtype=np.float64), case.logits.shape).copy()
