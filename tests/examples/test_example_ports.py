"""The example ports are built as their READMEs say, and conform; their answers to exported questions, too."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PORTS = ROOT / "examples" / "ports"
SOURCES = {"cpp": "port.cpp", "javascript": "port.js", "onnx": "port.py"}
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "adapters", "conformance_tests")),
    # In the README the command is the python of the environment.
    "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
}
PROGRAMS = {"cpp": "g++", "javascript": "node", "onnx": "python"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A copy of an example, built by the commands of its README that need no kit."""

    def build(name):
        if shutil.which(PROGRAMS[name], path=ENVIRONMENT["PATH"]) is None:
            pytest.skip(f"{PROGRAMS[name]} is not installed")
        folder = tmp_path_factory.mktemp(name)
        shutil.copytree(PORTS / name, folder, dirs_exist_ok=True)
        for command in commands(name):
            if command.startswith("g++"):
                shell(command, folder)
        return folder

    return build


def commands(name):
    """The indented lines of a README."""
    text = (PORTS / name / "README.md").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def shell(command, folder):
    command = re.sub(r"^focal-ref\b", f"{sys.executable} -m focal_conformance", command)
    run = subprocess.run(command, shell=True, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("name", SOURCES)
def test_a_port_is_shorter_than_150_lines(name):
    assert len((PORTS / name / SOURCES[name]).read_text(encoding="utf-8").splitlines()) < 150


@pytest.mark.parametrize("name", SOURCES)
def test_it_conforms_at_the_recommended_level(name, built):
    (verify,) = [line for line in commands(name) if line.startswith("focal-ref verify") and "cmd:" in line]
    assert verify.endswith("--level recommended")
    assert "conforms" in shell(verify, built(name))


@pytest.mark.parametrize("name", ["cpp", "javascript"])
def test_its_answers_to_exported_questions_conform(name, built):
    folder = built(name)
    export, answer, verify = commands(name)[-3:]
    for command in (export, answer, verify):
        out = shell(command, folder)
    assert "conforms" in out
    assert "does not conform" not in out
