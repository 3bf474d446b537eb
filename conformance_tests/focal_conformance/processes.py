"""Start a worker for each port, follow its progress, and read its report."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from focal_conformance.ports.port import Options
from focal_conformance.report import Report

Progress = Callable[[int, int, str], None]
LAST_LINES = 12
MOST_OUTPUT, TAIL, LONGEST_LINE = 2**24, 2**14, 200
"""Bytes that are kept of what a port prints, those of its end that are looked at, and characters of a line of it."""
GRACE = 3.0
"""Seconds for a worker to end what it started."""


@dataclass(frozen=True)
class Request:
    """What a worker is asked."""

    port: str
    level: str
    device: str
    dtypes: tuple[str, ...]
    checks: tuple[str, ...]
    options: Options
    timeout: float
    fuzz: int = 0
    seed: int = 0
    exhaust: bool = False
    diagnosis: bool = True
    curves: bool = False

    def to_json(self) -> str:
        """For the worker."""
        return json.dumps(asdict(self), default=dict)


def run(request: Request, progress: Progress) -> Report:
    """Verify one port in a process of its own; a crash or a hang becomes a report with exit code 3."""
    with tempfile.TemporaryDirectory(prefix="focal-ref-") as name:
        folder = Path(name)
        question, answers, output = folder / "request.json", folder / "answers.jsonl", folder / "output.txt"
        question.write_text(request.to_json(), encoding="utf-8")
        answers.touch()
        command = [sys.executable, "-m", "focal_conformance.worker", str(question), str(answers)]
        with output.open("ab") as sink:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=_environment())
            try:
                report, last = _follow(process, answers, output, request, progress)
            finally:
                _end(process)
        return report or _without_report(request, process.returncode, output, last)


def _follow(
    process: "subprocess.Popen[bytes]", answers: Path, output: Path, request: Request, progress: Progress
) -> tuple[Report | None, str]:
    """The report, and what the worker was doing last."""
    deadline = time.monotonic() + request.timeout
    with answers.open(encoding="utf-8") as lines:
        pending, label = "", ""
        while True:
            ended = process.poll() is not None
            pending += lines.read()
            *complete, pending = pending.split("\n")
            for line in complete:
                message: dict[str, Any] = json.loads(line)
                if "report" in message:
                    return Report.from_dict(message["report"]), label
                label = message["label"]
                progress(message["done"], message["total"], label)
            if ended:
                return None, label
            if time.monotonic() > deadline:
                report = Report(request.port, request.options.loss, request.level, request.device)
                report.error = f"no answer within {request.timeout:g} s{_during(label)}; --timeout gives it longer"
                return report, label
            # What a port prints without end is not kept: the file was opened to append.
            if output.stat().st_size > MOST_OUTPUT:
                os.truncate(output, 0)
            time.sleep(0.05)


def _during(label: str) -> str:
    return f" (it was at: {label})" if label else " (it was being opened)"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, so that it can end what it started; then make it."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return
        process.kill()
    process.wait()


def _without_report(request: Request, code: int, output: Path, label: str) -> Report:
    report = Report(request.port, request.options.loss, request.level, request.device)
    with output.open("rb") as file:
        file.seek(max(0, output.stat().st_size - TAIL))
        text = file.read().decode("utf-8", errors="replace")
    tail = [line[:LONGEST_LINE] for line in text.strip().splitlines()[-LAST_LINES:]]
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    report.error = f"its process {how} without a report{_during(label)}" + (
        "; it printed last:\n  " + "\n  ".join(tail) if tail else ""
    )
    return report


def _environment() -> dict[str, str]:
    """The parent's, with its import path: a bare checkout has nothing installed."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
