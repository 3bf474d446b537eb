"""From a failing point to the smallest one that still fails, by Hypothesis.

Each part of the point is drawn from simpler numbers and itself; Hypothesis moves each towards the
front of its list as long as the point fails.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from focal_conformance.checks.check import Outcome
from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.formats import FORMATS, FloatFormat
from focal_conformance.fuzz.ask import cases_of, judged
from focal_conformance.fuzz.case import RandomCase
from focal_conformance.fuzz.simpler import (
    simpler_alphas,
    simpler_gammas,
    simpler_numbers,
    simpler_shares,
    simpler_targets,
)
from focal_conformance.fuzz.truth import Question, answered
from focal_conformance.session import PAIR, Session, case_parameters

MOST_CALLS = 600
"""Of a port, for one failure."""
KEPT = 4
"""How much likelier a part is drawn as it is than simpler: the first example must fail."""


def shrunk(session: Session, case: RandomCase, row: int, quantity: str) -> tuple[Outcome, RandomCase] | None:
    """The smallest failing point that was found and what its judgement is; None if it fails no more alone."""
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.errors import NoSuchExample

    calls = 0
    found: dict[str, tuple[Outcome, RandomCase]] = {}

    def fails(question: Question | None) -> bool:
        nonlocal calls
        if question is None:
            return False
        name = _name(question)
        if name in found:
            return True
        calls += 1
        if calls > MOST_CALLS:
            return False
        outcome = failure(session, question, quantity)
        if outcome is None:
            return False
        found[name] = outcome
        return True

    quick = settings(
        max_examples=MOST_CALLS,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    question = _question(case, row)
    if not fails(question):
        return None
    try:
        smallest = find(_points(session, question), fails, settings=quick, random=random.Random(0))
    except NoSuchExample:
        return found[_name(question)]
    return found[_name(smallest)]


def failure(session: Session, question: Question, quantity: str) -> tuple[Outcome, RandomCase] | None:
    """The judgement of one point, if it is one of failure; an error of the port is no wrong number."""
    try:
        (case,) = cases_of(question, answered(question))
    except (ArithmeticError, ValueError):
        return None
    outcomes = {each: Outcome() for each in PAIR}
    try:
        judged(session, case, outcomes)
    except NotClaimed:
        return None
    outcome = outcomes[quantity]
    return (outcome, case) if any(point is not None for _, _, point in outcome.failures) else None


def _question(case: RandomCase, row: int) -> Question:
    one = slice(row, row + 1)
    return Question(case.loss, case.dtype, case_parameters(case), case.logits[one], case.targets[one])


def _name(question: Question) -> str:
    numbers = (question.logits.tolist(), question.targets.tolist())
    parameters = question.parameters
    return repr((numbers, parameters.alpha, parameters.gamma, parameters.soft_targets, parameters.detach_modulator))


def _points(session: Session, question: Question) -> Any:
    """A Hypothesis strategy of points between the simplest and this one."""
    from hypothesis import strategies as st

    fmt = FORMATS[question.dtype]
    compiled = not session.eager

    @st.composite
    def points(draw: Callable[[Any], Any]) -> Question | None:
        def between(simpler: list[Any], own: Any) -> Any:
            return draw(st.sampled_from([*simpler, *[own] * (KEPT * len(simpler) + 1)]))

        parameters = question.parameters
        # Each set of parameters would be compiled anew.
        if not compiled:
            parameters = _parameters(session, parameters, fmt, between)
        if question.logits.ndim > 1:
            return _row(question, parameters, fmt, between, compiled)
        own_x, own_t = float(question.logits[0]), float(question.targets[0])
        x = between(simpler_numbers(own_x, fmt), own_x)
        t = between(simpler_targets(x, own_x, own_t, fmt), own_t)
        return replace(question, parameters=parameters, logits=np.array([x]), targets=np.array([t]))

    return points()


def _parameters(
    session: Session, own: Parameters, fmt: FloatFormat, between: Callable[[list[Any], Any], Any]
) -> Parameters:
    dialect, compute = session.port.dialect, FORMATS[fmt.compute_name]
    if dialect.gamma is not None:
        own = replace(own, gamma=between(simpler_gammas(own.gamma, compute), own.gamma))
    if dialect.alpha is not None and not isinstance(own.alpha, tuple):
        own = replace(own, alpha=between(simpler_alphas(own.alpha, compute, bool(dialect.alpha_off)), own.alpha))
    return replace(own, detach_modulator=between([False], True)) if own.detach_modulator else own


def _row(
    question: Question,
    parameters: Parameters,
    fmt: FloatFormat,
    between: Callable[[list[Any], Any], Any],
    compiled: bool,
) -> Question | None:
    """A row with fewer classes, simpler logits and simpler shares; the class of the largest share stays."""
    x, t = question.logits[0], question.targets[0]
    indexed = question.targets.ndim == 1
    top = int(t) if indexed else int(np.argmax(t))
    kept = [c for c in range(x.size) if c == top or compiled or between([False], True)]
    if len(kept) == 1:
        return None
    logits = np.array([between(simpler_numbers(float(x[c]), fmt), float(x[c])) for c in kept])
    if isinstance(parameters.alpha, tuple):
        parameters = replace(parameters, alpha=tuple(parameters.alpha[c] for c in kept))
    if indexed:
        targets = np.array([kept.index(top)])
    else:
        shares = np.array([between([0.0, fmt.eps, *simpler_shares(float(t[c]), fmt)], float(t[c])) for c in kept])
        shares[kept.index(top)] = 0.0
        # Multiples of the spacing below 1 and the rest to 1: exact.
        shares[kept.index(top)] = 1.0 - shares.sum()
        targets = shares[None]
        if shares.min() < 0.0:
            return None
    return replace(question, parameters=parameters, logits=logits[None], targets=targets)
