"""The console that commands print to."""

import os
import sys

from rich.console import Console as RichConsole
from rich.table import Table

PIPE_WIDTH = 10_000
"""A pipe has no width: its lines are not folded, so that commands in them can be copied. COLUMNS gives it one."""


class Console(RichConsole):
    """rich's, but for a reader that has seen enough, `head` for one: the verdict stays what it is."""

    def on_broken_pipe(self) -> None:
        """Say no more; rich's own would end the command with exit code 1, which means "does not conform"."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def open_console(stderr: bool = False) -> Console:
    """Standard output, or standard error where the other belongs to a report."""
    console = Console(stderr=stderr)
    if console.is_terminal or os.environ.get("COLUMNS", "").isdigit():
        return console
    return Console(stderr=stderr, width=PIPE_WIDTH)


def print_table(console: RichConsole, table: Table) -> None:
    """A table; to a pipe without the blanks that fill its last column, which a log would fold into empty lines."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)
