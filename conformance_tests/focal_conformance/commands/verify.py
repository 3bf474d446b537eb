"""``focal-ref verify``."""

import os
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from focal_conformance import records
from focal_conformance.checks import CHECKS
from focal_conformance.commands.known import Expectation, expectation
from focal_conformance.commands.options import port_options, refuse_idle_flags
from focal_conformance.console import open_console
from focal_conformance.ports import UsageError, known_ports
from focal_conformance.ports.adapters import BACKENDS
from focal_conformance.ports.resolve import check_name, in_common, losses_of, package_installed
from focal_conformance.processes import Request
from focal_conformance.processes import run as run_process
from focal_conformance.report import CANNOT_RUN, DOES_NOT_CONFORM, NOT_CLAIMED, Report, worst_exit_code
from focal_conformance.reports.write import check_targets, owns_stdout, write_reports
from focal_conformance.table import print_overview, print_report


def run(parsed: Namespace) -> int:
    """Verify each port in turn; print, write, and return the worst exit code."""
    ports = _ports(parsed)
    timeout = port_options(parsed).answer_timeout
    requests = [_request(parsed, port, loss) for port in ports for loss in losses_of(port, parsed.loss, timeout)]
    refuse_idle_flags(parsed, ports)
    expected = expectation(parsed, ports)
    console = open_console(stderr=owns_stdout(parsed))
    reports: list[Report] = []
    absent: list[str] = []
    present = []
    for request in requests:
        if parsed.all and not package_installed(request.port) and not (parsed.require and in_common(request.port)):
            absent.append(request.port)
        else:
            present.append(request)
    # Each port has a process of its own; the threads only wait for them.
    with _progress() as progress, ThreadPoolExecutor(max_workers=_jobs(parsed, len(present))) as pool:
        for report in pool.map(lambda request: _run(request, progress), present):
            if expected is not None:
                expected.judge(report)
            report.command = parsed.line
            reports.append(report)
            if not parsed.overview or report.exit_code == CANNOT_RUN or (report.exit_code and not _is_peer(report)):
                print_report(console, report)
    if len(reports) > 1 or parsed.overview:
        print_overview(console, reports)
    for port in dict.fromkeys(absent):
        where = "" if in_common(port) else ", it needs an environment of its own"
        console.print(f"{port}: not installed{where}", style="yellow")
    write_reports(parsed, reports)
    if parsed.record:
        records.write(Path(parsed.record), [report for report in reports if _is_peer(report)])
    return _exit_code(parsed, console, reports, expected)


def _run(request: Request, progress: Progress) -> Report:
    task = progress.add_task(request.port, total=None)
    report = run_process(request, _bar(progress, task, f"{request.port} {request.options.loss}"))
    progress.remove_task(task)
    return report


def _jobs(parsed: Namespace, count: int) -> int:
    if parsed.jobs is not None and parsed.jobs < 1:
        raise UsageError(f"--jobs must be at least 1, got {parsed.jobs}")
    return max(1, min(count, parsed.jobs or min(4, os.cpu_count() or 1)))


def _ports(parsed: Namespace) -> list[str]:
    if parsed.all == bool(parsed.ports):
        raise UsageError("name the ports to verify, or give --all; `focal-ref list` names them all")
    if parsed.require and not parsed.all:
        raise UsageError("--require goes with --all; a port that is named is required as it is")
    for name in parsed.check:
        if name not in CHECKS:
            raise UsageError(f"unknown check {name!r}; there are {', '.join(CHECKS)}")
    if parsed.fuzz < 0:
        raise UsageError(f"--fuzz must be >= 0, got {parsed.fuzz}")
    if parsed.seed < 0:
        raise UsageError(f"--seed must be >= 0, got {parsed.seed}")
    if parsed.seed and not parsed.fuzz:
        raise UsageError("--seed is that of the random points: --fuzz N says how many")
    if (parsed.recorded or parsed.record) and (parsed.fuzz or parsed.exhaust):
        raise UsageError("recorded verdicts are about the golden points: --fuzz and --exhaust are runs of their own")
    check_targets(parsed)
    named_peers = parsed.all or any(port.startswith("peer:") for port in parsed.ports)
    for flag, given in (("--record", parsed.record), ("--dialect code", parsed.dialect == "code")):
        if given and not named_peers:
            raise UsageError(f"{flag} is about peers, and none is named")
    if not parsed.timeout > 0:
        raise UsageError(f"--timeout must be > 0, got {parsed.timeout:g}")
    if parsed.mode is not None and not parsed.all and not any(port.startswith("adapter:") for port in parsed.ports):
        raise UsageError(
            f"--mode {parsed.mode} is about adapters, and none is named; of a py: port --transform claims a compiler"
        )
    ports: list[str] = []
    for port in known_ports() if parsed.all else parsed.ports:
        ports += _in_modes(port, parsed.mode)
    for port in ports:
        check_name(port)
    return list(dict.fromkeys(ports))


def _in_modes(port: str, mode: str | None) -> list[str]:
    if mode is None or not port.startswith("adapter:"):
        return [port]
    plain = port.split("@")[0]
    backend = BACKENDS.get(plain.removeprefix("adapter:"))
    modes = backend.modes if backend is not None and mode == "all" else (mode,)
    return [plain if m == "eager" else f"{plain}@{m}" for m in modes]


def _request(parsed: Namespace, port: str, loss: str) -> Request:
    return Request(
        port=port,
        level=parsed.level,
        device=parsed.device,
        dtypes=tuple(parsed.dtype),
        checks=tuple(parsed.check),
        options=port_options(parsed, loss),
        timeout=parsed.timeout,
        fuzz=parsed.fuzz,
        seed=parsed.seed,
        exhaust=parsed.exhaust,
        diagnosis=not parsed.no_diagnosis,
        curves=parsed.html is not None,
    )


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _bar(progress: Progress, task: TaskID, port: str) -> Callable[[int, int, str], None]:
    def update(done: int, total: int, label: str) -> None:
        progress.update(task, completed=done, total=total, description=f"{port} {label}")

    return update


def _is_peer(report: Report) -> bool:
    return report.port.startswith("peer:")


def _exit_code(parsed: Namespace, console: Console, reports: list[Report], expected: Expectation | None) -> int:
    if not reports:
        console.print("nothing was verified: no port is installed here", style="bold red")
        return CANNOT_RUN
    if expected is not None:
        return expected.finish(console, reports)
    if not parsed.recorded:
        return worst_exit_code([report.exit_code for report in reports])
    changes = [change for report in reports if _is_peer(report) for change in records.differences(report)]
    # What this project ships claims everything that makes sense for its framework.
    changes += [
        f"{report.port} {report.loss}: {check.check} is not claimed: {check.failures[0]}"
        for report in reports
        if not _is_peer(report)
        for check in report.checks
        if check.verdict == NOT_CLAIMED
    ]
    for change in changes:
        console.print(change, style="bold red", highlight=False)
    peers = sum(_is_peer(report) for report in reports)
    if peers and not changes:
        console.print(f"{peers} peers gave the verdicts recorded in {records.NAME}", style="green", highlight=False)
    codes = [report.exit_code for report in reports if not _is_peer(report)]
    return worst_exit_code([*codes, DOES_NOT_CONFORM if changes else 0])
