"""The batches of a run: each has a generator of its own, so that any part of a run can be had alone."""

from collections.abc import Iterator

import numpy as np

from focal_conformance.formats import FORMATS
from focal_conformance.fuzz.logits import random_logits
from focal_conformance.fuzz.parameters import random_parameters
from focal_conformance.fuzz.rows import CLASSES, random_indices, random_rows, random_soft_rows
from focal_conformance.fuzz.targets import random_targets
from focal_conformance.fuzz.truth import Question
from focal_conformance.session import COMPILED_ROWS, COMPILED_SIZE, Session

COMPILED_CLASSES = (3,)
"""Each number of classes is compiled anew."""
FEWEST_SETS, FEWEST_POINTS = 128, 8
"""Sets of parameters of a run, and points of a set: a short run has few of both."""


def batches(session: Session, dtype: str, count: int, seed: int) -> Iterator[Question]:
    """``count`` points of a dtype, up to 256 to a set of parameters, rows 64; fewer where they are few."""
    size = COMPILED_ROWS if session.rows else COMPILED_SIZE
    if session.eager:
        size = min(size, max(FEWEST_POINTS, count // FEWEST_SETS))
    for number, start in enumerate(range(0, count, size)):
        yield _batch(session, dtype, min(size, count - start), seed, number)


def _batch(session: Session, dtype: str, count: int, seed: int, number: int) -> Question:
    fmt = FORMATS[dtype]
    generator = np.random.Generator(np.random.PCG64([seed, fmt.bits, int(session.rows), number]))
    few = not session.eager
    classes = int(generator.choice(COMPILED_CLASSES if few else CLASSES)) if session.rows else 0
    parameters = random_parameters(session, fmt, generator, number, classes)
    # Beyond the range of the required level nothing is judged there.
    ordinary = session.level == "required"
    dialect = session.port.dialect
    soft = dialect.soft_targets is not None or dialect.soft_targets_argument is not None
    if not session.rows:
        logits = random_logits(fmt, parameters.gamma, generator, count, ordinary=ordinary)
        targets = random_targets(logits, fmt, generator, soft=soft, subnormal=not session.flushes)
        return Question(session.port.loss, dtype, parameters, logits, targets)
    logits = random_rows(fmt, parameters.gamma, generator, count, classes, ordinary=ordinary)
    soft = soft and dialect.targets_form != "indices" and bool(generator.random() < 0.5)
    if soft:
        return Question(session.port.loss, dtype, parameters, logits, random_soft_rows(logits, fmt, generator))
    return Question(session.port.loss, dtype, parameters, logits, random_indices(logits, generator))
