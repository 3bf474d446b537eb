"""The command line: ``focal-ref verify | diagnose | show | list | vectors | mutants | scoreboard``.

Exit codes: 0 conforms, 1 does not conform, 2 wrong use, 3 a port cannot be run; the worst of
several, in the order 2, 3, 1, 0.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence

from focal_conformance.commands.flags import add_diagnose, add_show, add_verify
from focal_conformance.report import CANNOT_RUN, WRONG_USE

EXTRA = ("rich", "jsonschema", "pytest", "hypothesis", "jinja2", "matplotlib", "ml_dtypes", "array_api_strict")
"""Packages of the kit's own extra. A command asks for those that it uses: a GPU machine may have few of them."""
COMMANDS = ("verify", "diagnose", "show", "list", "vectors", "mutants", "scoreboard")
INSTALL = "pip install 'focal-ref[conformance]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    parsed.line = shlex.join(["focal-ref", *(sys.argv[1:] if arguments is None else arguments)])
    from focal_conformance.ports import UsageError

    try:
        code: int = parsed.run(parsed)
        return code
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in EXTRA:
            raise
        print(f"focal-ref needs {error.name.split('.')[0]}: {INSTALL}", file=sys.stderr)
        return CANNOT_RUN
    except UsageError as error:
        print(f"focal-ref: {error}", file=sys.stderr)
        return WRONG_USE
    except BrokenPipeError:
        # The reader, `head` for one, has seen enough.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("focal-ref: interrupted", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """All commands and flags; imports no command before it is run."""
    parser = argparse.ArgumentParser(
        prog="focal-ref",
        description="Is a focal loss right? Verifies ports against proven digits.",
        epilog="exit codes: 0 conforms, 1 does not conform, 2 wrong use, 3 a port cannot be run",
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    verify = commands.add_parser("verify", help="verify ports", description="Verify ports, each in its own process.")
    add_verify(verify)
    verify.set_defaults(run=_lazily("verify"))
    diagnose = commands.add_parser(
        "diagnose", help="what is wrong with a port", description="Name the deviations that reproduce a port's outputs."
    )
    add_diagnose(diagnose)
    diagnose.set_defaults(run=_lazily("diagnose"))
    show = commands.add_parser("show", help="one case: input, exact value, what a port gave")
    add_show(show)
    show.set_defaults(run=_lazily("show"))
    listing = commands.add_parser("list", help="ports, and what is installed here")
    listing.set_defaults(run=_lazily("listing"))
    mutants = commands.add_parser("mutants", help="prove the suite: every known deviation as a port, caught and named?")
    mutants.add_argument("names", nargs="*", metavar="NAME", help="these deviations alone")
    mutants.add_argument("--markdown", metavar="FILE", help="write the report as Markdown")
    mutants.add_argument("--catalogue", metavar="FILE", help="write the page of all deviations; alone: nothing is run")
    mutants.add_argument("--jobs", type=int, default=2, metavar="N", help="mutants at a time (2)")
    mutants.set_defaults(run=_lazily("mutants"))
    scoreboard = commands.add_parser("scoreboard", help="every peer: verdicts, largest errors, diagnosis")
    scoreboard.add_argument("reports", nargs="+", metavar="REPORTS", help="files that `verify --json` wrote")
    scoreboard.add_argument("--markdown", metavar="FILE", required=True, help="the page to write")
    scoreboard.add_argument("--html", metavar="FILE", help="its twin in HTML")
    scoreboard.set_defaults(run=_lazily("scoreboard"))
    _add_vectors(commands.add_parser("vectors", help="generate (or --check) and export the golden vectors"))
    return parser


def _add_vectors(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="generate | export")
    generate = actions.add_parser("generate", help="write the vectors with the oracle (extra 'oracle')")
    generate.add_argument("directory", nargs="?", help="default: the package's own")
    generate.add_argument("--check", action="store_true", help="write nothing; fail if a byte differs")
    generate.set_defaults(run=_lazily("vectors", "generate"))
    export = actions.add_parser("export", help="write vectors, schemas and questions (JSON lines) to a directory")
    export.add_argument("directory")
    export.set_defaults(run=_lazily("vectors", "export"))


def _lazily(module: str, function: str = "run"):  # type: ignore[no-untyped-def]
    """A command that is imported when it is run: `--help` and `--version` need nothing."""

    def run(parsed: argparse.Namespace) -> int:
        from importlib import import_module

        code: int = getattr(import_module(f"focal_conformance.commands.{module}"), function)(parsed)
        return code

    return run


def _version() -> str:
    import focal_ref

    return f"focal-ref {focal_ref.__version__}"
