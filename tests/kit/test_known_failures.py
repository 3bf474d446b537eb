"""Known failures: what a failure is, what the file refuses, and that only what fails as listed is accepted."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from focal_conformance.checks.places import describe_error
from focal_conformance.failure_kinds import Atom, difference, kinds_of, of_dtypes, parsed, text_of
from focal_conformance.known_failures import Run, judge, read, updated
from focal_conformance.ports import UsageError
from focal_conformance.report import FAILED, KNOWN, NOT_CLAIMED, PASSED, CheckResult, Point, Report
from focal_conformance.vectors.load import cases

ROOT = Path(__file__).parent.parent.parent
HEADER = "port: py:port.py:loss\nlosses: sigmoid_focal\nlevel: required\ndevice: cpu\n"
NAN = "gradient is nan @ float32 float64 @ 0<gamma<1"
LINE = f"gamma_below_one | {NAN} | no slope at 0 | https://example.com/7\n"
RUN = Run("py:port.py:loss", ("sigmoid_focal",), "required", "cpu")


def point(got, exact, dtype="float32", gamma="2", quantity="value", points="special", ulp=1e4):
    return Point(f"sigmoid_focal/{dtype}/alpha=0.25/gamma={gamma}/{points}/17/{quantity}", 1.0, 1.0, exact, got, ulp)


def kinds(*failures):
    return text_of(kinds_of(failures))


# What a failure is


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ((1e6, "gradient is nan where", point(float("nan"), 1.0, gamma="0.5")), "value is nan @ float32 @ 0<gamma<1"),
        ((1e6, "value is inf where", point(float("-inf"), 1.0, gamma="0")), "value is infinite @ float32 @ gamma=0"),
        ((13.0, "value is 1 where", point(1.03, 1.0)), "value is wrong ~1e-2 @ float32 @ gamma>=1"),
        ((25.0, "value is 1 where", point(9e9, 1.0)), "value is wrong ~1e2 @ float32 @ gamma>=1"),
        ((12.0, "reversed gradient:", point(-1.0, 1.0)), "value has the wrong sign @ float32 @ gamma>=1"),
        ((14.5, "reversed gradient:", point(-1e-12, 1.0)), "value is wrong ~1e0 @ float32 @ gamma>=1"),
        (
            (1.0, "value off by 1e4 ULP of float32", point(1.1, 1.0)),
            "value is beyond its ULP bound ~1e4 @ float32 @ gamma>=1",
        ),
        (
            (1.0, "value is 3 where alpha_t = 0 makes it exactly 0", point(3.0, 0.0)),
            "value is not 0 where alpha_t is 0 @ float32 @ gamma>=1",
        ),
        (
            (1e6, "value is nan where 1 is exact, at logit 1, gamma 2, rule 'margin', modulator detached, float32",
             point(float("nan"), 1.0)),
            "value is nan, rule 'margin', modulator detached @ float32 @ gamma>=1",
        ),
        ((1e6, "value is nan", point(float("nan"), 1.0, gamma="0x1.8p-1")), "value is nan @ float32 @ 0<gamma<1"),
        ((1.0, "'sum' of float16: dtype float32, want float16", None), "'sum' of *: dtype float32, want * @ float16"),
        ((1.0, "wrong for logits of shape (6, 2), 5 of 12", None), "wrong for logits of shape (6, 2), # of #"),
        ((1.0, "mask (4, 1), 'sum': value nan, expected 0.25", None), "mask (4, 1), 'sum': value nan, expected #"),
        (
            (1.0, "value, float64, alpha=None, gamma=0.1: raised RuntimeError: at 0x7f3a | it; broke", None),
            "value, *: raised RuntimeError: at # it broke @ float64 @ 0<gamma<1",
        ),
    ],
)  # fmt: skip
def test_a_kind_has_no_digits_that_differ_between_machines(failure, kind):
    assert kinds(failure) == kind
    assert text_of(parsed(kind)) == kind


def test_what_checks_say_is_understood():
    # The words of a message and the kinds are written in two places.
    case = next(case for case in cases("sigmoid_focal", "float32") if case.alpha == 0.25 and case.gamma == 2.0)
    for got, exact, kind in ((1.5, 1.0, "is wrong ~1e0"), (float("nan"), 1.0, "is nan"), (-1.0, 1.0, "wrong sign")):
        message = describe_error("gradient", got, exact, case, (0,))
        assert kind in kinds((14.5, message, point(got, exact, quantity="gradient")))


def test_kinds_of_many_failures_are_gathered():
    failures = [
        (1e6, "gradient is nan", point(float("nan"), 1.0, dtype, gamma, "gradient"))
        for dtype in ("float64", "float32")
        for gamma in ("0.9", "0.1")
    ]
    assert kinds(*failures) == NAN
    assert kinds(*failures[:3], (13.0, "", point(1.03, 1.0))) == f"{NAN} ; value is wrong ~1e-2 @ float32 @ gamma>=1"
    assert kinds(*failures[:2], (1e6, "", point(float("nan"), 1.0, "float32", "0", "gradient"))) == (
        "gradient is nan @ float64 @ 0<gamma<1 ; gradient is nan @ float32 @ gamma=0"
    )


def test_targets_on_one_side_are_another_kind():
    one, both = ((1e6, "", point(float("nan"), 1.0, dtype)) for dtype in ("float32", "float64"))
    text = text_of(kinds_of([one, both], [("t=1",), ("t=0", "t=1")]))
    assert text == "value is nan @ float64 @ gamma>=1 @ t=0 t=1 ; value is nan @ float32 @ gamma>=1 @ t=1"
    assert text_of(parsed(text)) == text
    swapped = text.removesuffix("t=1") + "t=0"
    assert difference(parsed(text), parsed(swapped)) == (
        "not listed: value is nan @ float32 @ gamma>=1 @ t=0; no longer there: value is nan @ float32 @ gamma>=1 @ t=1"
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (NAN, ""),
        (NAN.replace("float64", ""), "no longer there: gradient is nan @ float64"),
        (NAN.replace("nan", "infinite"), "not listed: gradient is infinite"),
        (NAN.replace("0<gamma<1", "gamma=0 0<gamma<1"), "not listed: gradient is nan @ float32 float64 @ gamma=0"),
        (f"{NAN} ; value is wrong ~1e0 @ float32", "not listed: value is wrong ~1e0 @ float32"),
    ],
)
def test_another_failure_is_seen(found, words):
    assert difference(parsed(NAN), parsed(found)).startswith(words)
    assert bool(difference(parsed(NAN), parsed(found))) == bool(words)


@pytest.mark.parametrize(("size", "same"), [(-3, True), (-2, True), (-4, True), (0, False), (-5, False)])
def test_an_error_may_move_by_one_power_of_ten(size, same):
    listed, found = (parsed(f"value is wrong ~1e{s} @ float32 @ gamma>=1") for s in (-3, size))
    assert (difference(listed, found) == "") is same


def test_a_run_of_one_dtype_asks_for_its_part():
    assert set(of_dtypes(parsed(NAN), ("float64",))) == {Atom("gradient is nan", "float64", "0<gamma<1")}
    assert of_dtypes(parsed(NAN), ("float16",)) == {}
    assert len(of_dtypes(parsed("raised TypeError: no"), ("float16",))) == 1


# The file


def written(folder, text):
    path = folder / "known.txt"
    path.write_text(text)
    return path


def test_comments_and_blank_lines_are_allowed(tmp_path):
    known = read(
        written(tmp_path, f"# why\n\n{HEADER}\n  # more\n{LINE}sigmoid_focal/limits | value is nan | r | http://a.b\n")
    )
    assert [entry.name for entry in known.entries] == ["sigmoid_focal/gamma_below_one", "sigmoid_focal/limits"]
    assert known.entries[0].explanation == "no slope at 0 (https://example.com/7)"
    assert known.entries[1].place.endswith("known.txt:10")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + "gamma_zero | value is nan | | https://example.com\n", ":5: the reason is missing"),
        (HEADER + "gamma_zero | value is nan | because |\n", ":5: the link is missing"),
        (HEADER + "gamma_zero | value is nan | WRITE THE REASON | https://example.com\n", ":5: the reason is missing"),
        (HEADER + "gamma_zero | value is nan | because | WRITE THE LINK\n", ":5: the link is missing"),
        (HEADER + "gamma_zero | value is nan | because | ticket 7\n", ":5: the link 'ticket 7' is no http"),
        (HEADER + "gamma_zero | value is nan | because\n", ":5: 3 columns"),
        (
            HEADER + "gamma_zreo | value is nan | r | https://a.b\n",
            ":5: unknown check 'gamma_zreo'; there are gamma_zero",
        ),
        (
            HEADER + "softmax_focal/limits | value is nan | r | https://a.b\n",
            ":5: the loss 'softmax_focal' is not of this",
        ),
        (HEADER + "gamma_zero | value is nan @ float31 | r | https://a.b\n", ":5: the failure"),
        (HEADER + "gamma_zero | value is wrong ~1ex @ float32 | r | https://a.b\n", "no power of ten"),
        (HEADER + "gamma_zero | | r | https://a.b\n", ":5: the failure '' cannot be read: it is empty"),
        (HEADER + LINE + LINE, ":6: sigmoid_focal/gamma_below_one is listed twice"),
        (HEADER + "gamma_zero\n", ":5: 'gamma_zero' is neither a line"),
        (HEADER + LINE + "level: recommended\n", ":6: 'level' stands once"),
        (HEADER.replace("required", "best"), ":3: level 'best'"),
        (HEADER.replace("sigmoid_focal", "hinge"), ":2: losses 'hinge'"),
        (HEADER.replace("device: cpu\n", ""), "no 'device'"),
        (
            HEADER.replace("sigmoid_focal", "sigmoid_focal, softmax_focal") + LINE,
            ":5: of which loss is 'gamma_below_one'?",
        ),
    ],
)
def test_the_reader_names_the_line_that_is_wrong(tmp_path, text, words):
    with pytest.raises(UsageError) as caught:
        read(written(tmp_path, text))
    assert words in str(caught.value)


# The verdict


def report(**verdicts):
    checks = [
        CheckResult(name, name, "required", verdict, failures=[] if verdict == PASSED else ["nan"],
                    signature=NAN if verdict == FAILED else "")
        for name, verdict in verdicts.items()
    ]  # fmt: skip
    made = Report("py:port.py:loss", "sigmoid_focal", "required", "cpu", checks=checks)
    return made.close()


def judged(tmp_path, made, text=HEADER + LINE, run=RUN):
    told = judge(made, read(written(tmp_path, text)), run)
    return made.exit_code, {check.check: check.verdict for check in made.checks}, told


def test_failing_as_listed_is_a_known_failure(tmp_path):
    made = report(hard_values=PASSED, gamma_below_one=FAILED)
    assert judged(tmp_path, made) == (0, {"hard_values": PASSED, "gamma_below_one": KNOWN}, [])
    assert made.checks[1].known == "no slope at 0 (https://example.com/7)"
    assert made.verdict == "conforms but for known failures"


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ({"gamma_below_one": PASSED}, "gamma_below_one: passes now, and is listed as a known failure: remove the line"),
        ({"gamma_below_one": NOT_CLAIMED, "layouts": PASSED}, "gamma_below_one: is not claimed now"),
        ({"layouts": PASSED}, "is not run for this port: remove the line"),
        ({"gamma_below_one": FAILED, "layouts": FAILED}, "layouts: fails, and"),
    ],
)
def test_stale_absent_and_unlisted_fail_the_run(tmp_path, verdicts, words):
    code, _, told = judged(tmp_path, report(**verdicts))
    assert code == 1
    assert len(told) == 1
    assert words in told[0]


def test_another_failure_of_a_listed_check_fails_the_run(tmp_path):
    made = report(gamma_below_one=FAILED)
    code, verdicts, told = judged(tmp_path, made, HEADER + LINE.replace("float32 float64", "float64"))
    assert (code, verdicts) == (1, {"gamma_below_one": FAILED})
    assert "fails otherwise than listed: not listed: gradient is nan @ float32 @ 0<gamma<1" in told[0]


def test_what_was_not_asked_is_not_stale(tmp_path):
    part = replace(RUN, checks=("layouts",))
    assert judged(tmp_path, report(layouts=PASSED), run=part)[0] == 0
    half = replace(RUN, dtypes=("float16",))
    assert judged(tmp_path, report(gamma_below_one=PASSED), run=half)[0] == 0
    # It fails there, and was listed for other dtypes.
    made = report(gamma_below_one=FAILED)
    made.checks[0].signature = NAN.replace("float32 float64", "float16")
    code, _, told = judged(tmp_path, made, run=half)
    assert code == 1
    assert "not listed: gradient is nan @ float16" in told[0]


def test_a_port_that_cannot_be_run_stays_so(tmp_path):
    made = Report("py:port.py:loss", "sigmoid_focal", "required", "cpu", error="crashed")
    assert judged(tmp_path, made)[0] == 3


# --update


def test_update_keeps_what_stays_and_asks_for_the_rest(tmp_path):
    text = f"# ours\n{HEADER}\n# tracked since May\n{LINE}layouts | old failure | why | https://a.b\nlimits | x | y | https://a.b\n"
    path = written(tmp_path, text)
    new, unexplained = updated(
        text, read(path), [report(gamma_below_one=FAILED, layouts=FAILED, gamma_zero=FAILED)], RUN
    )
    assert f"# ours\n{HEADER}\n# tracked since May\n{LINE}# was: layouts | old failure" in new
    assert f"sigmoid_focal/layouts | {NAN} | WRITE THE REASON | WRITE THE LINK" in new
    assert "limits" not in new
    assert unexplained == ["sigmoid_focal/layouts", "sigmoid_focal/gamma_zero"]
    path.write_text(new)
    with pytest.raises(UsageError, match="the reason is missing"):
        read(path)
    again, still = updated(
        new, read(path, unexplained=True), [report(gamma_below_one=FAILED, layouts=FAILED, gamma_zero=FAILED)], RUN
    )
    assert (again, still) == (new, unexplained)


PORT = """
import numpy as np

def loss(logits, targets, alpha=0.25, gamma=2.0):
    x, t = logits, targets
    ce = t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    q = np.exp(-np.logaddexp(0, x)) * t + np.exp(-np.logaddexp(0, -x)) * (1 - t)
    value = q**gamma * ce
    return value if alpha is None else ({balance}) * value
"""
RIGHT, SWAPPED, CONSTANT = "alpha * t + (1 - alpha) * (1 - t)", "(1 - alpha) * t + alpha * (1 - t)", "1 - alpha"


def focal_ref(folder, *arguments, port="py:port.py:loss"):
    path = os.pathsep.join(str(ROOT / part) for part in ("", "adapters", "conformance_tests"))
    run = subprocess.run(
        [sys.executable, "-m", "focal_conformance", "verify", port, "--no-diagnosis", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A wrong port with its file, explained."""
    folder = tmp_path_factory.mktemp("port")
    (folder / "port.py").write_text(PORT.format(balance=SWAPPED))
    code, out = focal_ref(folder, "--known-failures", "known.txt", "--update")
    assert code == 1, out
    assert "sigmoid_focal/hard_values needs a reason and a link" in out
    text = (folder / "known.txt").read_text()
    assert "sigmoid_focal/hard_values | value is wrong ~1e0 @ bfloat16" not in text
    (folder / "known.txt").write_text(text.replace("WRITE THE REASON | WRITE THE LINK", "swapped | https://a.b/1"))
    return folder


def test_command_line_accepts_what_it_wrote(listed):
    code, out = focal_ref(listed, "--known-failures", "known.txt")
    assert code == 0, out
    assert "conforms but for known" in out
    before = (listed / "known.txt").read_text()
    assert focal_ref(listed, "--known-failures", "known.txt", "--update")[0] == 0
    assert (listed / "known.txt").read_text() == before


def test_command_line_accepts_the_part_of_one_dtype(listed):
    code, out = focal_ref(listed, "--known-failures", "known.txt", "--dtype", "float64")
    assert code == 0, out


@pytest.mark.parametrize(("balance", "words"), [(RIGHT, "passes now"), (CONSTANT, "fails otherwise than listed")])
def test_command_line_refuses_another_state_of_the_port(listed, tmp_path, balance, words):
    (tmp_path / "port.py").write_text(PORT.format(balance=balance))
    (tmp_path / "known.txt").write_text((listed / "known.txt").read_text())
    code, out = focal_ref(tmp_path, "--known-failures", "known.txt", "--dtype", "float64")
    assert code == 1
    assert words in out
    assert "known.txt:" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--update"], "--update rewrites the file of --known-failures"),
        (["--known-failures", "nofile.txt"], "nofile.txt: No such file"),
        (["--known-failures", "known.txt", "--all"], "give --all"),
        (
            ["--known-failures", "known.txt", "--level", "recommended"],
            "about level 'required', this run about 'recommended'",
        ),
        (["--known-failures", "known.txt", "--loss", "softmax_focal"], "this run about 'softmax_focal'"),
        (["--known-failures", "known.txt", "--device", "cuda"], "about device 'cpu'"),
        (["--known-failures", "known.txt", "--update", "--dtype", "float32"], "from --dtype float32"),
        (["--known-failures", "known.txt", "--update", "--check", "limits"], "from --check limits"),
        (["--known-failures", "known.txt", "--update", "--fuzz", "100"], "from --fuzz 100"),
        (["--known-failures", "known.txt", "--update", "--level", "recommended"], "about level 'required'"),
        (["--known-failures", "known.txt", "--recorded"], "--recorded and --known-failures"),
    ],
)
def test_wrong_use(listed, arguments, words):
    before = (listed / "known.txt").read_text()
    code, out = focal_ref(listed, *arguments)
    assert (code, words in out) == (2, True), out
    assert (listed / "known.txt").read_text() == before


def test_one_of_two_losses_is_no_complete_run(tmp_path):
    code, out = focal_ref(
        tmp_path, "--update", "--known-failures", "k.txt", "--loss", "softmax_focal", port="adapter:array_api"
    )
    assert code == 2
    assert "from --loss softmax_focal, of sigmoid_focal, softmax_focal" in out
