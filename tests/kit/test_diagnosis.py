"""Ports written by hand, each with one mistake: the first answer of the diagnosis names it."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
from kit.diagnosed_ports import SIGMOID, SOFTMAX

from focal_conformance import verify
from focal_conformance.deviations import CATALOGUE, FORMULA
from focal_conformance.ports.port import Options
from focal_conformance.report import DOES_NOT_CONFORM

FILE = Path(__file__).parent / "diagnosed_ports.py"
PORTS = [(name, "sigmoid_focal", want) for name, want in SIGMOID.items()]
PORTS += [(name, "softmax_focal", want) for name, want in SOFTMAX.items()]


@pytest.mark.parametrize(("name", "loss", "want"), PORTS)
def test_the_first_answer_names_the_mistake(name, loss, want):
    options = Options(loss=loss, framework="torch")
    report = verify(f"py:{FILE}:{name}", dtypes=("float32",), options=options)
    assert report.exit_code == DOES_NOT_CONFORM
    assert report.diagnosis is not None
    assert report.diagnosis.causes, report.diagnosis.message
    first = report.diagnosis.causes[0]
    # The style in which it is computed, a power of a difference for example, stands beside it.
    mistakes = {name for name in first.deviations if not (name in FORMULA and FORMULA[name].style)}
    assert mistakes == set(want.split("+")), report.diagnosis.message
    assert first.links or not any(CATALOGUE[name].links for name in mistakes)


def test_there_are_enough_of_them():
    assert len(PORTS) >= 25
    assert {part for _, _, want in PORTS for part in want.split("+")} <= set(CATALOGUE)
