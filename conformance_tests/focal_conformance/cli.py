"""The command line: ``focal-ref verify | list | show | vectors``.

Exit codes: 0 conforms, 1 does not conform, 2 wrong use, 3 a port cannot be run; the worst of
several, in the order 2, 3, 1, 0.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from focal_conformance.report import CANNOT_RUN, WRONG_USE

NEEDED = ("rich", "jsonschema", "pytest", "hypothesis")
INSTALL = "pip install 'focal-ref[conformance]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        print(f"focal-ref needs {', '.join(missing)}: {INSTALL}", file=sys.stderr)
        return CANNOT_RUN
    from focal_conformance.ports import UsageError

    try:
        code: int = parsed.run(parsed)
        return code
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
    commands = parser.add_subparsers(dest="command", required=True, metavar="verify | list | show | vectors")
    _add_verify(
        commands.add_parser("verify", help="verify ports", description="Verify ports, each in its own process.")
    )
    listing = commands.add_parser("list", help="ports, checks, and what is installed here")
    listing.set_defaults(run=_lazily("listing"))
    _add_show(commands.add_parser("show", help="one case: input, exact value, what a port gave"))
    _add_vectors(commands.add_parser("vectors", help="generate, check or export the golden vectors"))
    return parser


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ports", nargs="*", metavar="PORT", help="adapter:torch, peer:optax, py:my_losses.py:focal_loss"
    )
    parser.add_argument("--all", action="store_true", help="all adapters and all peers")
    parser.add_argument("--require", action="store_true", help="with --all: a port that is not installed fails")
    parser.add_argument("--level", choices=("required", "recommended"), default="required")
    parser.add_argument("--mode", help="mode of the adapters named: eager, compile, jit, ... or all")
    parser.add_argument("--dtype", action="append", choices=("float16", "bfloat16", "float32", "float64"), default=[])
    parser.add_argument("--check", action="append", default=[], metavar="NAME", help="this check alone (repeatable)")
    parser.add_argument("--json", metavar="FILE", help="write the reports as JSON; - for standard output")
    parser.add_argument("--markdown", metavar="FILE", help="write the overview as a Markdown table")
    parser.add_argument("--recorded", action="store_true", help="peers must give the verdicts recorded in peers.json")
    parser.add_argument("--record", metavar="FILE", help="write the peers' verdicts to this peers.json")
    parser.add_argument("--overview", action="store_true", help="print one row a port, and details only of failures")
    parser.add_argument("--timeout", type=float, default=900.0, metavar="SECONDS", help="longest time a port (900)")
    parser.add_argument("--jobs", type=int, metavar="N", help="ports at a time (the number of cores, at most 4)")
    _add_port_flags(parser)
    parser.set_defaults(run=_lazily("verify"))


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "case", metavar="CASE", help="as a report names it: sigmoid_focal/float32/alpha=0.25/gamma=2/special/17"
    )
    parser.add_argument("--port", metavar="PORT", help="show what this port gives")
    _add_port_flags(parser)
    parser.set_defaults(run=_lazily("show"))


def _add_port_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:0, mps")
    parser.add_argument(
        "--loss",
        metavar="NAME",
        help="sigmoid_focal, softmax_focal (default: all of an adapter, a peer's own, sigmoid_focal)",
    )
    parser.add_argument(
        "--dialect", choices=("documentation", "code"), default="documentation",
        help="hold a peer against its documentation, or against what its code does where that differs",
    )  # fmt: skip
    group = parser.add_argument_group("for py: ports (they run the code they name)")
    group.add_argument(
        "--transform",
        action="append",
        default=[],
        metavar="NAME",
        help="claim a transformation: vmap, compile, jit, ...",
    )
    group.add_argument("--framework", choices=("torch", "tensorflow", "jax", "numpy", "array_api_strict"))
    group.add_argument(
        "--argument", action="append", default=[], metavar="NAME=ARGUMENT", help="logits=x: the port's name for it"
    )
    group.add_argument(
        "--always", action="append", default=[], metavar="ARGUMENT=VALUE", help="pass this in every call"
    )
    group.add_argument("--alpha-off", metavar="VALUE", help="what switches alpha off: None, -1, ...")
    group.add_argument(
        "--soft-targets", choices=("linear", "expected", "margin", "cross_entropy", "none"), default="linear",
        help="the rule that the port declares",
    )  # fmt: skip
    group.add_argument(
        "--gradient", metavar="MODULE:OBJECT", help="for NumPy ports: function that returns (value, gradient)"
    )


def _add_vectors(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="generate | export")
    generate = actions.add_parser("generate", help="write the vectors with the oracle (extra 'oracle')")
    generate.add_argument("directory", nargs="?", help="default: the package's own")
    generate.add_argument("--check", action="store_true", help="write nothing; fail if a byte differs")
    generate.set_defaults(run=_lazily("vectors", "generate"))
    export = actions.add_parser("export", help="copy the vectors and their schema to a directory")
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
