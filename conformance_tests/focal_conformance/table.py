"""Reports for people: tables on a terminal, and Markdown."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from focal_conformance.report import DIFFERENCE, FAILED, KNOWN, NOT_CLAIMED, PASSED, CheckResult, Report

STYLES = {PASSED: "green", FAILED: "bold red", NOT_CLAIMED: "yellow", KNOWN: "yellow"}
VERDICT_STYLES = {0: "green", 1: "bold red", 2: "magenta", 3: "magenta"}


def print_report(console: Console, report: Report) -> None:
    """One port: a row a check, and what failed with the line that shows it."""
    style = VERDICT_STYLES[report.exit_code]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    console.print(
        f"[bold]{escape(report.port)}[/] {report.loss}, {report.level} level, {report.device}: "
        f"[{style}]{report.verdict}[/]"
    )
    if versions:
        console.print(f"  {escape(versions)}", style="dim", highlight=False)
    for note in report.notes:
        console.print(f"  {escape(note)}", style="dim", highlight=False)
    if report.error:
        console.print(f"  {escape(report.error)}", style=style, highlight=False)
    if report.checks:
        console.print(_checks_table(report, with_commands=console.width >= WIDE))
    for check in report.checks:
        if check.verdict == FAILED:
            console.print(f"  [bold red]{check.check}[/]: {escape(check.failures[0])}", highlight=False)
            for failure in check.failures[1:3]:
                console.print(f"    {escape(failure)}", highlight=False)
            console.print(f"    {escape(check.rerun)}", style="cyan", highlight=False, soft_wrap=True)
    if report.summary:
        console.print(f"  {escape(report.summary)}", highlight=False)
    console.print()


WIDE = 120
"""Columns from which on a command fits in the table; a folded one cannot be copied."""


def _checks_table(report: Report, with_commands: bool) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("check", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("max ULP", justify="right", no_wrap=True)
    table.add_column("where, and the command that shows it", overflow="fold")
    for check in report.checks:
        table.add_row(
            check.check,
            f"[{STYLES[check.verdict]}]{check.verdict}[/]",
            ulp_text(check),
            escape(_where(check, with_commands)),
        )
    return table


def ulp_text(check: CheckResult) -> str:
    """Largest error, short."""
    if check.max_ulp is None:
        return ""
    return f"{check.max_ulp:.2f}" if check.max_ulp < 1e4 else f"{check.max_ulp:.1e}"


def _where(check: CheckResult, with_commands: bool) -> str:
    lines = [check.known] if check.known and check.verdict == KNOWN else []
    command = [check.rerun] if with_commands else []
    if check.verdict == NOT_CLAIMED:
        lines += check.failures[:2]
    elif check.worst is not None and check.worst.case:
        lines += [check.worst.describe(), *command]
    elif check.verdict == PASSED:
        lines.append("; ".join([f"{check.judged} judgements", *command]))
    else:
        lines += command
    if check.flushed:
        lines.append(f"{check.flushed} subnormal results flushed to 0, as this backend declares")
    return "\n".join(lines)


def print_overview(console: Console, reports: list[Report]) -> None:
    """Several ports: a row each."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("port", "loss", "version", "verdict", "failed checks"):
        table.add_column(column, overflow="fold")
    for report in reports:
        style = VERDICT_STYLES[report.exit_code]
        failed = report.error.splitlines()[0] if report.error else ", ".join(failed_checks(report)) or "none"
        table.add_row(
            escape(report.port), report.loss, own_version(report), f"[{style}]{report.verdict}[/]", escape(failed)
        )
    console.print(table)


def failed_checks(report: Report) -> list[str]:
    """Names of the checks that failed."""
    return [check.check for check in report.checks if check.verdict == FAILED]


def own_version(report: Report) -> str:
    """Version of the package that the port comes from: its own first, the framework's otherwise."""
    for name, version in report.versions.items():
        if name != "focal-ref":
            return f"{name} {version}"
    return ""


def markdown(reports: list[Report]) -> str:
    """The overview as a Markdown table."""
    required = "training goes wrong otherwise" if reports[0].level == "required" else "full relative accuracy"
    lines = [
        f"Written by `focal-ref verify --markdown`: {reports[0].level} level ({required}), on {reports[0].device}.",
        "",
        "| port | loss | version | verdict | failed checks | how far |",
        "|---|---|---|---|---|---|",
    ]
    for report in reports:
        failed = ", ".join(f"`{name}`" for name in failed_checks(report)) or "none"
        text = report.error.splitlines()[0] if report.error else report.summary
        cells = (f"`{report.port}`", report.loss, own_version(report), report.verdict, failed, text)
        lines.append("| " + " | ".join(cell.replace("|x|", "abs(x)").replace("|", "\\|") for cell in cells) + " |")
    differing = [report for report in reports if any(note.startswith(DIFFERENCE) for note in report.notes)]
    if differing:
        lines += ["", "## Where documentation and code differ", ""]
    for report in differing:
        told = [note for note in report.notes if note.startswith((DIFFERENCE, "of the "))]
        lines += [f"- `{report.port}`", *(f"  - {note.removeprefix(DIFFERENCE)}" for note in told)]
    return "\n".join(lines) + "\n"
