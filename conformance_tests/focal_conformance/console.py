"""The console that commands print to."""

import os

from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 10_000
"""A pipe has no width: its lines are not folded, so that commands in them can be copied. COLUMNS gives it one."""


def open_console(stderr: bool = False) -> Console:
    """Standard output, or standard error where the other belongs to a report."""
    console = Console(stderr=stderr)
    if console.is_terminal or os.environ.get("COLUMNS", "").isdigit():
        return console
    return Console(stderr=stderr, width=PIPE_WIDTH)


def print_table(console: Console, table: Table) -> None:
    """A table; to a pipe without the blanks that fill its last column, which a log would fold into empty lines."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)
