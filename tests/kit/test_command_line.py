"""The command line as a user meets it: exit codes, messages, pipes."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from focal_ref import LOSSES

ROOT = Path(__file__).parent.parent.parent
PATH = os.pathsep.join(str(ROOT / part) for part in ("", "adapters", "conformance_tests"))


def focal_ref(*arguments, cwd=ROOT, **environment):
    command = [sys.executable, "-m", "focal_conformance", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": PATH, **environment}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def array_api_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports") / "out.json"
    return focal_ref("verify", "adapter:array_api", "--json", out), out


def test_a_conforming_port_gives_zero(array_api_run):
    run, _ = array_api_run
    assert run.returncode == 0, run.stdout + run.stderr
    assert "conforms" in run.stdout


def test_a_pipe_gets_no_escape_codes_and_no_progress_bar(array_api_run):
    run, _ = array_api_run
    assert "\x1b" not in run.stdout + run.stderr
    assert run.stderr == ""


def test_json_holds_each_check(array_api_run):
    _, out = array_api_run
    reports = json.loads(out.read_text())["reports"]
    assert [report["loss"] for report in reports] == list(LOSSES)
    for report in reports:
        assert report["port"] == "adapter:array_api"
        by_name = {check["check"]: check for check in report["checks"]}
        assert by_name["hard_values"]["verdict"] == "passed"
        assert by_name["hard_values"]["max_ulp"] < 32
        assert by_name["hard_values"]["rerun"].startswith(f"focal-ref show '{report['loss']}/")


@pytest.mark.parametrize("loss", LOSSES)
def test_the_line_that_reruns_a_case_works(array_api_run, loss):
    _, out = array_api_run
    report = next(report for report in json.loads(out.read_text())["reports"] if report["loss"] == loss)
    line = next(check["rerun"] for check in report["checks"] if check["check"] == "hard_gradients")
    run = focal_ref(*shlex.split(line)[1:])
    assert run.returncode == 0, run.stdout + run.stderr
    assert "exact" in run.stdout
    assert "ULP" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["verify", "adapter:torhc"], 2, ["unknown port 'adapter:torhc'", "adapter:torch"]),
        (["verify", "torchvision"], 2, ["peer:torchvision"]),
        (["verify", "adapter:torch@jit"], 2, ["no mode 'jit'", "eager, compile"]),
        (["verify"], 2, ["--all"]),
        (["verify", "--all", "adapter:torch"], 2, ["--all"]),
        (["verify", "adapter:array_api", "--require"], 2, ["--require goes with --all"]),
        (["verify", "adapter:array_api", "--check", "nonsense"], 2, ["unknown check 'nonsense'", "hard_values"]),
        (["verify", "adapter:array_api", "--level", "best"], 2, ["--level", "recommended"]),
        (["verify", "adapter:array_api", "--loss", "hinge"], 2, ["unknown loss 'hinge'", "sigmoid_focal"]),
        (["verify", "adapter:array_api", "--timeout", "0"], 2, ["--timeout"]),
        (["verify", "py:nofile.py:loss"], 2, ["there is no file nofile.py"]),
        (["verify", "py:no_such_module:loss"], 2, ["there is no module 'no_such_module'"]),
        (["verify", "py:json"], 2, ["py:package.module:object"]),
        (["verify", "py:json:lods"], 2, ["no object 'lods'", "loads"]),
        (["verify", "py:json:loads", "--framework", "numpy"], 2, ["--argument logits=NAME"]),
        (["verify", "adapter:array_api", "--argument", "logits"], 2, ["NAME=VALUE"]),
        (["verify", "adapter:array_api", "--argument", "logit=x"], 2, ["the names are logits"]),
        (["verify", "adapter:array_api", "--device", "cuda"], 3, ["no device 'cuda'"]),
        (["verify", "adapter:array_api", "--dtype", "float16"], 3, ["does not claim float16"]),
        (["verify", "py:json:loads", "--mode", "compile"], 2, ["--mode compile is about adapters"]),
        (
            ["verify", "adapter:array_api", "--loss", "sigmoid_focal", "--class-indices"],
            2,
            ["--class-indices describes a py: port"],
        ),
        (["show", "17"], 2, ["no case '17'", "sigmoid_focal/float32"]),
        (["show", "sigmoid_focal/float32/alpha=0.3/gamma=2/special/1"], 2, ["the vectors hold no"]),
        (["show", "sigmoid_focal/float32/alpha=0.25/gamma=2/special/9999"], 2, ["indices 0 to"]),
        (["nonsense"], 2, ["verify"]),
        ([], 2, ["verify"]),
    ],
)
def test_wrong_use_is_answered(arguments, code, words):
    run = focal_ref(*arguments)
    text = " ".join((run.stdout + run.stderr).split())
    assert run.returncode == code, text
    assert all(word in text for word in words), text
    assert "Traceback" not in text


PLAIN = """
import numpy as np

def one_hot(x, t):
    if t.ndim == x.ndim:
        return t
    {index}
    return np.concatenate([np.eye(x.shape[-1]), np.zeros((1, x.shape[-1]))])[t].astype(x.dtype)

def loss(logits, targets, alpha=0.25, gamma=2.0):
    x, t = logits, one_hot(logits, targets)
    p = np.exp(-np.logaddexp(0, -x))
    p_t = p * t + (1 - p) * (1 - t)
    alpha_t = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    return {factor} * alpha_t * (1 - p_t) ** gamma * np.logaddexp(0, np.where(t == 1, -x, x))
"""


def plain_port(folder, index="", factor="1"):
    (folder / "mine.py").write_text(PLAIN.format(index=index, factor=factor))
    return "verify", "py:mine.py:loss", "--framework", "numpy", "--dtype", "float64"


@pytest.mark.parametrize(
    ("index", "code"), [("", 0), ("t = np.minimum(t, x.shape[-1] - 1)", 1)], ids=["right", "background a class"]
)
def test_class_indices_of_a_python_port_are_claimed_by_a_flag(tmp_path, index, code):
    line = (*plain_port(tmp_path, index), "--check", "class_indices", "--no-diagnosis")
    unclaimed, claimed = focal_ref(*line, cwd=tmp_path), focal_ref(*line, "--class-indices", cwd=tmp_path)
    assert unclaimed.returncode == 3
    assert "--class-indices claims them" in unclaimed.stdout
    assert claimed.returncode == code, claimed.stdout + claimed.stderr


@pytest.mark.parametrize(("factor", "code"), [("1", 0), ("3", 1)])
def test_a_reader_that_goes_changes_no_verdict(tmp_path, factor, code):
    line = (*plain_port(tmp_path, factor=factor), "--check", "hard_values", "--no-diagnosis")
    command = [sys.executable, "-m", "focal_conformance", *line]
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": PATH}, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert run.returncode == code, run.stderr
    assert run.stderr == ""


def test_unrecognised_names_and_the_flags_that_mend_it(tmp_path):
    (tmp_path / "port.py").write_text(
        "import numpy as np\n"
        "import focal_ref\n"
        "def loss(zz, tt, a, g):\n"
        "    return focal_ref.sigmoid_focal_loss(zz, tt, alpha=a, gamma=g).astype(zz.dtype)\n"
    )
    run = focal_ref("verify", "py:port.py:loss", "--framework", "numpy", cwd=tmp_path)
    assert run.returncode == 2
    assert "--argument logits=NAME" in run.stdout
    flags = [f for name in ("logits=zz", "targets=tt", "alpha=a", "gamma=g") for f in ("--argument", name)]
    run = focal_ref("verify", "py:port.py:loss", "--framework", "numpy", *flags, cwd=tmp_path)
    assert run.returncode == 0, run.stdout


def test_a_numpy_port_names_a_companion_for_its_gradient(tmp_path):
    (tmp_path / "port.py").write_text(
        "import focal_ref\n"
        "def loss(logits, targets, alpha=0.25, gamma=2.0):\n"
        "    return focal_ref.sigmoid_focal_loss(logits, targets, alpha=alpha, gamma=gamma).astype(logits.dtype)\n"
        "def both(logits, targets, alpha=0.25, gamma=2.0):\n"
        "    pair = focal_ref.sigmoid_focal_loss_value_and_gradient(logits, targets, alpha=alpha, gamma=gamma)\n"
        "    return tuple(part.astype(logits.dtype) for part in pair)\n"
        "def wrong(logits, targets, alpha=0.25, gamma=2.0):\n"
        "    value, gradient = both(logits, targets, alpha, gamma)\n"
        "    return value, -gradient\n"
    )
    alone = focal_ref("verify", "py:port.py:loss", "--framework", "numpy", "--check", "hard_gradients", cwd=tmp_path)
    assert alone.returncode == 3
    assert "not claimed" in alone.stdout
    for companion, code in (("port.py:both", 0), ("port.py:wrong", 1)):
        run = focal_ref("verify", "py:port.py:loss", "--framework", "numpy", "--gradient", companion, cwd=tmp_path)
        assert run.returncode == code, run.stdout


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise RuntimeError('broken inside')", "broken inside"),
        ("import os; os._exit(7)", "ended with code 7"),
        ("import os, signal; print('last words', flush=True); os.kill(os.getpid(), signal.SIGSEGV)", "last words"),
    ],
)
def test_a_port_that_cannot_run_gives_three(tmp_path, body, words):
    (tmp_path / "port.py").write_text(f"def loss(logits, targets, alpha=0.25, gamma=2.0):\n    {body}\n")
    run = focal_ref("verify", "py:port.py:loss", "adapter:array_api", "--framework", "numpy", cwd=tmp_path)
    assert run.returncode == 3
    assert words in run.stdout
    assert "adapter:array_api" in run.stdout


def test_a_port_that_hangs_is_ended(tmp_path):
    (tmp_path / "port.py").write_text(
        "import time\ndef loss(logits, targets, alpha=0.25, gamma=2.0):\n    time.sleep(600)\n"
    )
    run = focal_ref("verify", "py:port.py:loss", "--framework", "numpy", "--timeout", 5, cwd=tmp_path)
    assert run.returncode == 3
    assert "no answer within 5 s" in run.stdout


def test_what_a_port_prints_does_not_disturb(tmp_path):
    (tmp_path / "port.py").write_text(
        "import focal_ref\n"
        "def loss(logits, targets, alpha=0.25, gamma=2.0):\n"
        "    print('{\"report\": 1}')\n"
        "    return focal_ref.sigmoid_focal_loss(logits, targets, alpha=alpha, gamma=gamma).astype(logits.dtype)\n"
    )
    run = focal_ref("verify", "py:port.py:loss", "--framework", "numpy", "--json", "-", cwd=tmp_path)
    assert run.returncode == 0
    assert json.loads(run.stdout)["reports"][0]["verdict"] == "conforms"


def test_list_names_ports_and_what_is_installed():
    run = focal_ref("list")
    assert run.returncode == 0
    assert all(port in run.stdout for port in ("adapter:torch@compile", "peer:keras@jax", "peer:article-tf1"))


def test_a_missing_package_gives_the_command_that_installs_it(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name.split('.')[0] in ('torch', 'optax') else real(name, *a)\n"
    )
    path = os.pathsep.join([str(tmp_path), PATH])
    run = focal_ref("verify", "adapter:torch", "peer:optax", PYTHONPATH=path)
    assert run.returncode == 3
    assert "pip install 'focal-ref[torch]'" in run.stdout
    assert "pip install optax" in run.stdout


def test_a_mode_may_need_a_package_of_its_own(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name.split('.')[0] == 'triton' else real(name, *a)\n"
    )
    path = os.pathsep.join([str(tmp_path), PATH])
    run = focal_ref("verify", "adapter:torch@triton", PYTHONPATH=path)
    assert run.returncode == 3
    assert "adapter:torch@triton needs triton: pip install triton" in run.stdout
    run = focal_ref("list", PYTHONPATH=path)
    rows = {line.split()[0]: line for line in run.stdout.splitlines() if line.strip().startswith("adapter:torch")}
    assert "not installed" in rows["adapter:torch@triton"]
    assert "not installed" not in rows["adapter:torch"]


def test_a_mode_that_is_of_one_loss_refuses_the_other():
    run = focal_ref("verify", "adapter:torch@triton", "--loss", "softmax_focal")
    assert run.returncode == 2
    assert "adapter:torch@triton computes sigmoid_focal, not softmax_focal" in run.stderr + run.stdout


def test_without_the_extra_one_line_installs_it(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['rich'] = None\n")
    run = focal_ref("list", PYTHONPATH=os.pathsep.join([str(tmp_path), PATH]))
    assert run.returncode == 3
    assert run.stderr.strip() == "focal-ref needs rich: pip install 'focal-ref[conformance]'"


def test_exit_code_of_several_is_the_worst():
    from focal_conformance.report import worst_exit_code

    assert worst_exit_code([0, 1]) == 1
    assert worst_exit_code([1, 3]) == 3
    assert worst_exit_code([0, 3, 2, 1]) == 2


def test_vectors_export(tmp_path):
    run = focal_ref("vectors", "export", tmp_path)
    assert run.returncode == 0
    assert {"vectors.schema.json", "sigmoid_focal_float32.json"} <= {path.name for path in tmp_path.iterdir()}


def test_vectors_check_sees_a_changed_byte(tmp_path):
    pytest.importorskip("flint")
    focal_ref("vectors", "export", tmp_path)
    path = tmp_path / "sigmoid_focal_float16.json"
    path.write_text(path.read_text().replace("0x1.4p+3", "0x1.5p+3", 1))
    run = focal_ref("vectors", "generate", tmp_path, "--check")
    assert run.returncode == 1
    assert "sigmoid_focal_float16.json" in run.stdout


def test_pytest_suite(tmp_path):
    options = ["-p", "focal_conformance.plugin", "-q", "--pyargs", "focal_conformance.suite", "-p", "no:cacheprovider"]
    env = {**os.environ, "PYTHONPATH": PATH, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def run(*more):
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, *more], cwd=tmp_path, env=env, capture_output=True, text=True
        )

    good = run("--focal-port", "adapter:array_api", "--focal-device", "cpu")
    assert good.returncode == 0, good.stdout
    assert "passed" in good.stdout
    assert run().returncode == 2
    assert "--focal-port" in run().stdout + run().stderr
    assert run("--focal-port", "adapter:nope").returncode == 2
    (tmp_path / "port.py").write_text(
        "import numpy as np\ndef loss(logits, targets, alpha=0.25, gamma=2.0):\n    return np.zeros_like(logits)\n"
    )
    bad = run("--focal-port", f"py:{tmp_path / 'port.py'}:loss", "--focal-framework", "numpy")
    assert bad.returncode == 1
    assert "hard_values" in bad.stdout
