"""The scoreboard: what the peers' reports say side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from focal_conformance.ports import UsageError
from focal_conformance.report import NOT_CLAIMED, CheckResult, Report
from focal_conformance.reports.documents import read
from focal_conformance.reports.html import render
from focal_conformance.reports.markdown import code, plain, row
from focal_conformance.reports.words import (
    LEVEL_WORDS,
    SIGNS,
    answer_name,
    estimates,
    evidence,
    failed_checks,
    first_line,
    own_version,
    ulp_text,
)

ERRORS = {
    "hard_values": "values",
    "hard_gradients": "gradients",
    "soft_values": "values, soft targets",
    "soft_gradients": "gradients, soft targets",
    "saturation": "logits beyond 15",
    "low_precision": "half types",
    "second_derivative": "second derivatives",
}
"""The checks whose largest error is shown, and what each compares."""


@dataclass(frozen=True)
class Matrix:
    """Verdicts of the peers of one loss, a row a peer."""

    loss: str
    reports: tuple[Report, ...]
    checks: tuple[str, ...]
    """Those that any of them claims."""
    unclaimed: tuple[str, ...]
    """Those that none of them claims."""
    errors: tuple[str, ...]
    """Of `ERRORS` those that any of them was judged by."""


def collected(paths: Sequence[Path]) -> list[Report]:
    """The peers' reports of all files; UsageError where they cannot stand side by side."""
    places: dict[str, Path] = {}
    reports: list[Report] = []
    for path in paths:
        for report in read(path):
            if not report.port.startswith("peer:"):
                continue
            if report.port in places:
                raise UsageError(f"{report.port} is in {places[report.port]} and again in {path}")
            places[report.port] = path
            reports.append(report)
    if not reports:
        raise UsageError(f"no report of a peer in {', '.join(map(str, paths))}")
    for what in ("level", "device"):
        found = sorted({getattr(report, what) for report in reports})
        if len(found) > 1:
            raise UsageError(f"reports of {what} {' and '.join(found)} do not compare; give those of one")
    return reports


def matrices(reports: Sequence[Report]) -> list[Matrix]:
    """One a loss."""
    return [
        _matrix(loss, tuple(report for report in reports if report.loss == loss))
        for loss in dict.fromkeys(report.loss for report in reports)
    ]


def _matrix(loss: str, reports: tuple[Report, ...]) -> Matrix:
    names = tuple(dict.fromkeys(check.check for report in reports for check in report.checks))
    claimed = {check.check for report in reports for check in report.checks if check.verdict != NOT_CLAIMED}
    compared = {check.check for report in reports for check in report.checks if check.max_ulp is not None}
    return Matrix(
        loss,
        reports,
        checks=tuple(name for name in names if name in claimed),
        unclaimed=tuple(name for name in names if name not in claimed),
        errors=tuple(name for name in ERRORS if name in compared),
    )


def check_of(report: Report, name: str) -> CheckResult | None:
    """A check of a report, if it makes sense there."""
    return next((check for check in report.checks if check.check == name), None)


def sign(report: Report, name: str) -> str:
    """The verdict of a check as a sign; nothing where it makes no sense."""
    check = check_of(report, name)
    return "" if check is None else SIGNS[check.verdict]


def error(report: Report, name: str) -> str:
    """The largest error of a check."""
    check = check_of(report, name)
    return "" if check is None else ulp_text(check.max_ulp)


def answer(report: Report) -> str:
    """What is wrong, in a few words."""
    if report.error:
        return first_line(report.error)
    if report.diagnosis is None:
        return ""
    return answer_name(report.diagnosis.causes[0]) if report.diagnosis.causes else "nothing in the catalogue fits"


def missing(reports: Sequence[Report]) -> list[str]:
    """Peers that the kit knows and that no report is about."""
    from focal_conformance.ports.peers import names

    return [name for name in names() if all(report.port != name for report in reports)]


def introduction(reports: Sequence[Report]) -> str:
    """How many conform, to what."""
    right = sum(report.exit_code == 0 for report in reports)
    level = reports[0].level
    return (
        f"{right} of {len(reports)} public implementations conform at the {level} level ({LEVEL_WORDS[level]}), "
        f"on {reports[0].device}."
    )


def as_markdown(reports: Sequence[Report]) -> str:
    """The page in docs."""
    lines = [
        "# Scoreboard",
        "",
        "Written by `focal-ref scoreboard` from the reports of `focal-ref verify --json`; `make scoreboard` runs both.",
        f"{introduction(reports)} Each is held against what its own documentation says.",
        "",
        row("package", "loss", "version", "verdict", "fails", "diagnosis"),
        "|---|---|---|---|---|---|",
    ]
    for report in reports:
        failed = ", ".join(code(name) for name in failed_checks(report)) or "none"
        cells = (code(report.port), report.loss, plain(own_version(report)), report.verdict, failed)
        lines.append(row(*cells, plain(answer(report))))
    for matrix in matrices(reports):
        lines += ["", f"## {matrix.loss}", "", *_verdicts(matrix), "", *_errors(matrix)]
    lines += [*_diagnoses(reports), *_absent(reports)]
    return "\n".join(lines) + "\n"


def _verdicts(matrix: Matrix) -> Iterator[str]:
    yield "Verdict of each check: ✓ passed, ✗ failed, · not claimed; empty where it makes no sense."
    yield ""
    yield row("", *(name.replace("_", "<br>") for name in matrix.checks))
    yield "|---" + "|:-:" * len(matrix.checks) + "|"
    for report in matrix.reports:
        yield row(code(report.port), *(sign(report, name) for name in matrix.checks))
    if matrix.unclaimed:
        yield ""
        yield f"Claimed by none: {', '.join(code(name) for name in matrix.unclaimed)}."


def _errors(matrix: Matrix) -> Iterator[str]:
    yield "Largest errors in ULP of the dtype where they were met, far tails included:"
    yield ""
    yield row("", *(ERRORS[name] for name in matrix.errors))
    yield "|---" + "|---:" * len(matrix.errors) + "|"
    for report in matrix.reports:
        yield row(code(report.port), *(error(report, name) for name in matrix.errors))


def _diagnoses(reports: Sequence[Report]) -> Iterator[str]:
    diagnosed = [(report.port, report.diagnosis) for report in reports if report.diagnosis is not None]
    if not diagnosed:
        return
    yield from ("", "## Diagnosis", "")
    for port, diagnosis in diagnosed:
        yield f"- {code(port)}: {plain(diagnosis.message)}"
        if diagnosis.smallest:
            yield f"  - smallest failing input: {plain(diagnosis.smallest)}"
        for cause in diagnosis.causes[:1]:
            yield f"  - {plain(evidence(diagnosis, cause))}" + (
                f"; {plain(estimates(cause))}" if cause.parameters else ""
            )
            if cause.change:
                yield f"  - to change: {plain(cause.change)}"
            if cause.links:
                yield f"  - met in {', '.join(f'<{link}>' for link in cause.links)}"


def _absent(reports: Sequence[Report]) -> Iterator[str]:
    absent = missing(reports)
    if absent:
        yield from ("", "## Not run here", "", *(f"- {code(name)}" for name in absent))


def as_html(reports: Sequence[Report]) -> str:
    """Its twin."""
    words = {"sign": sign, "error": error, "answer": answer, "own_version": own_version, "check_of": check_of}
    return render(
        "scoreboard.html.jinja",
        reports=reports,
        matrices=matrices(reports),
        introduction=introduction(reports),
        errors=ERRORS,
        missing=missing(reports),
        **words,
    )
