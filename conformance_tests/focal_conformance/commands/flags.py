"""Flags of the commands that take ports; what they mean together is `options.py`'s business."""

import argparse

DTYPES = ("float16", "bfloat16", "float32", "float64")


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Flags of ``focal-ref verify``."""
    parser.add_argument(
        "ports", nargs="*", metavar="PORT", help="adapter:torch, peer:optax, py:my_losses.py:focal_loss, cmd:./my_port"
    )
    parser.add_argument("--all", action="store_true", help="all adapters and all peers")
    parser.add_argument("--require", action="store_true", help="with --all: a port that is not installed fails")
    parser.add_argument("--mode", help="mode of the adapters named: eager, compile, jit, ... or all")
    parser.add_argument("--check", action="append", default=[], metavar="NAME", help="this check alone (repeatable)")
    parser.add_argument(
        "--fuzz", type=int, default=0, metavar="N", help="N random points a dtype besides, judged by the oracle"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the random points (0)")
    parser.add_argument("--exhaust", action="store_true", help="every bit pattern of the half types besides")
    parser.add_argument("--no-diagnosis", action="store_true", help="do not look for what is wrong with a port")
    parser.add_argument("--overview", action="store_true", help="print one row a port, and details only of failures")
    parser.add_argument("--jobs", type=int, metavar="N", help="ports at a time (the number of cores, at most 4)")
    _add_run_flags(parser)
    _add_report_flags(parser)
    _add_known_flags(parser)
    add_port_flags(parser)


def add_diagnose(parser: argparse.ArgumentParser) -> None:
    """Flags of ``focal-ref diagnose``."""
    parser.add_argument("ports", nargs=1, metavar="PORT", help="py:my_losses.py:focal_loss, cmd:./my_port")
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON; - for standard output")
    _add_run_flags(parser)
    add_port_flags(parser)


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--level", choices=("required", "recommended"), default="required")
    parser.add_argument("--dtype", action="append", choices=DTYPES, default=[])
    parser.add_argument("--timeout", type=float, default=900.0, metavar="SECONDS", help="longest time a port (900)")


def _add_report_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reports (FILE may be - for standard output, once)")
    group.add_argument("--json", metavar="FILE", help="write the reports as JSON")
    group.add_argument("--markdown", metavar="FILE", help="write a summary as Markdown, for CI")
    group.add_argument("--junit", metavar="FILE", help="write JUnit XML, one test a check")
    group.add_argument("--html", metavar="FILE", help="write one self-contained page with plots")


def _add_known_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is known")
    group.add_argument("--recorded", action="store_true", help="peers must give the verdicts recorded in peers.json")
    group.add_argument("--record", metavar="FILE", help="write the peers' verdicts to this peers.json")
    group.add_argument(
        "--known-failures", metavar="FILE", help="failures that are expected, a line each with a reason and a link"
    )
    group.add_argument("--update", action="store_true", help="rewrite the file of known failures from this run")


def add_show(parser: argparse.ArgumentParser) -> None:
    """Flags of ``focal-ref show``."""
    parser.add_argument(
        "case", metavar="CASE", help="as a report names it: sigmoid_focal/float32/alpha=0.25/gamma=2/special/17"
    )
    parser.add_argument("--port", metavar="PORT", help="show what this port gives")
    add_port_flags(parser)


def add_port_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that say which port, and how it is called."""
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
    parser.add_argument(
        "--answer-timeout", type=float, metavar="SECONDS", help="for cmd: ports: longest time an answer (60)"
    )
    group = parser.add_argument_group("for py: ports (they run the code they name)")
    group.add_argument(
        "--transform",
        action="append",
        default=[],
        metavar="NAME",
        help="claim a transformation: vmap, compile, jit, ...",
    )
    group.add_argument(
        "--class-indices",
        action="store_true",
        help="claim class indices as targets of the sigmoid loss, the number of classes for background",
    )
    group.add_argument("--framework", choices=("torch", "tensorflow", "jax", "paddle", "numpy", "array_api_strict"))
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
