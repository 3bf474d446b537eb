"""The suite on softmax ports: each wrong one fails the check meant to catch it, right ones of any style pass."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from kit.right_softmax_ports import RIGHT  # noqa: E402
from kit.wrong_softmax_ports import CAUGHT_BY, ONLY_IN_FLOAT64  # noqa: E402

from focal_conformance import verify  # noqa: E402
from focal_conformance.ports.port import Options  # noqa: E402
from focal_conformance.report import CONFORMS, DOES_NOT_CONFORM, FAILED  # noqa: E402

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TORCH = Options(framework="torch", loss="softmax_focal")


def failed_checks(report):
    return {check.check: check for check in report.checks if check.verdict == FAILED}


def wrong(port, *dtypes, options=TORCH):
    return verify(diagnosis=False, port=f"py:{HERE / 'wrong_softmax_ports.py'}:{port}", options=options, dtypes=dtypes)


def test_the_port_that_the_wrong_ones_change_is_right():
    report = wrong("plain", "float32", "bfloat16")
    assert report.exit_code == CONFORMS, failed_checks(report)


@pytest.mark.parametrize(("port", "check"), CAUGHT_BY.items())
def test_a_wrong_port_is_caught(port, check):
    report = wrong(port, "float64" if port in ONLY_IN_FLOAT64 else "float32")
    assert report.exit_code == DOES_NOT_CONFORM, report.error
    assert check in failed_checks(report)
    result = failed_checks(report)[check]
    assert result.failures
    assert "--loss softmax_focal --framework torch" in result.rerun


@pytest.mark.parametrize(("port", "framework", "flags", "checks"), [(port, *row) for port, row in RIGHT.items()])
def test_a_right_port_passes(port, framework, flags, checks):
    """In a process of its own: one framework a process."""
    command = [sys.executable, "-m", "focal_conformance", "verify", f"py:{HERE / 'right_softmax_ports.py'}:{port}"]
    command += ["--framework", framework, "--loss", "softmax_focal", "--json", "-", *flags]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == CONFORMS, run.stdout + run.stderr
    passed = {
        check["check"] for check in json.loads(run.stdout)["reports"][0]["checks"] if check["verdict"] == "passed"
    }
    assert passed >= set(checks)


@pytest.mark.parametrize("declaration", ["cross_entropy", "margin", "expected"])
def test_another_rule_declared_for_linear_rows_fails(declaration):
    options = Options(framework="torch", loss="softmax_focal", soft_targets=declaration)
    failed = failed_checks(wrong("plain", "float32", options=options))
    assert {"soft_values", "soft_gradients"} <= set(failed)
    assert f"rule {declaration!r}" in failed["soft_values"].failures[0]


def test_rows_of_another_rule_pass_as_what_they_are():
    options = Options(framework="torch", loss="softmax_focal", soft_targets="expected")
    failed = failed_checks(wrong("expected_rows", "float32", options=options))
    assert not {"soft_values", "soft_gradients", "saturation"} & set(failed)


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("power_of_difference", "gradient is nan"),
        ("keeps_the_classes", "shape (4, 3, 3), expected (4, 3)"),
        ("softmax_then_log", "value is inf"),
        ("ignored_after_the_mathematics", "'none': gradient nan"),
        ("broadcasting", "logits (4, 2) and targets (4, 1) silently give a result of shape (4, 2)"),
        ("smoothed_cross_entropy_alone", "by the rule 'linear'"),
        ("targets_one_off", "different numbers"),
    ],
)
def test_the_message_says_what_is_wrong(port, words):
    report = wrong(port, "float32")
    texts = [text for check in failed_checks(report).values() for text in check.failures]
    assert any(words in text for text in [*texts, *report.notes]), texts
