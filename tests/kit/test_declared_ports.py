"""What only some ports declare: each check of it passes a right port and can fail."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
from kit.declared_ports import DIALECT, NARROW, RULES, WRONG, declared  # noqa: E402

from focal_conformance import verify  # noqa: E402
from focal_conformance.ports.port import Port  # noqa: E402
from focal_conformance.report import FAILED, PASSED  # noqa: E402

DECLARED = (
    "soft_rules",
    "detached_modulator",
    "class_indices",
    "ignore_index",
    "alpha_by_class",
    "label_smoothing",
)


def failed_checks(report):
    return {check.check: check.failures for check in report.checks if check.verdict == FAILED}


def test_the_port_that_the_wrong_ones_change_is_right():
    report = verify(diagnosis=False, port=Port("declared", "torch", DIALECT, declared))
    assert not failed_checks(report)
    passed = {check.check for check in report.checks if check.verdict == PASSED}
    assert passed >= set(DECLARED)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_port_is_caught(name):
    function, check = WRONG[name]
    checks = (*DECLARED, "hard_values", "hard_gradients")
    failed = failed_checks(
        verify(diagnosis=False, port=Port(name, "torch", DIALECT, function), dtypes=("float32",), checks=checks)
    )
    assert check in failed


@pytest.mark.parametrize("declaration", RULES)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_held_against_its_declaration(rule, declaration):
    """Soft targets by one rule, declared as another, fail; declared as they are they pass."""
    dialect = replace(NARROW, soft_targets=declaration, always={"rule": rule})
    checks = ("hard_values", "hard_gradients", "soft_values", "soft_gradients")
    failed = failed_checks(
        verify(
            diagnosis=False, port=Port(rule, "torch", dialect, declared), dtypes=("float32", "float64"), checks=checks
        )
    )
    assert set(failed) == (set() if rule == declaration else {"soft_values", "soft_gradients"})


def test_what_is_not_declared_is_not_claimed():
    bare = replace(
        NARROW, detach_modulator=None, ignore_index=None, label_smoothing=None, alpha_by_class=None, class_indices=False
    )
    report = verify(diagnosis=False, port=Port("bare", "torch", bare, declared), dtypes=("float32",))
    verdicts = {check.check: check.verdict for check in report.checks}
    assert report.verdict == "conforms"
    assert "label_smoothing" not in verdicts
    assert all(verdicts[name] == "not claimed" for name in DECLARED if name != "label_smoothing")
