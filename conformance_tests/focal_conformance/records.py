"""Recorded verdicts of the peers: what a run gave, kept so that a change in either direction shows."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from focal_conformance.report import Report

NAME = "peers.json"
ELSEWHERE = ("python", "numpy", "machine", "threads", "focal-ref")
"""What a verdict is not recorded with: it belongs to the machine."""


def recorded() -> dict[str, Any]:
    """Port -> versions, verdict, verdict per check."""
    source = files("focal_conformance").joinpath(NAME)
    result: dict[str, Any] = json.loads(source.read_text("utf-8")) if source.is_file() else {}
    return result


def record(reports: list[Report]) -> dict[str, Any]:
    """What to keep of each peer's report."""
    return {
        report.port: {
            "versions": {k: v for k, v in report.versions.items() if k not in ELSEWHERE},
            "verdict": report.verdict,
            "checks": {check.check: check.verdict for check in report.checks},
            "summary": report.summary,
        }
        for report in reports
    }


def write(path: Path, reports: list[Report]) -> None:
    """Add or replace the records of these ports."""
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    known.update(record(reports))
    path.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")


def differences(report: Report) -> list[str]:
    """What changed against the record, in words; nothing if the port behaves as recorded."""
    before = recorded().get(report.port)
    if before is None:
        return [f"{report.port} has no recorded verdict"]
    now = record([report])[report.port]
    changes = []
    if before["verdict"] != now["verdict"]:
        changes.append(f"{report.port}: recorded as {before['verdict']!r}, now {now['verdict']!r}")
    for check in sorted({*before["checks"], *now["checks"]}):
        old, new = before["checks"].get(check, "absent"), now["checks"].get(check, "absent")
        if old != new:
            changes.append(f"{report.port}: {check} recorded as {old!r}, now {new!r}")
    if changes and before["versions"] != now["versions"]:
        changes.append(f"{report.port}: recorded with {before['versions']}, now {now['versions']}")
    return changes
