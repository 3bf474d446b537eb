"""The driver of PaddlePaddle: a right port passes, and wrong ones fail the check that is about them."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from focal_conformance.engine import verify
from focal_conformance.ports.port import Options

CHECKS = ("hard_values", "hard_gradients", "soft_values", "soft_gradients", "gamma_zero", "reductions", "result_kind")
CHECKS += ("chain_rule", "fresh_parameters", "repeatable", "no_trace", "no_broadcasting", "layouts")
WRONG = {
    "detached_modulator": "hard_gradients",
    "without_graph": "hard_gradients",
    "broadcasting": "no_broadcasting",
    "writes_to_its_logits": "no_trace",
    "draws_random_numbers": "no_trace",
    "switches_gradients_on": "no_trace",
}


@pytest.fixture
def paddle():
    """Skips where it is not installed: it has an environment of its own."""
    return pytest.importorskip("paddle")


def report(name, *checks, framework=None, **more):
    port = f"py:{Path(__file__).with_name('paddle_ports.py')}:{name}"
    return verify(
        port, checks=checks, dtypes=("float32",), options=Options(framework=framework), diagnosis=False, **more
    )


@pytest.mark.usefixtures("paddle")
def test_a_right_port_passes_and_its_framework_is_seen():
    found = report("right", *CHECKS)
    assert found.framework == "paddle"
    assert {check.check: check.verdict for check in found.checks} == dict.fromkeys(CHECKS, "passed")


@pytest.mark.usefixtures("paddle")
@pytest.mark.parametrize(("name", "check"), WRONG.items(), ids=WRONG)
def test_a_wrong_port_fails(name, check):
    assert [result.verdict for result in report(name, check).checks] == ["failed"]


@pytest.mark.usefixtures("paddle")
def test_what_is_no_tensor_is_told():
    assert "not an array of paddle" in str(report("in_numpy", "hard_values").to_dict())


@pytest.mark.usefixtures("paddle")
@pytest.mark.parametrize("device", ["mps", "cuda:63"])
def test_a_device_that_is_not_there_is_told(device):
    assert f"paddle has no device '{device}' here" in report("right", "hard_values", device=device).error


@pytest.mark.usefixtures("paddle")
def test_second_derivatives_that_paddle_has_not_are_not_claimed():
    found = verify("peer:paddle", level="recommended", checks=("second_derivative",), diagnosis=False)
    (check,) = found.checks
    assert check.verdict == "not claimed"


@pytest.mark.skipif(find_spec("paddle") is not None, reason="it is installed")
@pytest.mark.parametrize("source", ["import paddle\n", "def loss(logits, targets):\n    return logits\n"])
def test_where_it_is_missing_its_name_on_pypi_is_told(source, tmp_path):
    (tmp_path / "port.py").write_text(source, "utf-8")
    found = verify(f"py:{tmp_path / 'port.py'}:loss", options=Options(framework="paddle"))
    assert found.exit_code == 3
    assert "pip install paddlepaddle" in found.error
