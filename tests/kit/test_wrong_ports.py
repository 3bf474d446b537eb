"""The suite is itself tested: each wrong port fails the check meant to catch it, right ports pass."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from kit.right_ports import RIGHT  # noqa: E402
from kit.wrong_ports import CAUGHT_BY  # noqa: E402

from focal_conformance import verify  # noqa: E402
from focal_conformance.ports.port import Options  # noqa: E402
from focal_conformance.report import CONFORMS, DOES_NOT_CONFORM, FAILED  # noqa: E402

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def failed_checks(report):
    return {check.check: check for check in report.checks if check.verdict == FAILED}


def test_the_port_that_the_wrong_ones_change_is_right():
    report = verify(diagnosis=False, port=f"py:{HERE / 'wrong_ports.py'}:plain", options=Options(framework="torch"))
    assert report.exit_code == CONFORMS, failed_checks(report)


@pytest.mark.parametrize(("port", "check"), CAUGHT_BY.items())
def test_a_wrong_port_is_caught(port, check):
    report = verify(
        diagnosis=False,
        port=f"py:{HERE / 'wrong_ports.py'}:{port}",
        options=Options(framework="torch"),
        dtypes=("float32", "float64"),
    )
    assert report.exit_code == DOES_NOT_CONFORM
    assert check in failed_checks(report)
    result = failed_checks(report)[check]
    assert result.failures
    assert result.rerun.startswith("focal-ref ")
    assert "--framework torch" in result.rerun


@pytest.mark.parametrize(("port", "framework"), RIGHT.items())
def test_a_right_port_passes(port, framework):
    """In a process of its own: one framework a process."""
    command = [sys.executable, "-m", "focal_conformance", "verify", f"py:{HERE / 'right_ports.py'}:{port}"]
    run = subprocess.run([*command, "--framework", framework, "--json", "-"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == CONFORMS, run.stderr
    report = json.loads(run.stdout)["reports"][0]
    assert report["verdict"] == "conforms"
    assert sum(check["verdict"] == "passed" for check in report["checks"]) >= 10


def test_nan_names_the_smallest_logit_that_gives_it():
    report = verify(
        diagnosis=False,
        port=f"py:{HERE / 'wrong_ports.py'}:power_of_difference",
        options=Options(framework="torch"),
        dtypes=("float32",),
    )
    worst = failed_checks(report)["gamma_below_one"].worst
    assert worst is not None
    assert abs(worst.logit) <= 20.0
    assert "nan" in failed_checks(report)["gamma_below_one"].failures[0]


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("clipped", "dead gradient"),
        ("reversed_gradient", "reversed gradient"),
        ("alpha_zero_means_off", "alpha_t = 0 makes it exactly 0"),
        ("no_graph", "requires_grad is False"),
        ("numpy_result", "returned ndarray, not an array of torch"),
        ("broadcasting", "(4, 1) and targets (4,) silently give a result of shape (4, 4)"),
        ("always_float32", "dtype float32, expected float64"),
    ],
)
def test_the_message_says_what_is_wrong(port, words):
    report = verify(diagnosis=False, port=f"py:{HERE / 'wrong_ports.py'}:{port}", options=Options(framework="torch"))
    texts = [text for check in failed_checks(report).values() for text in check.failures]
    assert any(words in text for text in texts), texts
