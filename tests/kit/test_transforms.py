"""Checks of transformations and devices: each is able to fail, and absent where it makes no sense."""

import json
import os
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from kit.wrong_transforms import CAUGHT_BY, RIGHT

import focal_conformance
from focal_conformance.checks import CHECKS
from focal_conformance.checks.transforms import TRANSFORM_CHECKS
from focal_conformance.dialect import Dialect
from focal_conformance.ports.port import Port
from focal_conformance.report import CANNOT_RUN, FAILED, LEVELS, NOT_CLAIMED, PASSED

ROOT = Path(__file__).parent.parent.parent


@lru_cache
def found(framework):
    """Results of all ports of a framework, in a process of its own."""
    if find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    command = [sys.executable, "-m", "kit.wrong_transforms", framework]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("framework", "port", "check"),
    [(framework, *pair) for framework, ports in CAUGHT_BY.items() for pair in ports.items()],
)
def test_a_wrong_port_is_caught(framework, port, check):
    results = found(framework)[port]
    assert results["hard_values"][0] == PASSED, "it is to be wrong only when it is transformed"
    assert results[check][0] == FAILED, results[check]


@pytest.mark.parametrize(
    ("framework", "port"), [(framework, port) for framework, ports in RIGHT.items() for port in ports]
)
def test_a_right_port_passes(framework, port):
    assert {check: words for check, words in found(framework)[port].items() if words[0] != PASSED} == {}


def test_every_check_is_seen_to_fail_in_every_framework():
    for check in TRANSFORM_CHECKS:
        for framework in check.modules:
            assert check.name in CAUGHT_BY[framework].values()


@pytest.mark.parametrize(
    ("framework", "port", "words"),
    [
        ("torch", "compiled_for_every_batch", "compiled anew for a batch"),
        ("torch", "stale_gamma", "after other parameters"),
        ("torch", "first_derivative_only", "second derivative 0, expected"),
        ("torch", "forward_mode_without_tangent", "derivative along a vector"),
        ("torch", "rows_mixed_by_vmap", "torch.func.vmap: value"),
        ("torch", "data_made_up", "is on cpu"),
        ("tensorflow", "second_derivative_of_a_part", "two tapes: curvature"),
        ("tensorflow", "SigmoidTwice", "gradient of the kernel"),
        ("jax", "switches_x64_on", "jax_enable_x64"),
        ("jax", "moved_to_the_first_device", "for logits on"),
        ("jax", "forward_mode_without_tangent", "derivative along a vector"),
    ],
)
def test_the_message_says_what_is_wrong(framework, port, words):
    texts = found(framework)[port][CAUGHT_BY[framework][port]]
    assert any(words in text for text in texts), texts


NUMPY = Port("mine", "numpy", Dialect(reduction=None, dtypes=("float32",)), lambda logits, **_: np.zeros_like(logits))


def test_what_makes_no_sense_is_absent():
    names = {check.check for check in focal_conformance.verify(diagnosis=False, port=NUMPY).checks}
    assert "hard_values" in names
    assert not names & {"chain_rule", *(check.name for check in TRANSFORM_CHECKS)}


def test_a_check_that_makes_no_sense_is_no_success():
    report = focal_conformance.verify(diagnosis=False, port=NUMPY, checks=("vmap",))
    assert report.exit_code == CANNOT_RUN
    assert "vmap: makes no sense for numpy" in report.error


def test_what_a_port_could_do_and_does_not_claim_is_not_claimed():
    torch = pytest.importorskip("torch")
    port = Port("mine", "torch", Dialect(reduction=None, dtypes=("float32",)), lambda logits, **_: torch.sin(logits))
    (result,) = focal_conformance.verify(diagnosis=False, port=port, checks=("vmap",)).checks
    assert result.verdict == NOT_CLAIMED
    assert "vmap" in result.failures[0]


def test_every_transform_is_a_check_of_a_level():
    assert all(CHECKS[check.name] is check and check.level in LEVELS for check in TRANSFORM_CHECKS)
