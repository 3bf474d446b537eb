"""``focal-ref diagnose``: verify one port, and say what is wrong with it."""

from argparse import Namespace

from focal_conformance.commands.options import port_options, refuse_idle_flags
from focal_conformance.console import open_console
from focal_conformance.ports.resolve import check_name, losses_of
from focal_conformance.processes import Request
from focal_conformance.processes import run as run_process
from focal_conformance.report import Report, worst_exit_code
from focal_conformance.reports import documents
from focal_conformance.reports.write import STDOUT, check_writable, write_text
from focal_conformance.table import print_diagnosis


def run(parsed: Namespace) -> int:
    """Print what the catalogue says of each loss of the port; the exit code is that of `verify`."""
    (port,) = parsed.ports
    check_name(port)
    refuse_idle_flags(parsed, parsed.ports)
    check_writable(parsed.json)
    console = open_console(stderr=parsed.json == STDOUT)
    reports: list[Report] = []
    for loss in losses_of(port, parsed.loss, port_options(parsed).answer_timeout):
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
        report.command = parsed.line
        reports.append(report)
        print_diagnosis(console, report)
    if parsed.json:
        write_text(parsed.json, documents.text(reports))
    return worst_exit_code([report.exit_code for report in reports])
