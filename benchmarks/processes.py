"""Start a process for a case, follow what it says, and read its result."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LAST_LINES, LONGEST_LINE = 3, 200
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "NPROC")


@dataclass(frozen=True)
class Request:
    """What a worker is asked."""

    case: str
    rounds: int
    """None of them: first calls alone, and the memory that they take."""
    threads: int
    device: str = "cpu"
    elements: int | None = None
    measures: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    """Contestants that take no part, with the reason."""


def run(request: Request, contestants: Iterable[str], progress: Callable[[str], None]) -> dict[str, Any]:
    """The result of a case; a process that ends without one has measured no contestant."""
    with tempfile.TemporaryDirectory(prefix="focal-ref-bench-") as name:
        question, answers, output = (Path(name) / part for part in ("request.json", "answers.jsonl", "output.txt"))
        question.write_text(json.dumps(asdict(request)), encoding="utf-8")
        answers.touch()
        command = [sys.executable, "-m", "benchmarks.worker", str(question), str(answers)]
        with output.open("wb") as sink:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=_environment(request)
            )
            try:
                result, label = _follow(process, answers, progress)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
        return result or _without_result(request, contestants, process.returncode, label, output)


def _follow(
    process: "subprocess.Popen[bytes]", answers: Path, progress: Callable[[str], None]
) -> tuple[dict[str, Any] | None, str]:
    """The result, and what the worker was doing last."""
    label = "start"
    with answers.open(encoding="utf-8") as lines:
        pending = ""
        while True:
            ended = process.poll() is not None
            pending += lines.read()
            *complete, pending = pending.split("\n")
            for line in complete:
                message: dict[str, Any] = json.loads(line)
                if "result" in message:
                    process.wait()
                    return message["result"], label
                label = message["label"]
                progress(label)
            if ended:
                return None, label
            time.sleep(0.05)


def _without_result(
    request: Request, contestants: Iterable[str], code: int, label: str, output: Path
) -> dict[str, Any]:
    lines = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-LAST_LINES:]
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    said = "; ".join(line.strip()[:LONGEST_LINE] for line in lines)
    reason = f"its process {how} at: {label}" + (f"; it printed last: {said}" if said else "")
    facts = {"not_measured": reason, "failed": True}
    return {
        "case": request.case,
        "work": None,
        "contestants": {name: dict(facts) for name in contestants},
        "ratios": [],
        "measures": [],
    }


def _environment(request: Request) -> dict[str, str]:
    """The parent's, with its import path, and what frameworks read before they start."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    own = {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {**os.environ, **own, **dict.fromkeys(THREADS, str(request.threads)), **request.environment}
