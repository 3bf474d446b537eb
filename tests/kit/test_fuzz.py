"""Random points: right ports pass, planted faults are found and reduced, names lead back to the points."""

import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from focal_conformance import verify  # noqa: E402
from focal_conformance.cli import main  # noqa: E402
from focal_conformance.dialect import Parameters  # noqa: E402
from focal_conformance.engine import open_session  # noqa: E402
from focal_conformance.formats import FORMATS  # noqa: E402
from focal_conformance.fuzz import exhaust, exhausted, fuzz_note, fuzzed, shrink, truth  # noqa: E402
from focal_conformance.fuzz.batches import batches  # noqa: E402
from focal_conformance.fuzz.logits import from_patterns, random_logits  # noqa: E402
from focal_conformance.fuzz.names import named_point  # noqa: E402
from focal_conformance.fuzz.targets import random_targets  # noqa: E402
from focal_conformance.fuzz.truth import Question  # noqa: E402
from focal_conformance.ports.port import Options  # noqa: E402
from focal_conformance.report import CONFORMS, FAILED, PASSED  # noqa: E402

FAULTS = Path(__file__).parent / "planted_faults.py"
needs_oracle = pytest.mark.skipif(not truth.oracle_installed(), reason="python-flint is not installed")


def session_of(name, dtype="float32", level="required", loss="sigmoid_focal"):
    options = Options(framework="torch", loss=loss)
    return open_session(f"py:{FAULTS}:{name}", level=level, dtypes=(dtype,), options=options)


def answers(results):
    """As text: the fault gives nan, which equals nothing, itself included."""
    return [repr((each.verdict, each.judged, each.max_ulp, each.worst, each.failures)) for each in results]


def by_name(results):
    return {result.check: result for result in results}


@pytest.fixture(autouse=True)
def few_calls(monkeypatch):
    """A failure is reduced with less zeal: these tests shall be quick."""
    monkeypatch.setattr(shrink, "MOST_CALLS", 250)


@pytest.fixture(params=["oracle", "reference"])
def source(request, monkeypatch):
    """Both sources of what is exact; without python-flint the reference alone."""
    if request.param == "oracle" and not truth.oracle_installed():
        pytest.skip("python-flint is not installed")
    # Both modules hold the name.
    for module in (truth, sys.modules["focal_conformance.fuzz.ask"]):
        monkeypatch.setattr(module, "oracle_installed", lambda: request.param == "oracle")
    return request.param


def test_a_right_port_passes(source):
    session = session_of("right")
    found = by_name(fuzzed(session, 800, 1))
    assert [found[name].verdict for name in ("fuzz_values", "fuzz_gradients")] == [PASSED, PASSED]
    assert found["fuzz_values"].judged == 800
    assert ("reference with its own bound" in fuzz_note(session, 800, 1, False)) == (source == "reference")


FOUND_BY = {
    "wrong_where_the_target_is_nearly_p": ("fuzz_values", 600),
    "wrong_gradient_where_gamma_is_nearly_one": ("fuzz_gradients", 1100),
    "wrong_at_subnormal_logits": ("fuzz_values", 600),
    "raises_where_alpha_is_tiny_and_a_logit_is_large": ("fuzz_values", 1100),
}


@needs_oracle
@pytest.mark.parametrize("fault", FOUND_BY)
def test_a_planted_fault_is_found(fault):
    judge_fault(fault)


def test_a_planted_fault_is_found_whatever_is_installed(source):
    judge_fault("wrong_at_subnormal_logits")


def judge_fault(fault):
    check, count = FOUND_BY[fault]
    result = by_name(fuzzed(session_of(fault), count, 3))[check]
    assert result.verdict == FAILED
    if fault.startswith("raises"):
        assert re.search(r"point/x=0x\S+,t=\S+: raised RuntimeError: planted", result.failures[0])
        assert result.rerun.endswith("--framework torch --fuzz 1100 --seed 3")
    else:
        assert result.failures[0].startswith("smallest failing input: ")
        assert result.rerun.startswith("focal-ref show 'sigmoid_focal/float32/")


@needs_oracle
def test_reduced_points_are_simple():
    near_p = by_name(fuzzed(session_of("wrong_where_the_target_is_nearly_p"), 600, 3))["fuzz_values"].worst
    digits, _ = math.frexp(near_p.logit)
    assert digits * 8.0 == int(digits * 8.0)
    assert abs(near_p.target - 1.0 / (1.0 + math.exp(-near_p.logit))) < 1e-4
    assert "/gamma=0x1p+1/" in near_p.case
    subnormal = by_name(fuzzed(session_of("wrong_at_subnormal_logits"), 600, 3))["fuzz_values"].worst
    assert abs(subnormal.logit) == 2.0**-149
    assert subnormal.target == 0.0


@needs_oracle
def test_the_golden_points_do_not_find_them():
    for fault in ("wrong_gradient_where_gamma_is_nearly_one", "raises_where_alpha_is_tiny_and_a_logit_is_large"):
        report = verify(f"py:{FAULTS}:{fault}", options=Options(framework="torch"), dtypes=("float32",))
        assert report.exit_code == CONFORMS, [check.check for check in report.checks if check.verdict == FAILED]


@needs_oracle
def test_rows():
    right = by_name(fuzzed(session_of("softmax", loss="softmax_focal"), 400, 1))
    assert [result.verdict for result in right.values()] == [PASSED, PASSED]
    wrong = session_of("wrong_softmax_of_nearly_tied_rows", loss="softmax_focal")
    result = by_name(fuzzed(wrong, 700, 1))["fuzz_values"]
    assert result.verdict == FAILED
    # Four classes are what the fault needs, no more simple ones are left than two.
    logits = re.search(r"/x=([^,]*),", result.worst.case)[1].split(":")
    assert len(logits) == 4
    assert named_point(result.worst.case).case.exact["value"][0] == result.worst.exact


@needs_oracle
def test_a_seed_gives_the_same_run_again():
    first, again = (fuzzed(session_of("wrong_at_subnormal_logits"), 200, 5) for _ in range(2))
    assert answers(first) == answers(again)
    other = fuzzed(session_of("right"), 300, 5), fuzzed(session_of("right"), 300, 6)
    assert answers(other[0]) != answers(other[1])


@needs_oracle
def test_every_pattern_of_a_half_type(monkeypatch):
    monkeypatch.setattr(exhaust, "GAMMAS", (2.0,))
    session = session_of("wrong_for_one_half_number", "float16", level="recommended")
    # The fault is in one number of 65,536; the rest of the port is not good to half an ULP in every tail.
    questions = list(exhaust.patterns(session, "float16"))
    assert sum(question.logits.size for question in questions) == 2 * 65536
    assert sum(np.isnan(question.logits).sum() for question in questions) == 2 * 2046
    here = [q for q in questions if (q.logits == 3.107421875).any()]
    monkeypatch.setattr("focal_conformance.fuzz.patterns", lambda session, dtype: iter(here))
    result = by_name(exhausted(session))["exhaust_values"]
    assert result.verdict == FAILED
    assert result.worst.logit == 3.107421875
    right = by_name(exhausted(session_of("right", "float16", level="recommended")))
    assert [each.verdict for each in right.values()] == [PASSED, PASSED]


def test_points_are_numbers_of_their_dtype_and_many_are_awkward():
    for fmt in FORMATS.values():
        generator = np.random.Generator(np.random.PCG64(0))
        logits = random_logits(fmt, 2.0, generator, 20_000, ordinary=False)
        np.testing.assert_array_equal(fmt.rounded(logits), logits)
        finite = logits[np.isfinite(logits)]
        assert np.isinf(logits).any()
        assert np.isnan(logits).any()
        assert np.mean((finite != 0.0) & (np.abs(finite) < fmt.smallest_normal)) > 0.02
        targets = random_targets(logits, fmt, generator, soft=True, subnormal=True)
        np.testing.assert_array_equal(fmt.rounded(targets), targets)
        assert ((targets >= 0.0) & (targets <= 1.0)).all()
        with np.errstate(over="ignore"):
            p = 1.0 / (1.0 + np.exp(-np.nan_to_num(logits)))
        soft = (targets > 0.0) & (targets < 1.0)
        assert np.mean(soft & (np.abs(targets - p) < 4.0 * fmt.eps * p)) > 0.02
        assert np.mean(soft & (targets > 1.0 - 4.0 * fmt.eps)) > 0.01
        assert np.mean(soft & (targets < 1e-3)) > 0.05


def test_gammas_are_near_what_code_treats_apart():
    gammas = np.array([q.parameters.gamma for q in batches(session_of("right"), "float32", 256 * 1500, 0)])
    near = np.abs(gammas[:, None] - np.array([0.0, 1.0, 2.0, 0.5, 1.5]))
    assert ((near > 0.0) & (near < 1e-4)).any(axis=0).all()
    assert (near == 0.0).any(axis=0).all()


def test_bit_patterns():
    assert from_patterns(np.array([0x3C00], dtype=np.uint64), FORMATS["float16"])[0] == 1.0
    assert from_patterns(np.array([0x3F80], dtype=np.uint64), FORMATS["bfloat16"])[0] == 1.0
    assert from_patterns(np.array([0x3F800000], dtype=np.uint64), FORMATS["float32"])[0] == 1.0
    assert from_patterns(np.array([0x3FF << 52], dtype=np.uint64), FORMATS["float64"])[0] == 1.0


@needs_oracle
def test_the_oracle_and_the_reference_agree(monkeypatch):
    """Two independent answers to the same awkward questions: a wrong one of either shows."""
    session = session_of("right", "float64", level="recommended")
    for question in [*batches(session, "float64", 1200, 11)]:
        for rule in ("linear", "cross_entropy", "margin", "expected"):
            parameters = Parameters(question.parameters.alpha, question.parameters.gamma, soft_targets=rule)
            moderate = np.abs(question.logits) < 300.0
            asked = Question(
                "sigmoid_focal", "float64", parameters, question.logits[moderate], question.targets[moderate]
            )
            proven = truth.answered(asked)
            with monkeypatch.context() as patch:
                patch.setattr(truth, "oracle_installed", lambda: False)
                computed = truth.answered(asked)
            np.testing.assert_allclose(computed.value, proven.value, rtol=1e-13, atol=1e-290)
            np.testing.assert_allclose(computed.gradient, proven.gradient, rtol=1e-9, atol=1e-15)


POINT = "sigmoid_focal/float32/alpha=0x1p-2/gamma=0x1.8p+0/point-margin-detached/x=0x1.2p+3,t=0x1p-2"
ROW = "softmax_focal/float64/alpha=0x1p-2:0x1p-1:0x0p+0/gamma=0x1p+1/row/x=0x1p+0:-inf:0x0p+0,t=0x1p-1:0x0p+0:0x1p-1"


@pytest.mark.parametrize("name", [POINT, ROW, f"{POINT}/value", POINT.replace("-margin-detached", "")])
def test_a_name_leads_to_its_point_and_back(name):
    point = named_point(name)
    assert point.case.point_id(0) == name.removesuffix("/value")
    assert point.quantities == (("value",) if name.endswith("/value") else ("value", "gradient"))


@needs_oracle
def test_show_explains_a_random_point(capsys):
    assert main(["show", POINT, "--port", f"py:{FAULTS}:right", "--framework", "torch"]) == 0
    text = capsys.readouterr().out
    assert "rule    margin, modulator detached" in text
    assert re.search(r"exact +\d\.\d{29}", text)
    assert main(["show", POINT.replace("-margin-detached", ""), "--port", f"py:{FAULTS}:right"]) == 0
    assert re.search(r"off by \S+ ULP of float32", capsys.readouterr().out)
    assert main(["show", ROW.replace("-inf", "0x1p+1").replace("0x1p-2:0x1p-1:0x0p+0/g", "none/g")]) == 0
    assert re.search(r"exact, class 2 +-?\d\.\d{29}", capsys.readouterr().out)


def test_show_says_that_numbers_are_the_references(capsys, monkeypatch):
    for module in ("truth", "ask"):
        monkeypatch.setattr(f"focal_conformance.fuzz.{module}.oracle_installed", lambda: False)
    for module in ("show", "digits"):
        monkeypatch.setattr(f"focal_conformance.commands.{module}.oracle_installed", lambda: False)
    assert main(["show", POINT]) == 0
    text = capsys.readouterr().out
    assert "the reference's float64" in text
    assert "pip install 'focal-ref[oracle]'" in text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (POINT.replace("0x1p-2/g", "0x1p+2/g"), "alpha lies between 0 and 1"),
        (POINT.replace("0x1p-2/g", "0.1/g"), "numbers of float32"),
        (POINT.replace("gamma=0x1.8p+0", "gamma=-1"), "gamma is one number from 0 to 10"),
        (POINT.replace("margin", "smooth"), "unknown rule 'smooth'"),
        (POINT.replace("t=0x1p-2", "t=2"), "targets lie between 0 and 1"),
        (POINT.replace("x=0x1.2p+3", "x=0.1"), "is no number of float32"),
        (POINT.replace("x=0x1.2p+3", "x=1:2"), "2 logits and 1 targets"),
        (POINT.replace("x=0x1.2p+3", "x=one"), "not numbers"),
        (POINT.replace(",t=", ";t="), "is not x=...,t=..."),
        (POINT.replace("float32", "float8"), "unknown dtype"),
        (POINT.replace("sigmoid_focal", "hinge"), "unknown loss"),
        (POINT.replace("/point", "/row"), "is named 'point'"),
        (f"{POINT}/curvature", "is not one of value, gradient"),
        (ROW.replace("t=0x1p-1:0x0p+0:0x1p-1", "t=3"), "the first is 0"),
        (ROW.replace("t=0x1p-1:", "t=0x1p+0:"), "sum to 1"),
        (ROW.replace("-inf:0x0p+0,", "inf:inf,"), "has no limit"),
        (ROW.replace(":0x0p+0/gamma", "/gamma"), "one for each of 3 classes"),
    ],
)
def test_a_name_that_names_nothing_is_explained(name, why, capsys):
    assert main(["show", name]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--fuzz", "-1"], "--fuzz must be >= 0"),
        (["--seed", "3"], "--fuzz N says how many"),
        (["--fuzz", "10", "--recorded"], "recorded verdicts are about the golden points"),
    ],
)
def test_flags_that_make_no_sense(flags, why, capsys):
    assert main(["verify", "peer:torchvision", *flags]) == 2
    assert why in capsys.readouterr().err


@needs_oracle
def test_the_command_line():
    command = [sys.executable, "-m", "focal_conformance", "verify", f"py:{FAULTS}:right", "--framework", "torch"]
    flags = ["--fuzz", "2500", "--seed", "4", "--check", "hard_values", "--dtype", "float32"]
    run = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "fuzz_gradients" in run.stdout
    assert "2500 random points a dtype, seed 4; judged by the oracle" in run.stdout
