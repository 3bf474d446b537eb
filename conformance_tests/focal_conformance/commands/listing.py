"""``focal-ref list``."""

from argparse import Namespace

from rich.console import Console
from rich.table import Table

from focal_conformance.ports import adapters
from focal_conformance.ports.peers import PEERS, missing_packages
from focal_conformance.ports.resolve import KINDS


def run(parsed: Namespace) -> int:
    """Ports and whether their packages are installed; nothing heavy is imported."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("port", "framework", "here", "to install"):
        table.add_column(column)
    for name, backend in adapters.BACKENDS.items():
        for mode in backend.modes:
            command = adapters.missing(name, mode).replace("[", "\\[")
            table.add_row(adapters.connectable(name, mode), backend.framework, _here(not command), command)
    for name, peer in PEERS.items():
        missing = missing_packages(name)
        table.add_row(f"peer:{name}", peer.framework, _here(not missing), peer.install if missing else "")
    console.print(table)
    console.print("A port is named by its kind:", highlight=False)
    for kind, text in KINDS.items():
        console.print(f"  {kind}:  {text}", highlight=False, markup=False)
    return 0


def _here(installed: bool) -> str:
    return "[green]installed[/]" if installed else "[yellow]not installed[/]"
