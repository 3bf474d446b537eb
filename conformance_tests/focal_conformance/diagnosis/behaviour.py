"""Deviations that no single element shows: reductions, arguments, conduct."""

import re

from focal_conformance.deviations import CONDUCTS, Conduct
from focal_conformance.deviations.deviation import Deviation
from focal_conformance.diagnosis.explain import source_line
from focal_conformance.diagnosis.reduced import Trial, reduced
from focal_conformance.report import FAILED, Cause, CheckResult, Report
from focal_conformance.session import Session

REDUCTION_CHECKS = ("reductions", "normalizer", "weights", "masking", "ignore_index", "class_indices", "result_kind")
"""Checks that a wrong reduction fails."""


def behaviours(session: Session, report: Report) -> list[Cause]:
    """What the failing checks and a few calls more say."""
    failed = {check.check: check for check in report.checks if check.verdict == FAILED}
    causes: list[Cause] = []
    if failed.keys() & set(REDUCTION_CHECKS):
        for deviation, trial in reduced(session).values():
            causes.append(_cause(deviation, session, _shown(trial)))
    for conduct in CONDUCTS.values():
        evidence = _evidence(conduct, failed)
        if evidence and session.port.loss in conduct.losses and not (conduct.alone and causes):
            causes.append(_cause(conduct, session, evidence))
    return causes


def _evidence(conduct: Conduct, failed: dict[str, CheckResult]) -> str:
    """What a failed check says of a conduct; nothing where it says nothing of it."""
    if not conduct.says:
        texts = [] if conduct.check not in failed else failed[conduct.check].failures
        return next((f"{conduct.check}: {text}" for text in texts if not text.startswith("raised")), "")
    # An exception for a write in place is raised in whatever check comes first.
    checks = failed.values() if "inplace" in conduct.says else filter(None, [failed.get(conduct.check)])
    for check in checks:
        for text in check.failures:
            if re.search(conduct.says, text):
                return f"{check.check}: {text}"
    return ""


def _cause(deviation: Deviation, session: Session, evidence: str) -> Cause:
    line = source_line(session.port, deviation.written) if deviation.written else ""
    return Cause(
        deviations=[deviation.name],
        sentence=deviation.sentence,
        change=f"{line}  ->  {deviation.change}" if line else deviation.change,
        separates=evidence,
        links=list(deviation.links),
    )


def _shown(trial: Trial) -> str:
    expected = "" if trial.right is None else f", its declaration says {trial.right:.9g}"
    what = f"with {trial.needs}, " if trial.needs else ""
    shape = f"of shape {trial.got.shape}" if trial.got.ndim else f"{float(trial.got):.9g}"
    return f"{what}reduction {trial.reduction!r} of losses of shape {trial.batch.losses.shape}: {shape}{expected}"
