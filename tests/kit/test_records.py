"""Recorded verdicts: a change in either direction shows, and the README holds what is recorded."""

import copy
import subprocess
import sys
from pathlib import Path

from focal_conformance import records
from focal_conformance.ports.peers import names
from focal_conformance.report import CheckResult, Report

ROOT = Path(__file__).parent.parent.parent


def report_like(port):
    recorded = records.recorded()[port]
    checks = [CheckResult(name, name, "required", verdict) for name, verdict in recorded["checks"].items()]
    report = Report(port, "sigmoid_focal", "required", "cpu", checks=checks, versions=dict(recorded["versions"]))
    report.exit_code = {"conforms": 0, "does not conform": 1}[recorded["verdict"]]
    return report


def test_every_peer_is_recorded():
    assert set(records.recorded()) == set(names())


def test_the_same_verdict_is_no_difference():
    assert all(records.differences(report_like(port)) == [] for port in names())


def test_a_check_that_now_passes_is_a_difference():
    report = report_like("peer:torchvision")
    changed = next(check for check in report.checks if check.verdict == "failed")
    changed.verdict = "passed"
    assert any(changed.check in text for text in records.differences(report))


def test_a_check_that_now_fails_is_a_difference():
    report = copy.deepcopy(report_like("peer:kornia-softmax"))
    report.checks[0].verdict, report.exit_code = "failed", 1
    texts = records.differences(report)
    assert any("recorded as 'conforms', now 'does not conform'" in text for text in texts)


def test_a_port_without_a_record_is_a_difference():
    assert records.differences(Report("peer:new", "sigmoid_focal", "required", "cpu")) == [
        "peer:new has no recorded verdict"
    ]


def test_the_readme_holds_the_records():
    run = subprocess.run([sys.executable, ROOT / "docs/insert_verdicts.py", "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
