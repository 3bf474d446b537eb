"""Ports in other languages that hang, crash, flood and break the protocol: one clear line, the right exit code."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from focal_conformance import verify
from focal_conformance.ports.port import Options, PortMissing, UsageError
from focal_conformance.ports.resolve import check_name, losses_of, resolve

ROOT = Path(__file__).parent.parent.parent
PATH = os.pathsep.join(str(ROOT / part) for part in ("", "adapters", "conformance_tests"))
SCRIPT = Path(__file__).parent / "abused_port.py"
BROKEN = {
    "hangs at run": r"^run 1: it gave no answer within 1 s$",
    "crashes": r"^run 1: it ended with exit code 1; .*\n.*Traceback(.|\n)*MemoryError: out of everything$",
    "aborts": r"^run 1: it was ended by signal 6 \(SIGABRT\)$",
    "exits after five": r"^run 5: it ended with exit code 0$",
    "exits, its child stays": r"^run 1: it ended with exit code 7$",
    "closes stdin": r"^run 2: it closed its standard input$",
    "closes stdout": r"^run 1: it closed its standard output$",
    "floods stdout": r"^run 1: it wrote \d+ bytes without an end of line: 'noise noise",
    "floods stdout with lines": r"^answer to run 1: not a JSON object: 'noise'$",
    "invalid utf-8": r"^answer to run 1: byte 8 is not UTF-8: ",
    "prints": r"^answer to run 1: not a JSON object: 'loss is 0.5'$",
    "null data": r"^answer to run 1: value\.data: None is not of type 'array'$",
    "null number": r"^answer to run 1: value\.data\[0\]: None is not of type 'string', 'number'$",
    "true": r"^answer to run 1: value\.data\[0\]: True is not of type 'string', 'number'$",
    "complex": r"^answer to run 1: value\.data\[0\]: '1\+2j' does not match ",
    "one number too few": r"^answer to run 1: value: data holds 11 numbers, shape \[4, 3\] needs 12$",
    "unknown dtype": r"^answer to run 1: value\.dtype: 'float8' is not one of ",
    "negative length": r"^answer to run 1: value\.shape\[0\]: -1 is less than the minimum of 0$",
    "another id": r"^answer to run 1: id: it answers '0', asked was '1'$",
    "no id": r"^answer to run 1: 'id' is a required property$",
    "misspelt": r"^answer to run 1: Additional properties .*'gradeint' was unexpected",
    "no gradient": r"^answer to run \d+: gradient: it is declared and wanted, and is not there$",
    "nan literal": r'^answer to run 1: NaN is not JSON: write the string "NaN"$',
    "huge integer": r"^answer to run 1: 10{39} is beyond float64$",
    "refused and answered": r"^answer to run 1: refused: it stands beside results$",
    "twice": r"^(run 2: it wrote what no question asked for: |answer to run 2: id: it answers '1', asked was '2')",
    "empty line": r"^answer to run 1: not a JSON object: ''$",
    "a list": r"^answer to run 1: \[.* \.\.\. .*\] is not of type 'object'$",
    "deep": r"^answer to run 1: not a JSON object: ",
    "hangs at stop": r"^after stop: it did not end within 1 s$",
    "fails at stop": r"^after stop: it ended with exit code 3$",
    "speaks after stop": r"^after stop: it wrote what no question asked for: 'goodbye'$",
}
UNSTARTED = {
    "hangs at start": r"^start: it gave no answer within 1 s$",
    "crashes at start": r"^start: it ended with exit code 1; its standard error ends in:\n  cannot find my weights$",
    "another protocol": r"^answer to start: protocol: 1 was expected$",
    "unknown loss": r"^answer to start: losses: 'dice' (is not one of|does not match)",
    "unknown field": r"^answer to start: losses\.sigmoid_focal: Unevaluated properties .*'alpha_of' was unexpected",
}
OPTIONS = Options(answer_timeout=1.0)


@pytest.fixture(autouse=True)
def import_path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", PATH)


def abused(*how):
    return f"cmd:{shlex.join([sys.executable, str(SCRIPT), *map(str, how)])}"


def quick(how, **settings):
    # A loaded machine needs more than a second for what does not hang.
    options = OPTIONS if "hangs" in how else Options(answer_timeout=30.0)
    checks = ("result_kind", "hard_gradients")
    return verify(abused(how), checks=checks, diagnosis=False, options=options, **settings)


@pytest.mark.parametrize("how", BROKEN)
def test_what_breaks_the_protocol_ends_the_run(how):
    report = quick(how)
    assert re.search(BROKEN[how], report.error), report.error
    assert report.exit_code == 3
    assert report.verdict == "cannot be run"
    assert len(report.error) < 20_000


@pytest.mark.parametrize("how", UNSTARTED)
def test_a_port_that_does_not_start_cannot_be_run(how, monkeypatch):
    report = quick(how)
    assert re.search(UNSTARTED[how], report.error), report.error
    assert report.exit_code == 3
    assert losses_of(abused(how), None, 1.0) == ("sigmoid_focal",)


@pytest.mark.parametrize("how", ["", "floods stderr"])
def test_what_keeps_the_protocol_conforms(how):
    report = quick(how)
    assert report.exit_code == 0, report.error or [check.failures for check in report.checks]
    assert {check.verdict for check in report.checks} == {"passed"}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("another dtype", "dtype float32, expected float64"),
        ("another shape", r"shape \(1, 4, 3\), expected \(4, 3\)"),
        ("refuses everything", "raised Refused: refused: not today nor tomorrow"),
    ],
)
def test_what_is_only_wrong_does_not_conform(how, message):
    report = quick(how)
    assert report.exit_code == 1
    assert any(re.search(message, failure) for check in report.checks for failure in check.failures)


def test_what_was_checked_before_it_broke_is_kept():
    report = quick("hangs at stop")
    assert [check.verdict for check in report.checks] == ["passed", "passed"]
    assert report.exit_code == 3


def test_a_hanging_port_is_killed_with_its_children(tmp_path):
    note = tmp_path / "pids"
    port = abused("hangs with a child", note)
    report = verify(port, checks=("result_kind",), options=Options(answer_timeout=8.0))
    assert report.exit_code == 3
    for pid in map(int, note.read_text().split()):
        assert _gone(pid)


def test_a_run_that_is_ended_takes_the_port_with_it(tmp_path):
    note = tmp_path / "pids"
    run = focal_ref("verify", abused("hangs with a child", note), "--loss", "sigmoid_focal", "--timeout", "15")
    assert run.returncode == 3
    text = " ".join(run.stdout.split())
    assert "no answer within 15 s (it was at: values, hard targets); --timeout gives it longer" in text
    for pid in map(int, note.read_text().split()):
        assert _gone(pid)


def _gone(pid):
    """Not there, or a zombie that nobody has waited for."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("cmd:./no_such_port", UsageError, "there is no file ./no_such_port"),
        ("cmd:no_such_program --fast", PortMissing, "there is no program 'no_such_program' on the PATH"),
        ("cmd:port.txt", PortMissing, "there is a file of that name here: cmd:./port.txt"),
        ("cmd:./port.txt", PortMissing, r"port.txt is not executable: chmod \+x ./port.txt"),
        ("cmd:./port.bin", PortMissing, "it cannot be started: Exec format error"),
        ("cmd:'./port", UsageError, "no closing quotation"),
        ("cmd:", UsageError, "unknown port 'cmd:'"),
        ("cmd: ", UsageError, "names no command"),
    ],
)
def test_what_cannot_be_started_is_told(name, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("port.txt").write_text("no program")
    Path("port.bin").write_bytes(b"\x00\x01\x02")
    Path("port.bin").chmod(0o755)
    with pytest.raises(error, match=message):
        resolve(name, Options())


def test_a_loss_that_is_not_declared_is_wrong_use():
    with pytest.raises(UsageError, match="declares sigmoid_focal, not softmax_focal"):
        resolve(abused(), Options(loss="softmax_focal"))


def test_names_with_arguments_are_names():
    check_name("cmd:node 'my port.js' --flag")


def focal_ref(*arguments):
    command = [sys.executable, "-m", "focal_conformance", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_the_next_port_still_runs():
    ports = [abused("hangs at run"), "cmd:./no_such_port", abused()]
    run = focal_ref("verify", *ports, "--check", "result_kind", "--answer-timeout", "8", "--jobs", "1", "--json", "-")
    reports = json.loads(run.stdout)["reports"]
    assert [report["port"] for report in reports] == ports
    assert [report["exit_code"] for report in reports] == [3, 2, 0]
    assert reports[0]["error"] == "run 1: it gave no answer within 8 s"
    assert "there is no file ./no_such_port" in reports[1]["error"]
    assert run.returncode == 2


def test_show_asks_the_port():
    case = "sigmoid_focal/float64/alpha=0.25/gamma=2/special/71"
    run = focal_ref("show", case, "--port", abused())
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("within the required level's tolerance") == 2
    run = focal_ref("show", case, "--port", abused("prints"))
    assert run.returncode == 3
    assert "answer to run 1: not a JSON object" in run.stdout


def test_pytest_runs_a_port_and_ends_where_it_breaks():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "focal_conformance.suite"]
    command += ["-p", "focal_conformance.plugin"] if not _plugin_installed() else []

    def run(how, check):
        arguments = ["--focal-port", abused(how), "-k", check]
        return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True)

    right = run("", "result_kind or repeatable")
    assert right.returncode == 0, right.stdout + right.stderr
    assert "2 passed" in right.stdout
    broken = run("prints", "result_kind")
    assert broken.returncode == 3, broken.stdout + broken.stderr
    assert "answer to run 1: not a JSON object" in broken.stdout


def _plugin_installed():
    from importlib.metadata import entry_points

    return any(point.name == "focal_conformance" for point in entry_points(group="pytest11"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("cmd:./port", "--argument", "logits=x"), "--argument describes a py: port"),
        (("cmd:./port", "--framework", "torch"), "--framework describes a py: port"),
        (("cmd:./port", "--device", "cuda"), "a cmd: port chooses its device itself"),
        (("cmd:./port", "--answer-timeout", "0"), "--answer-timeout must be a number > 0, got 0"),
        (("adapter:array_api", "--answer-timeout", "5"), "--answer-timeout is about cmd: ports"),
    ],
)
def test_flags_that_make_no_sense_are_refused(flags, message):
    run = focal_ref("verify", *flags)
    assert run.returncode == 2, run.stdout + run.stderr
    assert message in run.stderr
