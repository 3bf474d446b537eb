"""The composite action: its own scripts, run as GitHub runs them, and the jobs that the documentation shows."""

import re
import stat

import pytest
import yaml
from installing import ROOT, run

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
INPUTS = ACTION["inputs"]
INSTALL, VERIFY = (step for step in ACTION["runs"]["steps"] if "run" in step)
PAGE = (ROOT / "docs" / "ci.md").read_text()
JOBS = {
    **{f"docs/ci.md {k}": text for k, text in enumerate(re.findall(r"```yaml\n(.*?)```", PAGE, re.S))},
    "workflow": (ROOT / "examples/own_repository/.github/workflows/focal-loss.yml").read_text(),
    "gitlab": (ROOT / "examples/own_repository/.gitlab-ci.yml").read_text(),
}
PORT = """
import numpy as np

def loss(z, targets, alpha=0.25, gamma=2.0):
    if z.shape != targets.shape:
        raise ValueError("shapes differ")
    ce = targets * np.logaddexp(0, -z) + (1 - targets) * np.logaddexp(0, z)
    q = np.exp(-np.logaddexp(0, z)) * targets + np.exp(-np.logaddexp(0, -z)) * (1 - targets)
    balance = 1.0 if alpha is None else {balance}
    return balance * q**gamma * ce
"""
RIGHT, SWAPPED = "alpha * targets + (1 - alpha) * (1 - targets)", "alpha * (1 - targets) + (1 - alpha) * targets"


def environment(step, **inputs):
    """Variables of a step, as GitHub fills them in."""
    unknown = set(inputs) - {name.replace("-", "_") for name in INPUTS}
    assert not unknown
    values = {name: str(inputs.get(name.replace("-", "_"), entry.get("default", ""))) for name, entry in INPUTS.items()}
    filled = {}
    for variable, expression in step["env"].items():
        (name,) = re.fullmatch(r"\$\{\{ (.*) \}\}", expression).groups()
        filled[variable] = values[name.removeprefix("inputs.")] if name.startswith("inputs.") else f"<{name}>"
    return filled


def test_inputs_reach_the_scripts_as_variables_alone():
    for step in (INSTALL, VERIFY):
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        used = set(re.findall(r"\$\{?(FOCAL_\w+)", step["run"]))
        assert used == set(step["env"])
    reached = {text for step in (INSTALL, VERIFY) for text in step["env"].values()}
    # What is not in a script is an input of the step that sets up Python.
    assert {name for name in INPUTS if f"${{{{ inputs.{name} }}}}" not in reached} == {"python-version"}
    assert [name for name, entry in INPUTS.items() if entry.get("required")] == ["port"]


@pytest.mark.parametrize("name", JOBS)
def test_jobs_are_yaml_that_names_what_there_is(name):
    jobs = yaml.safe_load(JOBS[name])
    for job in jobs.get("jobs", {"job": next(iter(jobs.values()))}).values():
        for step in job.get("steps", []):
            if "focal-ref" in step.get("uses", ""):
                assert set(step["with"]) <= set(INPUTS)
                assert "port" in step["with"]
        assert job.get("steps") or job["script"]


@pytest.fixture
def github(with_frameworks, tmp_path):
    """Runs a step in a folder with a port, and returns its output, the summary and the outputs."""
    (tmp_path / "work dir").mkdir()

    def step(balance=RIGHT, code=0, **inputs):
        (tmp_path / "work dir" / "port.py").write_text(PORT.format(balance=balance))
        summary, outputs = tmp_path / "summary.md", tmp_path / "outputs.txt"
        variables = environment(VERIFY, working_directory="work dir", **inputs)
        path = f"{with_frameworks.parent}:/usr/bin:/bin"
        out = run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", VERIFY["run"], cwd=tmp_path, code=code,
                  PATH=path, GITHUB_STEP_SUMMARY=str(summary), GITHUB_OUTPUT=str(outputs), **variables)  # fmt: skip
        return out, summary.read_text(), outputs.read_text()

    return step


NAMED = {"port": "py:port.py:loss", "framework": "numpy", "arguments": "logits=z\n"}


def test_a_port_that_conforms(github):
    out, summary, outputs = github(**NAMED, dtypes="float32, float64", html="page of it.html")
    assert "conforms" in out
    assert "`py:port.py:loss` sigmoid_focal: conforms" in summary
    assert outputs == "exit-code=0\n"


def test_a_port_that_does_not(github):
    out, summary, outputs = github(SWAPPED, 1, **NAMED, dtypes="float64", junit="tests.xml")
    assert "does not conform" in summary
    assert "hard_values" in out
    assert outputs == "exit-code=1\n"


def test_wrong_use_is_told_in_the_summary(github):
    out, summary, outputs = github(RIGHT, 2, **{**NAMED, "arguments": "z=logits"})
    assert "the names are logits" in out
    assert "exit code 2 before it had a verdict" in summary
    assert outputs == "exit-code=2\n"


def test_an_input_is_never_a_command(github, tmp_path):
    for text in ("$(touch gone)", "`touch gone`", "'; touch gone; '", '"; touch gone; "', "--help"):
        out, _, _ = github(RIGHT, 2, **{**NAMED, "port": text})
        assert "unknown port" in out
    assert not list(tmp_path.rglob("gone"))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, ["<github.action_path>[conformance]"]),
        ({"version": "1.2"}, ["focal-ref[conformance]==1.2"]),
        ({"version": "none"}, []),
        ({"version": "none", "requirements": "torch\n-e ."}, ["-r", "./focal-requirements.XXXXXX", "torch|-e .|"]),
    ],
)
def test_what_is_installed(tmp_path, inputs, words):
    fake = tmp_path / "bin" / "python"
    fake.parent.mkdir()
    fake.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\nif [ -f "${@: -1}" ]; then tr "\\n" "|" < "${@: -1}"; fi\n')
    fake.chmod(fake.stat().st_mode | stat.S_IEXEC)
    variables = environment(INSTALL, port="py:port.py:loss", **inputs)
    out = run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", INSTALL["run"], cwd=tmp_path,
              PATH=f"{fake.parent}:/usr/bin:/bin", **variables)  # fmt: skip
    out = re.sub(r"focal-requirements\.\w+", "focal-requirements.XXXXXX", out)
    assert out.splitlines() == (["-m", "pip", "install", *words] if words else [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]
