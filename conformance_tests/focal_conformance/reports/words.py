"""What all reports say in the same words."""

import re

from focal_conformance.report import (
    DIFFERENCE,
    FAILED,
    KNOWN,
    NOT_CLAIMED,
    PASSED,
    Cause,
    CheckResult,
    Diagnosis,
    Report,
)

SURROUNDINGS = ("focal-ref", "python", "machine", "threads")
"""Versions that are never the port's own."""
LEVEL_WORDS = {"required": "training goes wrong otherwise", "recommended": "full relative accuracy"}
SIGNS = {
    "passed": "✓",
    "failed": "✗",
    "not claimed": "·",
    "known failure": "≈",
    "conforms": "✓",
    "conforms but for known failures": "≈",
    "does not conform": "✗",
    "cannot be run": "✗",
    "wrong use": "✗",
}
"""Of the verdicts of checks and of ports; the word always stands beside it."""


CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""What a port may put into its messages, and what would move a cursor, turn text around or end a file."""


def printable(text: str) -> str:
    """Text with the replacement character for what is not there to be read."""
    return CONTROLS.sub("\ufffd", text)


def ulp_text(ulp: float | None) -> str:
    """Largest error, short."""
    if ulp is None:
        return ""
    return f"{ulp:.2f}" if ulp < 1e4 else f"{ulp:.1e}"


def failing(report: Report) -> list[CheckResult]:
    """The checks that failed."""
    return [check for check in report.checks if check.verdict == FAILED]


def failed_checks(report: Report) -> list[str]:
    """Names of the checks that failed."""
    return [check.check for check in failing(report)]


def known(report: Report) -> list[CheckResult]:
    """The checks that fail as a file of known failures says they do."""
    return [check for check in report.checks if check.verdict == KNOWN]


def own_version(report: Report) -> str:
    """Version of the package that the port comes from: its own first, the framework's otherwise."""
    for name, version in report.versions.items():
        if name not in SURROUNDINGS:
            return f"{name} {version}"
    return ""


def counts(report: Report) -> str:
    """How many checks of each verdict."""
    words = {PASSED: "passed", FAILED: "failed", KNOWN: "known to fail", NOT_CLAIMED: "not claimed"}
    numbers = {verdict: sum(check.verdict == verdict for check in report.checks) for verdict in words}
    return ", ".join(f"{number} {words[verdict]}" for verdict, number in numbers.items() if number)


def first_line(text: str) -> str:
    """The first line of what may be many."""
    return text.strip().splitlines()[0] if text.strip() else ""


def judgement(check: CheckResult) -> str:
    """What a row of the table says about a check, without its command."""
    if check.verdict == KNOWN:
        lines = [check.known]
    elif check.verdict == NOT_CLAIMED:
        lines = check.failures[:2]
    else:
        lines = []
    if check.verdict != NOT_CLAIMED and check.worst is not None and check.worst.case:
        lines.append(check.worst.describe())
    elif check.verdict == PASSED:
        lines.append(f"{check.judged} judgements")
    if check.flushed:
        lines.append(f"{check.flushed} subnormal results flushed to 0, as this backend declares")
    return "\n".join(line for line in lines if line)


def answer_name(cause: Cause) -> str:
    """The deviations of an answer."""
    return " + ".join(cause.deviations)


def evidence(diagnosis: Diagnosis, cause: Cause) -> str:
    """How much an answer explains; one that only the checks see explains no number."""
    if not cause.explained:
        right = f"; of {diagnosis.asked} results the specification explains {diagnosis.right}"
        return f"seen by the checks{right if diagnosis.asked else ''}"
    return f"explains {cause.explained} of {diagnosis.asked} results; the specification explains {diagnosis.right}"


def estimates(cause: Cause) -> str:
    """The estimated parameters."""
    return ", ".join(f"{name} = {value:.4g}" for name, value in cause.parameters.items())


def differences(report: Report) -> list[str]:
    """Where documentation and code differ, and which of them the port follows."""
    told = any(note.startswith(DIFFERENCE) for note in report.notes)
    return [n.removeprefix(DIFFERENCE) for n in report.notes if told and n.startswith((DIFFERENCE, "of the "))]
