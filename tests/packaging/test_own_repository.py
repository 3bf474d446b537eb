"""The example repository, copied outside the source tree, against the installed wheel."""

import shutil

import pytest
from installing import ROOT, run

EXAMPLE = ROOT / "examples" / "own_repository"
LOSSES = "src/mypackage/losses.py"
VERIFY = ("verify", "py:mypackage.losses:focal_loss", "--no-diagnosis", "--known-failures", "tests/known_failures.txt")


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "somebody" / "mypackage"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    return folder


def both(python, folder, code):
    """What pytest and the command line say."""
    tests = run(python, "-m", "pytest", "-q", cwd=folder, code=code)
    command = run(python.parent / "focal-ref", *VERIFY, cwd=folder, code=code, PYTHONPATH=str(folder / "src"))
    return tests, command


def broken(folder, old, new):
    text = (folder / LOSSES).read_text()
    assert text.count(old) == 1
    (folder / LOSSES).write_text(text.replace(old, new))


def test_it_conforms_but_for_what_it_lists(with_frameworks, repository):
    tests, command = both(with_frameworks, repository, 0)
    assert "2 xfailed" in tests
    assert "failed," not in tests
    assert "conforms but for known failures" in command


def test_with_workers(with_frameworks, repository):
    assert "2 xfailed" in run(with_frameworks, "-m", "pytest", "-q", "-n", "2", cwd=repository)


def test_a_mended_loss_makes_its_lines_stale(with_frameworks, repository):
    # What the README says.
    (line,) = (line.strip() for line in (EXAMPLE / "README.md").read_text().splitlines() if "clamp" in line)
    broken(repository, "    loss = miss**gamma", f"    {line}\n    loss = miss**gamma")
    for out in both(with_frameworks, repository, 1):
        assert "passes now, and is listed as a known failure: remove the line" in out


def test_a_broken_loss_fails(with_frameworks, repository):
    broken(repository, "(alpha * t + (1 - alpha) * (1 - t))", "((1 - alpha) * t + alpha * (1 - t))")
    tests, command = both(with_frameworks, repository, 1)
    assert "FAILED tests/test_focal_loss.py::test_focal_loss[hard_values]" in tests
    assert "focal-ref show 'sigmoid_focal/" in tests
    assert "hard_values: fails, and tests/known_failures.txt does not list it" in " ".join(command.split())
