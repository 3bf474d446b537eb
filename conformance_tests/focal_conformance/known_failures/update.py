"""Rewrite the file of known failures from a complete run."""

from focal_conformance.failure_kinds import difference, parsed, text_of
from focal_conformance.known_failures.entries import FORMAT, LINK, REASON, KnownFailures
from focal_conformance.known_failures.judge import Run
from focal_conformance.report import FAILED, KNOWN, Report

PREAMBLE = (
    f"# Known failures for `focal-ref verify --known-failures`. A line: {FORMAT}",
    "# Each needs a reason and a link. One that passes, fails otherwise or is missing here fails the run.",
)


def updated(before: str, known: KnownFailures | None, reports: list[Report], run: Run) -> tuple[str, list[str]]:
    """The new text, and the names of the lines that still need a reason or a link.

    ``before`` is the old text, whose comments stay where they are. A line that stays keeps its
    reason and link; one that fails otherwise keeps its old line as a comment.
    """
    failing = {
        f"{report.loss}/{check.check}": check.signature
        for report in reports
        for check in report.checks
        if check.verdict in (FAILED, KNOWN)
    }
    entries = {} if known is None else {entry.place.rpartition(":")[2]: entry for entry in known.entries}
    lines: list[str] = []
    unexplained: list[str] = []
    for number, line in enumerate(before.splitlines(), 1):
        entry = entries.get(str(number))
        if entry is None:
            lines.append(line)
        elif entry.name in failing:
            now = failing.pop(entry.name)
            same = entry.failure is not None and not difference(entry.failure, parsed(now))
            if same:
                lines.append(line)
                if REASON in line or LINK in line:
                    unexplained.append(entry.name)
            else:
                lines += [f"# was: {line.strip()}", _new_line(entry.name, now)]
                unexplained.append(entry.name)
    if known is None:
        lines = [*PREAMBLE, *(f"{key}: {value}" for key, value in run.header().items()), ""]
    for name, now in failing.items():
        lines.append(_new_line(name, now))
        unexplained.append(name)
    return "\n".join(lines).rstrip() + "\n", unexplained


def _new_line(name: str, signature: str) -> str:
    return f"{name} | {text_of(parsed(signature))} | {REASON} | {LINK}"
