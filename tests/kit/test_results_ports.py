"""Ports that ran elsewhere: questions out, answers in, and what is wrong with a file of answers."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from focal_conformance import verify
from focal_conformance.ports.messages import schema
from focal_conformance.ports.port import Options, PortMissing, UsageError
from focal_conformance.ports.resolve import losses_of, resolve

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).parent / "abused_port.py"
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "adapters", "conformance_tests")),
}


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    command = [sys.executable, "-m", "focal_conformance", "vectors", "export", str(folder)]
    subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def questions(exported):
    return lines_of(exported / "questions_sigmoid_focal_float64.jsonl")


@pytest.fixture(scope="module")
def answered(questions):
    """What a right port, which takes the linear rule alone, answers: line by line."""
    linear = [line for line in questions if '"type": "start"' in line or "/linear/" in line]
    text = "\n".join(linear) + "\n"
    run = subprocess.run([sys.executable, SCRIPT], input=text, capture_output=True, text=True, env=ENVIRONMENT)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.fixture
def port(tmp_path):
    def written(lines):
        path = tmp_path / "answers.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return f"results:{path}"

    return written


def test_every_question_satisfies_the_exported_schema(exported, questions):
    published = json.loads((exported / "protocol.schema.json").read_text(encoding="ascii"))
    assert published == schema()
    validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/run", "$defs": published["$defs"]})
    for line in questions[1:]:
        validator.validate(json.loads(line))
    ids = [json.loads(line)["id"] for line in questions]
    assert len(set(ids)) == len(ids)


def test_there_are_questions_for_every_loss_and_dtype(exported):
    names = {path.name for path in exported.glob("questions_*.jsonl")}
    for loss in ("sigmoid_focal", "softmax_focal"):
        for dtype in ("float16", "bfloat16", "float32", "float64"):
            assert f"questions_{loss}_{dtype}.jsonl" in names


def test_right_answers_conform_and_the_rest_is_not_claimed(answered, port):
    report = verify(port(answered), level="recommended")
    assert report.exit_code == 0, report.error
    verdicts = {check.check: check for check in report.checks}
    for name in ("hard_values", "hard_gradients", "soft_gradients", "gamma_below_one", "saturation", "limits"):
        assert verdicts[name].verdict == "passed"
        assert verdicts[name].judged > 10
    for name in ("reductions", "layouts", "bad_parameters", "no_broadcasting", "repeatable", "edge_shapes"):
        assert verdicts[name].verdict == "not claimed"
        assert "no exported question asks this" in verdicts[name].failures[-1]


def test_only_what_is_answered_is_judged(answered, port):
    half = [line for line in answered if "alpha=0.25/gamma=2/linear/ordinary" not in line]
    whole, part = (verify(port(lines), checks=("hard_values",)).checks[0] for lines in (answered, half))
    assert whole.verdict == part.verdict == "passed"
    assert 0 < part.judged < whole.judged


def test_hard_targets_are_enough(answered, port):
    declaration = json.loads(answered[0]) | {"losses": {"sigmoid_focal": {"soft_targets": None}}}
    hard = [line for line in answered[1:] if '/hard"' in line]
    report = verify(port([json.dumps(declaration), *hard]))
    verdicts = {check.check: check.verdict for check in report.checks}
    assert report.exit_code == 0
    assert verdicts["hard_gradients"] == "passed"
    assert verdicts["soft_gradients"] == "not claimed"


def test_a_wrong_number_does_not_conform(answered, port):
    index = next(i for i, line in enumerate(answered) if "alpha=0.25/gamma=2/linear/ordinary/hard" in line)
    reply = json.loads(answered[index])
    reply["value"]["data"] = [str(2.0 * float(number)) for number in reply["value"]["data"]]
    report = verify(port([*answered[:index], json.dumps(reply), *answered[index + 1 :]]), diagnosis=False)
    assert report.exit_code == 1
    assert "hard_values" in [check.check for check in report.checks if check.verdict == "failed"]


def test_a_refused_question_that_is_claimed_fails(answered, port):
    name = json.loads(answered[1])["id"]
    report = verify(port([answered[0], json.dumps({"id": name, "refused": "no"}), *answered[2:]]), diagnosis=False)
    assert report.exit_code == 1
    messages = [failure for check in report.checks for failure in check.failures]
    assert any("raised Refused: line 2: refused: no" in message for message in messages)


def test_of_several_files_the_declaration_may_be_repeated(answered, port):
    middle = len(answered) // 2
    name = port([*answered[:middle], answered[0], *answered[middle:]])
    assert resolve(name, Options()).dialect.dtypes == ("float64",)


def spoilt(lines, place, **changes):
    return [*lines[:place], json.dumps(json.loads(lines[place]) | changes), *lines[place + 1 :]]


WRONG = {
    "empty": (lambda lines: [], r"line 1: the file is empty"),
    "no declaration": (lambda lines: lines[1:], r"line 1: no declaration: the answer to `start` comes first"),
    "nothing answered": (lambda lines: lines[:1], r"the file answers no question"),
    "no JSON": (lambda lines: [*lines[:3], "nonsense", *lines[3:]], r"line 4: not a JSON object: 'nonsense'"),
    "cut off": (lambda lines: [*lines[:-1], lines[-1][:-9]], r"line \d+: not a JSON object"),
    "no id": (lambda lines: [*lines[:2], re.sub('"id": "[^"]*", ', "", lines[2])], r"line 3: 'id' is a required"),
    "twice": (lambda lines: [*lines[:4], lines[1]], r"line 5: id: 'sigmoid_focal/.*' is answered in line 2 already"),
    "unknown loss": (lambda lines: spoilt(lines, 3, id="dice/float64/x"), r"line 4: id: there is no question 'dice/"),
    "unknown id": (
        lambda lines: spoilt(lines, 3, id="sigmoid_focal/float64/alpha=9"),
        r"line 4: id: there is no question 'sigmoid_focal/float64/alpha=9'",
    ),
    "too few numbers": (
        lambda lines: spoilt(lines, 2, value={"dtype": "float64", "shape": [3], "data": ["1"]}),
        r"line 3: value: data holds 1 numbers, shape \[3\] needs 3",
    ),
    "declared and not there": (
        lambda lines: [*lines[:2], json.dumps({k: v for k, v in json.loads(lines[2]).items() if k != "gradient"})],
        r"line 3: gradient: it is declared and wanted, and is not there",
    ),
    "refused and answered": (
        lambda lines: spoilt(lines, 2, refused="no"),
        r"line 3: refused: it stands beside results",
    ),
    "another declaration": (
        lambda lines: [*lines[:2], *spoilt(lines[:1], 0, name="other")],
        r"line 3: another declaration than that of line 1",
    ),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_file_that_is_wrong_names_the_line(how, answered, port):
    spoil, message = WRONG[how]
    name = port(spoil(answered))
    with pytest.raises(PortMissing, match=message):
        resolve(name, Options())
    report = verify(name)
    assert report.exit_code == 3
    assert re.search(message, report.error)
    assert losses_of(name, None) == ("sigmoid_focal",)


def test_points_that_do_not_fit_the_question_fail(answered, port):
    wrong = {"dtype": "float64", "shape": [1], "data": ["1"]}
    lines = spoilt(answered, 1, value=wrong, gradient=wrong)
    report = verify(port(lines), diagnosis=False)
    assert report.exit_code == 1
    assert any("value in line 2: shape (1,) for" in text for check in report.checks for text in check.failures)


def test_a_file_that_is_not_there_is_wrong_use():
    with pytest.raises(UsageError, match="no such file"):
        resolve("results:nowhere.jsonl", Options())


def test_a_loss_without_answers_cannot_be_run(answered, port):
    declaration = json.loads(answered[0]) | {"losses": {"sigmoid_focal": {}, "softmax_focal": {}}}
    name = port([json.dumps(declaration), *answered[1:]])
    assert losses_of(name, None) == ("sigmoid_focal",)
    with pytest.raises(PortMissing, match="no question about softmax_focal"):
        resolve(name, Options(loss="softmax_focal"))
