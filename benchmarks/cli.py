"""The commands: measure, ``growth``, ``page``."""

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from benchmarks import flags, machine, report, run
from benchmarks.cases import Case, chosen
from focal_conformance.console import open_console, print_table

FAILED, STOPPED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = shlex.join(["python", "-m", "benchmarks", *given])
    # Asked to end, it ends the process of the case.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        if given[:1] == ["growth"]:
            from benchmarks.growth import command as growth

            return growth(flags.growth_parser().parse_args(given[1:]), command)
        if given[:1] == ["page"]:
            from benchmarks.page import command as page

            return page(flags.page_parser().parse_args(given[1:]))
        return _measure(flags.parser().parse_args(given), command)
    except flags.UsageError as error:
        print(f"python -m benchmarks: {error}", file=sys.stderr)
        return flags.WRONG_USE
    except BrokenPipeError:
        # The reader, `head` for one, has seen enough.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("python -m benchmarks: interrupted", file=sys.stderr)
        return STOPPED


def _measure(parsed: argparse.Namespace, command: str) -> int:
    cases = chosen(parsed.only, parsed.device, parsed.elements)
    if not cases:
        raise flags.UsageError(f"--only {' '.join(parsed.only)}: no case matches; --list shows them")
    console = open_console()
    if parsed.list:
        _list(console, cases)
        return 0
    gpu = None
    if parsed.device == "cuda":
        gpu = machine.gpu_name()
        if gpu is None:
            raise flags.UsageError("--device cuda: torch sees no CUDA device here")
    settings = run.Settings(parsed.rounds, parsed.threads, parsed.device, parsed.elements)
    with progress(len(cases)) as show:
        document = run.measured(cases, settings, command, gpu, show)
    report.show(console, document)
    if parsed.json:
        write_json(parsed.json, document)
    if parsed.markdown:
        from benchmarks.page import page

        parsed.markdown.write_text(page([document], None), encoding="utf-8")
    return tell_failures(document)


def tell_failures(document: dict[str, Any]) -> int:
    """Say what failed on standard error; the exit code."""
    failed = run.failures(document)
    for line in failed:
        print(f"python -m benchmarks: {line}", file=sys.stderr)
    return FAILED if failed else 0


def write_json(path: Any, document: dict[str, Any]) -> None:
    """Strict JSON."""
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def progress(total: int) -> Iterator[Any]:
    """A bar on standard error where that is a terminal; gives a function of what is done and a label."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, label: bar.update(task, completed=done, description=label)


def _list(console: Console, cases: list[Case]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("case", "logits", "ours / theirs, to reach", "work"):
        table.add_column(column, justify="right" if column == "logits" else "left")
    for case in cases:
        duels = (
            f"{duel.ours} / {duel.theirs}" + (f" <= {duel.to_reach:.2f}" if duel.to_reach is not None else "")
            for duel in case.duels
        )
        table.add_row(Text(case.name), f"{case.work.elements:,}", "; ".join(duels), case.work.about)
    print_table(console, table)
