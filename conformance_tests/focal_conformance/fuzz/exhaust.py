"""Every one of the 65,536 bit patterns of a half type as a logit."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from focal_conformance.checks.sample import usual_parameters
from focal_conformance.formats import FORMATS
from focal_conformance.fuzz.logits import from_patterns
from focal_conformance.fuzz.truth import Question
from focal_conformance.session import SHORT_GAMMAS, Session
from focal_conformance.vectors.grid import held
from focal_conformance.vectors.load import in_required_range

GAMMAS = (0.0, 0.5, 1.0, 2.0, 2.7, 5.0)
SIZE = 4096
"""Logits a call."""


def half_dtypes(session: Session) -> tuple[str, ...]:
    """Those of the port that can be exhausted."""
    return tuple(dtype for dtype in session.dtypes if FORMATS[dtype].is_half)


def patterns(session: Session, dtype: str) -> Iterator[Question]:
    """All logits with the targets 0 and 1 and six gammas; a row of the softmax loss has a 0 beside the logit.

    At the required level those of its range alone: infinities, nan and huge ones are not judged there.
    """
    fmt = FORMATS[dtype]
    logits = from_patterns(np.arange(1 << 16, dtype=np.uint64), fmt)
    if session.level == "required":
        logits = logits[in_required_range(logits, dtype)]
    usual = usual_parameters(session)
    gammas: tuple[float, ...] = GAMMAS if session.eager else SHORT_GAMMAS
    if session.port.dialect.gamma is None:
        gammas = session.port.dialect.fixed_gamma
    for gamma in gammas:
        parameters = replace(usual, alpha=held(usual.alpha, fmt), gamma=held(gamma, fmt))
        for target in (0, 1):
            for start in range(0, len(logits), SIZE):
                x = logits[start : start + SIZE]
                if session.rows:
                    rows = np.stack([np.zeros_like(x), x], axis=-1)
                    yield Question(session.port.loss, dtype, parameters, rows, np.full(len(x), target))
                else:
                    yield Question(session.port.loss, dtype, parameters, x, np.full(len(x), float(target)))
