"""``focal-ref diagnose``: verify one port, and say what is wrong with it."""

import json
import sys
from argparse import Namespace

from rich.console import Console

from focal_conformance.commands.options import port_options, refuse_idle_flags
from focal_conformance.commands.verify import PIPE_WIDTH
from focal_conformance.ports.resolve import check_name, losses_of
from focal_conformance.processes import Request
from focal_conformance.processes import run as run_process
from focal_conformance.report import Report, worst_exit_code
from focal_conformance.table import print_diagnosis


def run(parsed: Namespace) -> int:
    """Print what the catalogue says of each loss of the port; the exit code is that of `verify`."""
    (port,) = parsed.ports
    check_name(port)
    refuse_idle_flags(parsed, parsed.ports)
    console = Console(stderr=parsed.json == "-")
    if not console.is_terminal:
        console = Console(stderr=parsed.json == "-", width=PIPE_WIDTH)
    reports: list[Report] = []
    for loss in losses_of(port, parsed.loss):
        request = Request(
            port=port,
            level=parsed.level,
            device=parsed.device,
            dtypes=tuple(parsed.dtype),
            checks=(),
            options=port_options(parsed, loss),
            timeout=parsed.timeout,
        )
        report = run_process(request, lambda done, total, label: None)
        reports.append(report)
        print_diagnosis(console, report)
    if parsed.json:
        text = json.dumps({"format": "focal-ref reports 1", "reports": [r.to_dict() for r in reports]}, indent=1) + "\n"
        if parsed.json == "-":
            sys.stdout.write(text)
        else:
            with open(parsed.json, "w", encoding="utf-8") as file:
                file.write(text)
    return worst_exit_code([report.exit_code for report in reports])
