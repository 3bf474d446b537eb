"""What misbehaves gets one clear line and the right exit code, and the run goes on with the next port."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from abusive_ports import EXPECTED

PORTS = Path(__file__).parent / "abusive_ports.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("abuse") / "reports.json"
    names = [f"py:{PORTS}:{name}" for name in EXPECTED]
    flags = ["--framework", "numpy", "--dtype", "float64", "--timeout", "12", "--no-diagnosis", "--overview"]
    command = [sys.executable, "-m", "focal_conformance", "verify", *names, *flags, "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    return done, {report["port"].rsplit(":", 1)[-1]: report for report in json.loads(out.read_text())["reports"]}


def test_all_are_reported_in_their_order(run):
    done, reports = run
    assert list(reports) == list(EXPECTED)
    assert done.returncode == 3


@pytest.mark.parametrize("name", EXPECTED)
def test_one_clear_line(run, name):
    code, says = EXPECTED[name]
    report = run[1][name]
    failed = [check["check"] for check in report["checks"] if check["verdict"] == "failed"]
    assert report["exit_code"] == code, (report["error"], failed)
    assert says in report["error"] or says in failed
    assert len(report["error"].splitlines()) <= 13
    assert max(map(len, report["error"].splitlines()), default=0) < 400
