"""Errors along the logits, for plots."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.errors import flushed, ulp_errors
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.fuzz.truth import Question, answered
from focal_conformance.report import Curve
from focal_conformance.session import PAIR, SHORT_GAMMAS, Session
from focal_conformance.vectors.grid import held

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)
FARTHEST = 800.0
"""The largest logit: exp(-745) is the smallest float64."""
EACH_SIDE = 45
CLASSES = 3


def error_curves(session: Session) -> list[Curve]:
    """Curves of hard targets, for each dtype and some gammas, as far as the port claims them.

    The exact numbers come from the oracle, or from the reference where python-flint is not installed.
    Where each configuration is compiled anew, the first dtype stands for all.
    """
    gammas = GAMMAS if session.thorough else SHORT_GAMMAS
    dtypes = session.dtypes if session.thorough else session.dtypes[:1]
    return [curve for dtype in dtypes for gamma in gammas for curve in _curves(session, dtype, gamma)]


def logits_of(dtype: str) -> Float64:
    """Dense around 0, ascending, as the dtype holds them."""
    side = np.sinh(np.linspace(0.0, np.arcsinh(FARTHEST), EACH_SIDE + 1))[1:]
    return np.unique(FORMATS[dtype].rounded(np.concatenate([-side, [0.0], side])))


def _curves(session: Session, dtype: str, gamma: float) -> Iterator[Curve]:
    line = logits_of(dtype)
    logits, targets = _points(line, session.rows)
    for alpha in _alphas(session):
        parameters = Parameters(held(alpha, FORMATS[dtype]), held(gamma, FORMATS[dtype]))
        got = _given(session, logits, targets, dtype, parameters)
        if not got:
            continue
        truths = answered(Question(session.port.loss, dtype, parameters, logits, targets))
        for quantity, numbers in got.items():
            exact = truths.value if quantity == "value" else truths.gradient
            for target, part in ((1.0, slice(0, line.size)), (0.0, slice(line.size, None))):
                mine, right = (a if a.ndim == 1 else a[:, 0] for a in (numbers[part], exact[part]))
                shown = _shown(mine, right, dtype)
                ulps, relative = _errors(mine[shown], right[shown], dtype, session.flushes)
                yield Curve(dtype, quantity, gamma, target, line[shown].tolist(), ulps, relative)
        return


def _points(line: Float64, rows: bool) -> tuple[Float64, Float64]:
    """All logits with target 1, then all with target 0; of rows the first class holds the logit, the others 0."""
    both = np.concatenate([line, line])
    if not rows:
        return both, np.repeat([1.0, 0.0], line.size)
    logits = np.zeros((both.size, CLASSES))
    logits[:, 0] = both
    return logits, np.repeat([0, 1], line.size)


def _alphas(session: Session) -> tuple[float | None, ...]:
    """Tried in turn: 0.25 for elements, off for rows, then whatever else the port can be asked."""
    fixed = tuple(alpha for alpha in session.port.dialect.fixed_alpha if isinstance(alpha, float | None))
    return tuple(dict.fromkeys([*fixed, *((None, 0.25) if session.rows else (0.25, None))]))


def _given(
    session: Session, logits: Float64, targets: Float64, dtype: str, parameters: Parameters
) -> dict[str, Float64]:
    """What the port gives; nothing where it claims nothing or raises, which its checks have told."""
    given: dict[str, Float64] = {}
    # One compilation gives both; a port without a gradient is asked again for its values.
    for wanted in (PAIR[:1], PAIR[1:]) if session.thorough else (PAIR, PAIR[:1]):
        if set(wanted) <= set(given):
            continue
        try:
            results = session.results(logits, targets, dtype, parameters, *wanted)
            given |= dict(zip(wanted, results, strict=True))
        except NotClaimed:
            return {}
        except Exception:  # a plot has no place for it; the check that met it says what was raised
            continue
    return given


def _shown(got: Float64, exact: Float64, dtype: str) -> npt.NDArray[np.bool_]:
    """Results below the smallest normal number have no relative error to speak of, but may be nan."""
    return np.asarray((np.abs(exact) >= FORMATS[dtype].smallest_normal) | ~np.isfinite(got))


def _errors(got: Float64, exact: Float64, dtype: str, flushes: bool) -> tuple[list[float], list[float]]:
    fmt = FORMATS[dtype]
    with np.errstate(all="ignore"):
        ulps = ulp_errors(got, exact, np.abs(exact), fmt)
        ulps = np.where(flushed(got, exact, fmt) & flushes, 0.0, ulps)
        relative = np.where(got == exact, 0.0, np.abs(got - exact) / np.abs(exact))
    return _short(ulps), _short(relative)


def _short(numbers: Float64) -> list[float]:
    """Three digits: a plot shows no more."""
    return [float(f"{number:.3g}") for number in numbers]
