"""Reports on a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from focal_conformance.console import print_table
from focal_conformance.report import FAILED, KNOWN, NOT_CLAIMED, PASSED, Cause, CheckResult, Diagnosis, Report
from focal_conformance.reports.words import (
    answer_name,
    estimates,
    evidence,
    failed_checks,
    failing,
    first_line,
    judgement,
    own_version,
    printable,
    ulp_text,
)

STYLES = {PASSED: "green", FAILED: "bold red", NOT_CLAIMED: "yellow", KNOWN: "yellow"}
VERDICT_STYLES = {0: "green", 1: "bold red", 2: "magenta", 3: "magenta"}


def print_report(console: Console, report: Report) -> None:
    """One port: a row a check, what failed with the line that shows it, and what is wrong."""
    _print_heading(console, report)
    if report.checks:
        print_table(console, _checks_table(console, report))
    for check in failing(report):
        _line(console, f"  [bold red]{escape(check.check)}[/]: {escape(first_line(' '.join(check.failures[:1])))}")
        for failure in check.failures[1:3]:
            _line(console, f"    {escape(failure)}")
        _command(console, check.rerun)
    if report.diagnosis is not None:
        _print_diagnosis(console, report.diagnosis)
    if report.summary:
        _line(console, f"  {escape(report.summary)}")
    console.print()


def print_diagnosis(console: Console, report: Report) -> None:
    """One port: the verdict, and what is wrong with it."""
    _print_heading(console, report)
    if report.diagnosis is not None:
        _print_diagnosis(console, report.diagnosis)
    elif report.checks:
        failed = failed_checks(report)
        _line(console, f"  {'not diagnosed; it fails ' + ', '.join(failed) if failed else 'there is nothing to mend'}")
    console.print()


def _print_heading(console: Console, report: Report) -> None:
    style = VERDICT_STYLES[report.exit_code]
    about = f"{report.loss}, {report.level} level, {report.device}"
    _line(console, f"[bold]{escape(report.port)}[/] {escape(about)}: [{style}]{report.verdict}[/]")
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    seed = [] if report.seed is None else [f"random points from seed {report.seed}"]
    for text in (versions, *report.notes, *seed):
        if text:
            _line(console, f"  [dim]{escape(text)}[/]")
    if report.error:
        _line(console, f"  [{style}]{escape(report.error)}[/]")


def _line(console: Console, text: str) -> None:
    console.print(printable(text), highlight=False)


def _command(console: Console, text: str) -> None:
    """Never folded: it is there to be copied."""
    if text:
        console.print(f"    {printable(text)}", style="cyan", highlight=False, markup=False, soft_wrap=True)


def _print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    _line(console, f"  [bold]diagnosis[/]: [bold]{escape(diagnosis.message)}[/]")
    if diagnosis.smallest:
        _line(console, f"    smallest failing input: {escape(diagnosis.smallest)}")
    for index, cause in enumerate(diagnosis.causes):
        if index:
            text = f"{answer_name(cause)}: {cause.sentence} ({evidence(diagnosis, cause)})"
            _line(console, f"    [dim]less likely:[/] {escape(text)}")
            continue
        for name, text in _details(diagnosis, cause):
            _line(console, f"    [dim]{name}:[/] {escape(text)}")
        for link in cause.links:
            console.print(f"    met in {printable(link)}", style="dim", highlight=False, markup=False, soft_wrap=True)


def _details(diagnosis: Diagnosis, cause: Cause) -> Iterator[tuple[str, str]]:
    if cause.change:
        yield "change", cause.change
    if cause.parameters:
        yield "estimated", estimates(cause)
    yield "evidence", evidence(diagnosis, cause)
    if cause.separates:
        yield "speaks for it alone", cause.separates


COLUMNS = ("check", "verdict", "max ULP", "where, and the command that shows it")


def _checks_table(console: Console, report: Report) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column(COLUMNS[0], no_wrap=True)
    table.add_column(COLUMNS[1], no_wrap=True)
    table.add_column(COLUMNS[2], justify="right", no_wrap=True)
    table.add_column(COLUMNS[3], overflow="fold")
    rows = [(check.check, check.verdict, ulp_text(check.max_ulp)) for check in report.checks]
    taken = sum(max(len(cell) for cell in column) + 2 for column in zip(COLUMNS[:3], *rows, strict=True))
    for check, (name, verdict, ulp) in zip(report.checks, rows, strict=True):
        where = escape(_where(check, console.width - taken - 2))
        table.add_row(escape(name), f"[{STYLES[verdict]}]{verdict}[/]", ulp, where)
    return table


def _where(check: CheckResult, width: int) -> str:
    """The command stands where it fits: a folded one cannot be copied, and of a failed check it follows below."""
    text = printable(judgement(check))
    if check.verdict == NOT_CLAIMED or not check.rerun:
        return text
    one_line = f"{text}; {check.rerun}"
    if check.verdict == PASSED and "\n" not in text and check.worst is None and len(one_line) <= width:
        return one_line
    return "\n".join(filter(None, [text, check.rerun if len(check.rerun) <= width else ""]))


def print_overview(console: Console, reports: list[Report]) -> None:
    """Several ports: a row each."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("port", "loss", "version", "verdict", "failed checks"):
        table.add_column(column, overflow="fold")
    for report in reports:
        style = VERDICT_STYLES[report.exit_code]
        failed = printable(first_line(report.error)) or ", ".join(failed_checks(report)) or "none"
        cells = map(escape, (report.port, report.loss, own_version(report)))
        table.add_row(*cells, f"[{style}]{report.verdict}[/]", escape(failed))
    print_table(console, table)
