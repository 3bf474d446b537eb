"""Mutants: named, built, caught and named again; the command that proves the suite with them."""

import subprocess
import sys

import numpy as np
import pytest

from focal_conformance.deviations import CATALOGUE
from focal_conformance.mutants import pages
from focal_conformance.mutants.names import losses_of, mutations
from focal_conformance.mutants.selection import PAIRS, RIGHT, RIGHT_PORTS, UNUSUAL_PARAMETERS, Trial, trials
from focal_conformance.mutants.trial import Result, names, tried
from focal_conformance.ports import UsageError
from focal_conformance.ports.port import Options
from focal_conformance.ports.resolve import resolve
from focal_conformance.report import Cause
from focal_ref import LOSSES

QUICK = (
    ("alpha_zero_means_off", "sigmoid_focal", "alpha_edges"),
    ("modulator_detached", "sigmoid_focal", "hard_gradients"),
    ("mean_is_sum", "sigmoid_focal", "reductions"),
    ("mean_counts_ignored", "softmax_focal", "masking"),
    ("broadcasts", "sigmoid_focal", "no_broadcasting"),
    ("changes_its_arguments", "sigmoid_focal", "no_trace"),
)


def focal_ref(*arguments):
    command = [sys.executable, "-m", "focal_conformance", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(("name", "loss", "check"), QUICK)
def test_a_mutant_is_caught_and_named(name, loss, check):
    result = tried(Trial(name, loss, "single"))
    assert result.level == "required"
    assert check in result.checks
    assert result.named, result.answer
    assert result.fine


def test_the_port_that_mutants_change_is_no_mutant():
    result = tried(Trial("mutant:unchanged", "sigmoid_focal", RIGHT))
    assert result.fine
    assert not result.checks


def test_a_result_that_is_not_caught_or_not_named_is_not_fine():
    trial = Trial("alpha_swapped", "sigmoid_focal", "single")
    caught, alarm = Result(trial, "required", ["hard_values"]), Result(RIGHT_PORTS[0], "required", ["hard_values"])
    assert not caught.fine
    assert not Result(trial).fine
    assert not alarm.fine
    totals = pages.Totals.of([caught, alarm])
    assert not totals.proven
    assert totals.false_alarms == 1
    assert "NOT NAMED" in pages.line(caught)
    assert "FALSE ALARM" in pages.line(alarm)
    assert "NOT CAUGHT" in pages.line(Result(trial))
    assert "| NO |" in pages.report([Result(trial)])


def test_an_answer_is_right_if_it_says_this_and_nothing_else():
    expected = mutations("epsilon_in_log=1e-5")
    assert names(Cause(["epsilon_in_log"], "", "", {"epsilon": 1.05e-5}), expected)
    assert not names(Cause(["epsilon_in_log"], "", "", {"epsilon": 1.2e-5}), expected)
    assert not names(Cause(["epsilon_in_log"], "", ""), expected)
    assert not names(Cause(["epsilon_in_log", "alpha_swapped"], "", "", {"epsilon": 1e-5}), expected)
    assert not names(Cause(["alpha_swapped"], "", ""), expected)


def test_the_trials_hold_every_deviation_enough_pairs_and_right_ports():
    chosen = trials()
    for name, deviation in CATALOGUE.items():
        assert {trial.loss for trial in chosen if trial.name == name} == set(deviation.losses)
    assert len(PAIRS) >= 20
    for pair in PAIRS:
        one, two = mutations(pair)
        assert one.deviation.topic != two.deviation.topic
        assert losses_of(pair)
    for name in UNUSUAL_PARAMETERS:
        (mutation,) = mutations(name)
        assert mutation.value not in mutation.deviation.parameter.usual
    assert len({trial.name for trial in RIGHT_PORTS}) >= 5


@pytest.mark.parametrize("name", [*CATALOGUE, *PAIRS, *UNUSUAL_PARAMETERS])
def test_every_mutant_can_be_built(name):
    for loss in losses_of(name):
        port = resolve(f"mutant:{name}", Options(loss=loss))
        assert port.loss == loss
        assert port.name == f"mutant:{name}"


@pytest.mark.parametrize("loss", LOSSES)
def test_the_unchanged_port_is_the_reference(loss):
    random = np.random.default_rng(3)
    logits = random.normal(0, 3, (5, 4))
    rows = loss == "softmax_focal"
    targets = random.integers(0, 4, 5) if rows else random.integers(0, 2, (5, 4)).astype(float)
    weight = random.uniform(0.5, 2.0, (5,) if rows else (5, 4))
    mask = random.uniform(size=weight.shape) < 0.7
    reference = LOSSES[loss](alpha=0.3, gamma=1.7)
    rows_of = np.eye(4)[targets] if rows else targets
    losses, slopes = reference.value(logits, rows_of), reference.gradient(logits, rows_of)
    port = resolve("mutant:unchanged", Options(loss=loss))
    for reduction, divisor in (("none", 1.0), ("sum", 0.5), ("mean", mask.sum())):
        extra = {"normalizer": 0.5} if reduction == "sum" else {}
        arguments = {"alpha": 0.3, "gamma": 1.7, "weight": weight, "mask": mask, "reduction": reduction, **extra}
        value, gradient = port.companion(logits, targets, **arguments)
        factor = weight * mask
        want = losses * factor if reduction == "none" else np.sum(losses * factor) / divisor
        np.testing.assert_allclose(value, want, rtol=1e-12)
        np.testing.assert_allclose(gradient, slopes * (factor[:, None] if rows else factor) / divisor, rtol=1e-11)


def test_names_that_name_nothing_are_refused():
    for name, says in (
        ("alpha_swaped", "did you mean alpha_swapped"),
        ("epsilon_in_log=0.7", "must be in"),
        ("epsilon_in_log=x", "must be a number"),
        ("alpha_swapped=2", "has no parameter"),
        ("alpha_swapped+broadcasts", "alone"),
        ("mean_is_sum+sum_is_mean", "at most one"),
    ):
        with pytest.raises(UsageError, match=says):
            mutations(name)
    with pytest.raises(UsageError, match="is about sigmoid_focal"):
        resolve("mutant:alpha_swapped", Options(loss="softmax_focal"))


def test_numbers_with_a_sign_in_the_exponent_are_one_name():
    (mutation,) = mutations("scaled=1e+2")
    assert mutation.value == 100.0


def test_the_command():
    run = focal_ref("mutants", "changes_settings", "mean_is_sum")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "4 of 4 mutants caught" in run.stdout


def test_the_catalogue_page_needs_no_run(tmp_path):
    page = tmp_path / "deviations.md"
    assert focal_ref("mutants", "--catalogue", str(page)).returncode == 0
    assert page.read_text("utf-8") == pages.catalogue()


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["--jobs", "0"], ["mean_is_sum", "--markdown", "x.md"], ["--catalogue", "/no/where.md"]]
)
def test_wrong_use_is_refused(arguments):
    run = focal_ref("mutants", *arguments)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


def test_a_formula_mutant_is_what_its_deviation_says():
    """By hand, not by the catalogue: alpha on the other class."""
    port = resolve("mutant:alpha_swapped", Options())
    logits, targets = np.array([0.0, 0.0]), np.array([1.0, 0.0])
    np.testing.assert_allclose(
        port.function(logits, targets, alpha=0.25, gamma=0.0), np.log(2) * np.array([0.75, 0.25])
    )
