"""``focal-ref mutants``: every known deviation as a port, caught and named."""

from argparse import Namespace

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from focal_conformance.console import open_console
from focal_conformance.mutants import pages
from focal_conformance.mutants.run import run as run_trials
from focal_conformance.mutants.selection import trials
from focal_conformance.mutants.trial import Result
from focal_conformance.ports import UsageError
from focal_conformance.report import CANNOT_RUN, CONFORMS, DOES_NOT_CONFORM
from focal_conformance.reports.write import STDOUT, check_writable, write_text


def run(parsed: Namespace) -> int:
    """Try the mutants; 0 if all are caught, enough of them named, and no right port is found wrong."""
    chosen = trials(tuple(parsed.names))
    if parsed.jobs < 1:
        raise UsageError(f"--jobs must be at least 1, got {parsed.jobs}")
    if parsed.names and parsed.markdown:
        raise UsageError("--markdown writes the report of all mutants: leave the names out")
    for name in (parsed.markdown, parsed.catalogue):
        check_writable(name)
    if parsed.catalogue:
        write_text(parsed.catalogue, pages.catalogue())
        if not parsed.names and not parsed.markdown:
            return CONFORMS
    console = open_console(stderr=parsed.markdown == STDOUT)
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True, disable=not Console(stderr=True).is_terminal,
    )  # fmt: skip
    with progress:
        task = progress.add_task("mutants", total=len(chosen))

        def seen(result: Result) -> None:
            progress.update(task, advance=1, description=f"{result.trial.name} {result.trial.loss}")
            if not result.fine or parsed.names:
                console.print(escape(pages.line(result)), highlight=False, soft_wrap=True)

        results = run_trials(chosen, parsed.jobs, seen)
    totals = pages.Totals.of(results)
    for line in totals.lines():
        console.print(escape(line), highlight=False, soft_wrap=True)
    if parsed.markdown:
        write_text(parsed.markdown, pages.report(results))
    if any(result.error for result in results):
        return CANNOT_RUN
    return CONFORMS if totals.proven else DOES_NOT_CONFORM
