"""Flags of the commands; what is wrong with them is one line on standard error and exit code 2."""

import argparse
from pathlib import Path
from typing import NoReturn

from benchmarks import machine
from benchmarks.cases import WORKS

WRONG_USE = 2
LEAST = min(work.classes for work in WORKS.values() if work.classes > 40)


class UsageError(ValueError):
    """Wrong flags, or files that cannot be used."""


class Parser(argparse.ArgumentParser):
    """An error is one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        self.exit(WRONG_USE, f"{self.prog}: {message} (--help lists the flags)\n")


def parser() -> Parser:
    """Of ``python -m benchmarks``."""
    made = Parser(
        prog="python -m benchmarks",
        description="Speed and memory of the losses, peers and ours in turn, each case in a process of its own.",
        epilog="Also: python -m benchmarks growth, python -m benchmarks page. "
        "Exit codes: 0 measured, 1 a contestant failed or computes something else, 2 wrong use.",
    )
    add_common(made, rounds=9)
    made.add_argument("--list", action="store_true", help="print the cases and the ratios to reach, run nothing")
    made.add_argument("--elements", type=at_least(LEAST), metavar="N", help="logits of every case (its own number)")
    made.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: the torch cases (cpu)")
    made.add_argument("--markdown", type=writable, metavar="FILE", help="write the report as a page")
    return made


def growth_parser() -> Parser:
    """Of ``python -m benchmarks growth``."""
    made = Parser(
        prog="python -m benchmarks growth", description="Cost from a thousand to a hundred million logits, as a plot."
    )
    add_common(made, rounds=5)
    made.add_argument("--max", type=at_least(1_000), default=10**8, metavar="N", help="most logits (1e8)")
    made.add_argument(
        "--plot", type=writable, metavar="FILE", help="where the plot goes; .svg or .png (docs/performance-growth.svg)"
    )
    return made


def page_parser() -> Parser:
    """Of ``python -m benchmarks page``."""
    made = Parser(prog="python -m benchmarks page", description="Write a page from files that --json wrote.")
    made.add_argument("files", nargs="+", type=Path, metavar="JSON", help="of runs on any device and of growth")
    made.add_argument("--markdown", type=writable, required=True, metavar="FILE", help="the page to write")
    made.add_argument("--image", metavar="PATH", help="of the plot of growth, as the page names it")
    return made


def add_common(made: Parser, rounds: int) -> None:
    """Flags of all that is measured."""
    made.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", type=pattern,
        help="cases whose name matches: torch, eager, 'torch/*/float32' (repeatable)",
    )  # fmt: skip
    made.add_argument("--rounds", type=at_least(1), default=rounds, metavar="N", help=f"samples of each ({rounds})")
    made.add_argument("--threads", type=threads, default=machine.cores(), metavar="N", help="cores to use (all)")
    made.add_argument("--json", type=writable, metavar="FILE", help="write everything that was measured")


def pattern(text: str) -> str:
    """Not empty, as a variable that was never set is: it would match everything."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"must be a part of a case's name, got {text!r}")
    return text


def at_least(least: int):  # type: ignore[no-untyped-def]
    """A whole number; 1e6 is one, too."""

    def number(text: str) -> int:
        try:
            value = float(text)
            if value == int(value) and value >= least:
                return int(value)
        except (ValueError, OverflowError):
            pass
        raise argparse.ArgumentTypeError(f"must be a whole number of at least {least:,}, got {text!r}")

    return number


def threads(text: str) -> int:
    """Not more than there are cores."""
    value: int = at_least(1)(text)
    if value > machine.cores():
        raise argparse.ArgumentTypeError(f"must be at most {machine.cores()}, the cores of this machine, got {text}")
    return value


def writable(text: str) -> Path:
    """A file in a folder that exists: found out before minutes are spent."""
    path = Path(text)
    if not path.parent.is_dir() or path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a file in a folder that exists, got {text!r}")
    return path
