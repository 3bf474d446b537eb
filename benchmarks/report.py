"""A report for the terminal or a pipe, and as a page in Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import rows
from focal_conformance.console import print_table

TABLES = (
    ("Time: ours / theirs", rows.RATIOS, rows.ratio_rows),
    ("Memory and cost", rows.MEASURES, rows.measure_rows),
    ("Far from the reference, measured all the same", rows.NOTES, rows.note_rows),
    ("Not measured", rows.ABSENT, rows.absent_rows),
)
NUMBERS = ("ratio", "quartiles", "to reach", "measured", "ours, ms", "theirs, ms")


def show(console: Console, document: dict[str, Any]) -> None:
    """Print header and tables."""
    for line in rows.header(document):
        console.print(line, markup=False, highlight=False)
    for title, columns, of in TABLES:
        found = list(of(document))
        if found:
            console.print()
            console.print(title, style="bold")
            print_rows(console, columns, found)


def print_rows(console: Console, columns: Sequence[str], found: Iterable[Sequence[str]]) -> None:
    """Print one table."""
    print_table(console, _table(columns, found))


def _table(columns: Sequence[str], found: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left", overflow="fold")
    for row in found:
        table.add_row(*(cell.replace("[", r"\[") for cell in row), style="red" if "NO" in row else None)
    return table


def markdown_table(columns: Sequence[str], found: Iterable[Sequence[str]]) -> str:
    """One table."""
    lines = [" | ".join(columns), " | ".join("---:" if column in NUMBERS else "---" for column in columns)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in found]
    return "\n".join(f"| {line} |" for line in lines)
