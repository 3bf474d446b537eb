"""pytest in somebody else's repository: the suite, the decorator, what is known, workers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from focal_conformance import parametrize_with_cases
from focal_conformance.ports.python import load_object

ROOT = Path(__file__).parent.parent.parent
PATH = os.pathsep.join(str(ROOT / part) for part in ("", "adapters", "conformance_tests"))
LOSSES = """
import numpy as np

def parts(logits, targets, gamma):
    if logits.shape != targets.shape:
        raise ValueError("shapes differ")
    ce = targets * np.logaddexp(0, -logits) + (1 - targets) * np.logaddexp(0, logits)
    p, q = np.exp(-np.logaddexp(0, -logits)), np.exp(-np.logaddexp(0, logits))
    return (q * targets + p * (1 - targets)) ** gamma * ce

def right(logits, targets, alpha=0.25, gamma=2.0):
    balance = 1.0 if alpha is None else alpha * targets + (1 - alpha) * (1 - targets)
    return balance * parts(logits, targets, gamma)

def swapped(logits, targets, alpha=0.25, gamma=2.0):
    balance = 1.0 if alpha is None else (1 - alpha) * targets + alpha * (1 - targets)
    return balance * parts(logits, targets, gamma)

def gamma_zero_doubled(logits, targets, alpha=0.25, gamma=2.0):
    return right(logits, targets, alpha, gamma) * (2.0 if gamma == 0.0 and alpha is None else 1.0)

def nan_at_gamma_zero(logits, targets, alpha=0.25, gamma=2.0):
    return right(logits, targets, alpha, gamma) * (np.nan if gamma == 0.0 and alpha is None else 1.0)

def other_words(z, onehot, alpha=0.25, gamma=2.0):
    return right(z, onehot, alpha, gamma)
"""
TEST = """
import losses
from focal_conformance import parametrize_with_cases

@parametrize_with_cases({port}, dtypes="float64"{more})
def test_focal_loss(case):
    case.check()
"""
LISTED = "gamma = 0 is doubled, https://example.com/7"


def run_pytest(folder, *arguments):
    options = ["-p", "focal_conformance.plugin", "-p", "xdist.plugin", "-p", "no:cacheprovider", "-q", "-rsxX"]
    env = {**os.environ, "PYTHONPATH": PATH, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments], cwd=folder, env=env, capture_output=True, text=True
    )
    return run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """The right port as an object."""
    path = tmp_path_factory.mktemp("port") / "losses_at_hand.py"
    path.write_text(LOSSES)
    return load_object(f"{path}:right")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "losses.py").write_text(LOSSES)
    return tmp_path


def decorated(folder, port, more="", *arguments):
    (folder / "test_loss.py").write_text(TEST.format(port=port, more=f", {more}" if more else ""))
    return run_pytest(folder, *arguments)


# The decorator


def test_a_right_port_passes_and_says_what_it_does_not_claim(folder):
    code, out = decorated(folder, "losses.right")
    assert code == 0, out
    assert "passed" in out
    assert "not claimed: it has no normalizer argument" in out


def test_a_wrong_port_fails_with_its_input_and_the_commands_that_show_it(folder):
    code, out = decorated(folder, "losses.swapped")
    assert code == 1
    assert "value is 0.454742 where 0.151581 is exact (2 relative), at logit -0.5, target 1, alpha 0.25, gamma 1" in out
    assert "(-0x1.0000000000000p-1)" in out
    assert "pytest 'test_loss.py::test_focal_loss[hard_values]'" in out
    (line,) = (line for line in out.splitlines() if line.startswith("focal-ref show") and "gamma=1/special/81" in line)
    assert line.endswith("--port losses.py:swapped".replace("--port ", "--port py:"))
    assert "Traceback" not in out
    assert run_pytest(folder, "test_loss.py::test_focal_loss[hard_values]")[0] == 1


def test_another_way_to_select_and_workers_see_the_same_tests(folder):
    code, out = decorated(folder, "losses.right", "", "--collect-only")
    names = {line for line in out.splitlines() if "::" in line}
    assert code == 0
    assert "test_loss.py::test_focal_loss[gamma_zero]" in names
    code, out = run_pytest(folder, "-k", "gamma_zero or saturation")
    assert (code, "2 passed" in out) == (0, True), out
    code, out = run_pytest(folder, "-n", "2", "-vv")
    ran = {line.split()[-1] for line in out.splitlines() if line.startswith("[gw")}
    assert (code, ran) == (0, names), out


def test_expected_failures_are_expected(folder):
    code, out = decorated(folder, "losses.gamma_zero_doubled", f"expected_failures={{'gamma_zero': {LISTED!r}}}")
    assert code == 0, out
    assert "1 xfailed" in out
    assert "gamma = 0 is doubled (https://example.com/7)" in out
    assert run_pytest(folder, "-n", "2")[0] == 0
    # --runxfail asks for all failures.
    assert run_pytest(folder, "--runxfail")[0] == 1


@pytest.mark.parametrize(
    ("port", "expected", "words"),
    [
        ("losses.right", {"gamma_zero": LISTED}, "passes now, and is listed as a known failure: remove the line"),
        ("losses.right", {"normalizer": LISTED}, "is not claimed now"),
        ("losses.right", {"vmap": LISTED}, "is not run for this port: remove the line"),
        (
            "losses.nan_at_gamma_zero",
            {"gamma_zero": "value is wrong ~1e0 @ float64 @ gamma=0 @ t=0 t=1 0<t<1 | doubled | https://example.com/7"},
            "fails otherwise than listed: not listed: value is nan @ float64 @ gamma=0",
        ),
    ],
)
def test_expected_failures_are_strict(folder, port, expected, words):
    code, out = decorated(folder, port, f"expected_failures={expected!r}")
    assert code == 1
    assert words in out


def test_a_failure_that_is_as_listed(folder):
    kind = "value is wrong ~1e0 @ float64 @ gamma=0 @ t=0 t=1 0<t<1 | doubled | https://example.com/7"
    code, out = decorated(folder, "losses.gamma_zero_doubled", f"expected_failures={{'gamma_zero': {kind!r}}}")
    assert (code, "1 xfailed" in out) == (0, True), out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"expected_failures": {"gamma_zreo": "r, https://a.b"}}, "unknown check 'gamma_zreo'; there are gamma_zero"),
        ({"expected_failures": {"gamma_zero": "because"}}, "expected_failures['gamma_zero']: the link is missing"),
        (
            {"expected_failures": {"gamma_zero": "https://a.b"}},
            "expected_failures['gamma_zero']: the reason is missing",
        ),
        (
            {"expected_failures": {"softmax_focal/limits": "r, https://a.b"}},
            "the loss 'softmax_focal' is not of this run",
        ),
        ({"expected_failures": "nofile.txt"}, "nofile.txt: No such file"),
        ({"level": "best"}, "level must be one of required, recommended, got 'best'"),
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
        ({"framework": "torhc"}, "torhc"),
        ({"arguments": {"target": "targets"}}, "the names are logits, targets"),
        ({"always": {"nothing": 1}}, "has no argument 'nothing'"),
        ({"transforms": "vmp"}, "vmp"),
        ({"transforms": "jit"}, "--transform jit"),
        ({"class_indices": True, "loss": "softmax_focal"}, "--class-indices is about the sigmoid loss"),
        ({"soft_targets": "linaer"}, "linaer"),
        ({"device": "tpu"}, "tpu"),
    ],
)
def test_what_cannot_be_understood_is_an_error_of_the_file(right, more, words):
    with pytest.raises(pytest.Collector.CollectError) as caught:
        parametrize_with_cases(right, **more)(lambda case: case.check())
    assert str(caught.value).startswith("parametrize_with_cases: ")
    assert words in str(caught.value)


def test_pytest_shows_the_text_of_such_an_error_alone(folder):
    code, out = decorated(folder, "losses.other_words")
    assert (code, "write --argument targets=NAME" in out, "Traceback" in out) == (2, True, False), out


@pytest.mark.parametrize(
    ("port", "words"),
    [("adapter:torhc", "unknown port 'adapter:torhc'"), (3, "got 3"), ("py:nofile.py:loss", "there is no file")],
)
def test_a_port_that_is_none(port, words):
    with pytest.raises(pytest.Collector.CollectError) as caught:
        parametrize_with_cases(port)(lambda case: case.check())
    assert words in str(caught.value)


def test_ports_of_other_kinds(folder):
    assert decorated(folder, "losses.other_words", "arguments={'logits': 'z', 'targets': 'onehot'}")[0] == 0
    assert decorated(folder, "'py:losses.py:right'")[0] == 0
    # Nothing but the test itself can find it: no command line is offered.
    code, out = decorated(folder, "lambda logits, targets: 0 * logits", "framework='numpy'")
    assert code == 1
    assert "pytest 'test_loss.py::test_focal_loss[" in out
    assert "focal-ref " not in out


def test_an_adapter_is_tested_for_both_losses(folder):
    code, out = decorated(folder, "'adapter:array_api'", "", "-k", "gamma_zero", "-vv")
    assert (code, "[sigmoid_focal-gamma_zero]" in out, "[softmax_focal-gamma_zero]" in out) == (0, True, True), out


# The suite

SUITE = ("--pyargs", "focal_conformance.suite", "--focal-dtype", "float64")
HEADER = "port: {port}\nlosses: sigmoid_focal\nlevel: required\ndevice: cpu\n"
DOUBLED = "gamma_zero | value is wrong ~1e0 @ float64 @ gamma=0 @ t=0 t=1 0<t<1 | doubled | https://example.com/7\n"


def test_flags_of_the_command_line(folder):
    words = ("--focal-port", "py:losses.py:other_words", "--focal-framework", "numpy")
    names = ("--focal-argument", "logits=z", "--focal-argument", "targets=onehot")
    code, out = run_pytest(folder, *SUITE, *words, *names)
    assert code == 0, out
    code, out = run_pytest(folder, *SUITE, *words)
    assert code == 2
    assert "write --focal-argument targets=NAME" in out


WRONG_USE = [
    (["--focal-port", "adapter:torhc"], "unknown port 'adapter:torhc'", 2),
    (["--focal-port", "py:needy.py:loss"], "pip install no_such_package", 3),
    ([], "name the port: --focal-port", 2),
    (["--focal-port", "py:losses.py:right", "--focal-argument", "z"], "--focal-argument takes NAME=VALUE", 2),
    (["--focal-port", "py:losses.py:right", "--focal-framework", "nump"], "--focal-framework: unknown 'nump'", 2),
    (["--focal-port", "py:losses.py:right", "--focal-loss", "hinge"], "unknown loss 'hinge'", 2),
    (["--focal-port", "py:losses.py:right", "--focal-known-failures", "no.txt"], "--focal-known-failures no.txt", 2),
    (["--focal-port", "py:nofile.py:right"], "there is no file nofile.py", 2),
]


@pytest.mark.parametrize(
    ("arguments", "words", "expected"),
    # With workers what is said in the main process, in a test and at collection.
    [*WRONG_USE, *(([*arguments, "-n", "2"], words, code) for arguments, words, code in WRONG_USE[:3])],
)
def test_wrong_use_and_missing_packages_have_the_exit_codes_of_the_command_line(folder, arguments, words, expected):
    (folder / "needy.py").write_text("import no_such_package\n")
    code, out = run_pytest(folder, *SUITE, *arguments)
    assert (code, words in out) == (expected, True), out


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_known_failures_of_the_suite(folder, workers):
    port = "py:losses.py:gamma_zero_doubled"
    (folder / "known.txt").write_text(HEADER.format(port=port) + DOUBLED)
    known = ("--focal-known-failures", "known.txt", *workers)
    code, out = run_pytest(folder, *SUITE, "--focal-port", port, *known)
    assert (code, "1 xfailed" in out) == (0, True), out
    right = "py:losses.py:right"
    code, out = run_pytest(folder, *SUITE, "--focal-port", right, *known)
    assert (code, f"about port '{port}'" in out) == (2, True), out
    (folder / "known.txt").write_text(HEADER.format(port=right) + DOUBLED)
    code, out = run_pytest(folder, *SUITE, "--focal-port", right, *known)
    assert (code, "passes now" in out) == (1, True), out


# An unrelated run


def test_the_plugin_imports_nothing_in_an_unrelated_run(tmp_path):
    (tmp_path / "test_other.py").write_text(
        "import sys\ndef test_other():\n"
        "    heavy = ('numpy', 'rich', 'torch', 'focal_ref', 'focal_conformance.report')\n"
        "    assert 'focal_conformance.plugin' in sys.modules\n"
        "    assert [name for name in heavy if name in sys.modules] == []\n"
    )
    code, out = run_pytest(tmp_path)
    assert code == 0, out
