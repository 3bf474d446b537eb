"""One mutant, verified: whether it is caught, by which checks, at which level, and whether it is named."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from focal_conformance.deviations import CATALOGUE
from focal_conformance.engine import verify
from focal_conformance.mutants.names import UNCHANGED, Mutation, mutations
from focal_conformance.mutants.selection import RIGHT, Trial
from focal_conformance.ports.port import Options
from focal_conformance.report import CONFORMS, FAILED, LEVELS, Cause, Report

NEAR = 0.1
"""How far an estimated parameter may be off, relative."""


@dataclass
class Result:
    """What came of it."""

    trial: Trial
    level: str = ""
    """Level at which it was caught; nothing: it was not."""
    checks: list[str] = field(default_factory=list)
    """That fail on it, and pass on the port that it changes."""
    answer: list[str] = field(default_factory=list)
    """Deviations of the first answer, with their parameters."""
    named: bool = False
    """Whether the first answer is right."""
    error: str = ""
    """Why the port could not be run."""
    seconds: float = 0.0

    @property
    def fine(self) -> bool:
        """Caught and named; of a right port neither."""
        if self.trial.kind == RIGHT:
            return not self.error and not self.level and not self.answer
        return not self.error and bool(self.level) and self.named


def tried(trial: Trial) -> Result:
    """Verify a port at the required level, a mutant that conforms there at the recommended one."""
    result = Result(trial)
    right = trial.kind == RIGHT
    for level in LEVELS[:1] if right else LEVELS:
        report = _verified(trial, level)
        result.seconds += report.seconds
        result.error = report.error
        failed = [check.check for check in report.checks if check.verdict == FAILED]
        result.checks = [name for name in failed if right or name not in _fails_unchanged(trial.loss, level)]
        if report.error or result.checks:
            break
    if result.checks:
        result.level = level
        causes = report.diagnosis.causes if report.diagnosis else []
        if causes:
            result.answer = _told(causes[0])
            result.named = not right and names(causes[0], mutations(trial.name))
    return result


def names(answer: Cause, expected: tuple[Mutation, ...]) -> bool:
    """Whether an answer is exactly what a mutant does, or what no port can tell from it."""
    left = list(answer.deviations)
    for mutation in expected:
        same = next((name for name in left if _same(name, mutation.deviation.name)), None)
        if same is None:
            return False
        left.remove(same)
        parameter = mutation.deviation.parameter
        if parameter is None or same != mutation.deviation.name:
            continue
        estimate = answer.parameters.get(parameter.name, np.nan)
        if not abs(estimate - mutation.value) <= NEAR * abs(mutation.value):
            return False
    return not left


def _same(name: str, expected: str) -> bool:
    return name == expected or expected in CATALOGUE[name].same or name in CATALOGUE[expected].same


def _told(cause: Cause) -> list[str]:
    numbers = [f"{name}={value:.4g}" for name, value in cause.parameters.items()]
    return [*cause.deviations, *numbers]


def _verified(trial: Trial, level: str) -> Report:
    # A mutant may leave NumPy's settings changed; the process goes on with the next.
    connectable = trial.name if trial.kind == RIGHT else f"mutant:{trial.name}"
    with np.errstate():
        return verify(connectable, level=level, options=Options(loss=trial.loss, framework=trial.framework or None))


@lru_cache
def _fails_unchanged(loss: str, level: str) -> frozenset[str]:
    """Checks that the port which mutants change fails itself: none at the required level."""
    report = verify(f"mutant:{UNCHANGED}", level=level, options=Options(loss=loss), diagnosis=False)
    if level == LEVELS[0] and report.exit_code != CONFORMS:
        raise AssertionError(f"the port that mutants change does not conform for {loss}")
    return frozenset(check.check for check in report.checks if check.verdict == FAILED)
