"""The benchmarks run and refuse what they should; what they measure is tested by nobody."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cases, contest, data, memory, processes
from benchmarks.contestants import Entrant

ROOT = Path(__file__).parent.parent.parent
PATH = os.pathsep.join(str(ROOT / part) for part in ("", "adapters", "conformance_tests"))


def benchmarks(*arguments, **environment):
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": PATH, **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def numpy_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmarks")
    files = folder / "run.json", folder / "run.md"
    flags = "--elements", 2000, "--rounds", 2, "--threads", 1, "--only", "numpy/float64/base"
    return benchmarks(*flags, "--json", files[0], "--markdown", files[1]), *files


def test_a_run_prints_header_ratio_and_memory_and_no_escape_codes(numpy_run):
    run, _, _ = numpy_run
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "\x1b" not in run.stdout
    assert "load average" in run.stdout
    assert "command: python -m benchmarks --elements 2000" in run.stdout
    assert "numpy/float64/base" in run.stdout


def test_json_holds_samples_ratios_and_measures(numpy_run):
    _, file, _ = numpy_run
    document = json.loads(file.read_text())
    assert document["format"] == "focal-ref benchmarks 1"
    assert document["machine"]["threads"] == 1
    (result,) = document["cases"]
    assert result["work"]["elements"] == 2000
    assert {name: len(facts["seconds"]) for name, facts in result["contestants"].items()} == {"ours": 2, "naive": 2}
    (row,) = result["ratios"]
    ours, naive = (np.asarray(result["contestants"][name]["seconds"]) for name in ("ours", "naive"))
    assert row["ratio"] == pytest.approx(np.median(ours / naive))
    assert row["reached"] == (row["ratio"] <= row["to_reach"])
    assert {(row["contestant"], row["what"]) for row in result["measures"]} >= {("ours", "extra MiB")}


def test_the_page_is_the_same_from_the_file(numpy_run, tmp_path):
    _, file, page = numpy_run
    again = tmp_path / "again.md"
    assert benchmarks("page", file, "--markdown", again).returncode == 0
    assert again.read_text() == page.read_text()
    assert "| numpy/float64/base |" in page.read_text()


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--rounds", "0"), "--rounds"),
        (("--rounds", "two"), "--rounds"),
        (("--elements", "79"), "--elements"),
        (("--threads", "100000"), "--threads"),
        (("--device", "tpu"), "--device"),
        (("--json", "no/such/folder/x.json"), "--json"),
        (("--only", "no-such-case"), "no-such-case"),
        (("--only", ""), "--only"),
        (("--device", "cuda", "--only", "jax"), "jax"),
        (("--no-such-flag",), "--no-such-flag"),
        (("growth", "--max", "10"), "--max"),
        (("growth", "--plot", "plot.txt"), "--plot"),
        (("growth", "--only", "small"), "small"),
        (("page", "README.md", "--markdown", "build.md"), "README.md"),
        (("page",), "JSON"),
    ],
)
def test_wrong_flags_are_one_line_and_exit_code_2(flags, word):
    run = benchmarks(*flags)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert word in run.stderr


def test_no_cuda_is_one_line_and_exit_code_2():
    run = benchmarks("--device", "cuda", "--only", "torch/eager/base", CUDA_VISIBLE_DEVICES="")
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "CUDA" in run.stderr


def test_the_list_names_every_case_once():
    run = benchmarks("--list")
    names = [line.split()[0] for line in run.stdout.splitlines()[1:]]
    assert names == [case.name for case in cases.all_cases()]
    assert len(set(names)) == len(names)


def test_the_ratio_is_the_median_of_the_rounds():
    taken = {"ours": [1.0, 9.0, 3.0], "theirs": [2.0, 3.0, 3.0]}
    row = contest.compared(cases.Duel("ours", "theirs", 0.9), taken)
    assert row["ratio"] == 1.0
    assert row["quartiles"] == [0.75, 2.0]
    assert row["reached"] is False
    assert contest.compared(cases.Duel("ours", "theirs", 1.0), taken)["reached"] is True


def test_contestants_take_turns():
    turns = []
    entrants = {name: Entrant(lambda name=name: turns.append(name), None) for name in "abc"}

    def clock(call, calls):
        call()
        return 1.0

    taken = contest.samples(entrants, 3, clock, lambda label: None)
    assert "".join(turns[-9:]) == "abcbcacab"
    assert {name: len(seconds) for name, seconds in taken.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_gradient_of_another_alpha_is_far_from_the_reference():
    work = cases.Work("base", rows=50)
    arrays = data.made(work)
    value, gradient = data.reference(work, arrays)
    assert data.distance(value, gradient, value, gradient) == (0.0, 0.0)
    other = np.where(arrays.targets == 1.0, 1.1, 1.0) * gradient
    assert data.distance(value, other, value, gradient)[1] > data.TOLERANCE["float32"]


@pytest.mark.skipif(not memory.CLEAR.exists(), reason="this system does not tell the peak of a process")
def test_the_peak_of_a_step_counts_its_gradient():
    """Also where the step before left one, which the next one frees."""
    pytest.importorskip("torch")
    # So large an array is a mapping of its own, which the process gives back.
    case = cases.named("torch/eager/base", "cpu", 10_000_000)
    others = {name: "not asked" for name in case.contestants if name != cases.OURS}
    request = processes.Request(case.name, 0, 2, elements=case.work.elements, measures=False, left_out=others)
    result = processes.run(request, case.contestants, lambda label: None)
    ours = result["contestants"][cases.OURS]
    assert ours["not_measured"] is None
    # Less what was free in pages that the process had.
    assert ours["peak_bytes"] > 3.9 * case.work.elements
