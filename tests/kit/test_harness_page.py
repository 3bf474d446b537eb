"""docs/harness.md: its lines satisfy the schema, its tables are complete, its numbers are right."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from focal_conformance.ports.messages import check, schema
from focal_ref import sigmoid_focal_loss_value_and_gradient

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "harness.md").read_text(encoding="utf-8")
DEFINITIONS = schema()["$defs"]


def lines():
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    return [json.loads(line) for block in blocks for line in block.strip().splitlines()]


def kind(message):
    return message.get("type") or ("declaration" if "losses" in message else "answer")


def table(heading):
    """Names in the first column of the first table below a heading."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("message", lines(), ids=lambda message: f"{kind(message)} {message['id']}")
def test_each_line_satisfies_the_schema(message):
    check(message, kind(message))
    jsonschema.validate(message, schema())


def test_there_are_lines_of_every_kind():
    assert {kind(message) for message in lines()} == {"start", "run", "stop", "declaration", "answer"}


def test_the_tables_name_every_field():
    declared = set(DEFINITIONS["declaration"]["properties"]) | set(DEFINITIONS["abilities"]["properties"])
    assert set(table("The fields of the declaration")) == declared - {"id"}
    assert set(table("The fields of `run`")) == set(DEFINITIONS["run"]["properties"]) - {"id", "type"}


def test_the_answer_is_right():
    (question,) = [m for m in lines() if kind(m) == "run" and m["id"] == "1"]
    (answer,) = [m for m in lines() if kind(m) == "answer" and m["id"] == "1"]
    x, t = ([float(number) for number in question[name]["data"]] for name in ("logits", "targets"))
    results = sigmoid_focal_loss_value_and_gradient(np.array(x), np.array(t))
    for name, exact in zip(("value", "gradient"), results, strict=True):
        assert np.allclose([float(number) for number in answer[name]["data"]], exact, rtol=2e-7, atol=0.0)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_questions_can_be_asked_by_hand():
    text = "".join(json.dumps(m) + "\n" for m in lines() if kind(m) in ("start", "run", "stop"))
    port = ROOT / "examples" / "ports" / "javascript" / "port.js"
    run = subprocess.run(["node", port], input=text, capture_output=True, text=True, check=True)
    declaration, first, second = map(json.loads, run.stdout.splitlines())
    check(declaration, "declaration")
    (answer,) = [m for m in lines() if kind(m) == "answer" and m["id"] == "1"]
    assert [f"{float(number):.9g}" for number in first["gradient"]["data"]] == answer["gradient"]["data"]
    assert "gamma must be >= 0" in second["refused"]
