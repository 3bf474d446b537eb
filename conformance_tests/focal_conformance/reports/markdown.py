"""Reports as Markdown: a summary for CI, an overview for docs."""

import re
from collections.abc import Iterator

from focal_conformance.report import CheckResult, Diagnosis, Report
from focal_conformance.reports.words import (
    LEVEL_WORDS,
    SIGNS,
    answer_name,
    counts,
    differences,
    estimates,
    evidence,
    failed_checks,
    failing,
    first_line,
    judgement,
    known,
    own_version,
    printable,
    ulp_text,
)


def markdown(reports: list[Report], overview: bool = False) -> str:
    """One port in full; of several a table, and each in full that does not conform.

    With ``overview`` the table alone, with what is wrong and where documentation and code differ.
    """
    lines: list[str] = []
    if overview or len(reports) != 1:
        lines += [*_heading(reports), "", *_table(reports)]
    if overview:
        lines += [*_causes(reports), *_differing(reports)]
    else:
        chosen = [report for report in reports if report.exit_code or known(report)] if len(reports) > 1 else reports
        for report in chosen:
            lines += [*([""] if lines else []), *_section(report)]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """Text in one line that starts no tag and ends no cell."""
    text = " ".join(printable(text).replace("|x|", "abs(x)").split())
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def code(text: str) -> str:
    """A span of code, whatever is in it."""
    text = " ".join(printable(text).split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{padding}{text}{padding}{ticks}".replace("|", "\\|")


def block(text: str, indent: str = "", language: str = "text") -> list[str]:
    """A fenced block, whatever is in it."""
    text = printable(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [indent + line for line in (f"{fence}{language}", *text.splitlines(), fence)]


def row(*cells: str) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |"


def _heading(reports: list[Report]) -> list[str]:
    if not reports:
        return ["Written by `focal-ref verify --markdown`: nothing was verified."]
    level, device = reports[0].level, reports[0].device
    return [f"Written by `focal-ref verify --markdown`: {level} level ({LEVEL_WORDS[level]}), on {device}."]


def _table(reports: list[Report]) -> Iterator[str]:
    yield row("port", "loss", "version", "verdict", "failed checks", "how far")
    yield "|---|---|---|---|---|---|"
    for report in reports:
        failed = ", ".join(code(name) for name in failed_checks(report)) or "none"
        text = first_line(report.error) or report.summary
        version = plain(own_version(report))
        yield row(code(report.port), plain(report.loss), version, report.verdict, failed, plain(text))


def _causes(reports: list[Report]) -> Iterator[str]:
    diagnosed = [(report, report.diagnosis) for report in reports if report.diagnosis is not None]
    if not diagnosed:
        return
    yield from ("", "## What is wrong", "")
    for report, diagnosis in diagnosed:
        yield f"- {code(report.port)} {plain(report.loss)}: {plain(diagnosis.message)}"


def _differing(reports: list[Report]) -> Iterator[str]:
    differing = [report for report in reports if differences(report)]
    if not differing:
        return
    yield from ("", "## Where documentation and code differ", "")
    for report in differing:
        yield f"- {code(report.port)}"
        yield from (f"  - {plain(text)}" for text in differences(report))


def _section(report: Report) -> Iterator[str]:
    yield f"## {SIGNS[report.verdict]} {code(report.port)} {plain(report.loss)}: {report.verdict}"
    yield ""
    about = [f"{report.level} level on {report.device}", counts(report), own_version(report)]
    yield plain("; ".join(part for part in about if part)) + "."
    if report.error:
        yield from ("", *block(report.error))
    if failing(report):
        yield from ("", "### Failing checks")
        for check in failing(report):
            yield from _failing_check(check)
    if report.diagnosis is not None:
        yield from ("", "### Diagnosis", "", *_diagnosis(report.diagnosis))
    if known(report):
        yield from ("", "### Known failures", "")
        yield from (f"- {code(check.check)}: {plain(check.known)}" for check in known(report))
    if differences(report):
        yield from ("", "### Where documentation and code differ", "")
        yield from (f"- {plain(text)}" for text in differences(report))
    if report.summary:
        yield from ("", plain(report.summary))
    if report.checks:
        yield from _all_checks(report)


def _failing_check(check: CheckResult) -> Iterator[str]:
    yield from ("", f"- {code(check.check)} ({plain(check.title)})", "")
    yield from block(first_line(" ".join(check.failures[:1])), indent="  ")
    if check.rerun:
        yield from ("", *block(check.rerun, indent="  ", language="sh"))


def _diagnosis(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"**{plain(diagnosis.message)}**"
    if diagnosis.smallest:
        yield from ("", f"Smallest failing input: {plain(diagnosis.smallest)}")
    for index, cause in enumerate(diagnosis.causes):
        if index:
            if index == 1:
                yield from ("", "Less likely:", "")
            yield f"- {plain(answer_name(cause))}: {plain(cause.sentence)} ({plain(evidence(diagnosis, cause))})"
            continue
        if cause.change:
            yield from ("", "To change:", "", *block(cause.change))
        yield ""
        yield f"- {plain(evidence(diagnosis, cause))}"
        if cause.parameters:
            yield f"- estimated: {plain(estimates(cause))}"
        if cause.separates:
            yield f"- speaks for it alone: {plain(cause.separates)}"
        if cause.links:
            yield f"- met in {', '.join(f'<{link}>' for link in cause.links)}"


def _all_checks(report: Report) -> Iterator[str]:
    yield from ("", "<details>", f"<summary>All {len(report.checks)} checks, and the environment</summary>", "")
    yield row("check", "verdict", "max ULP", "where")
    yield "|---|---|---:|---|"
    for check in report.checks:
        verdict = f"{SIGNS[check.verdict]} {check.verdict}"
        yield row(code(check.check), verdict, ulp_text(check.max_ulp), plain(judgement(check).replace("\n", "; ")))
    yield ""
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    yield f"{plain(versions)}; {report.seconds:.1f} s" + (f"; seed {report.seed}" if report.seed is not None else "")
    if report.command:
        yield from ("", *block(report.command, language="sh"))
    yield from ("", "</details>")
