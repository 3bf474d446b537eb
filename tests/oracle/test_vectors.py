"""The committed vectors: their schema, their size, and that the oracle still gives them."""

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from focal_conformance.formats import FORMATS
from focal_conformance.vectors.grid import ALPHAS, GAMMAS, held
from focal_conformance.vectors.load import cases, document

DATA = files("focal_conformance").joinpath("vectors", "data")


@pytest.mark.parametrize("dtype", FORMATS)
def test_follow_their_schema(dtype):
    schema = json.loads(files("focal_conformance").joinpath("schema", "vectors.schema.json").read_text("utf-8"))
    jsonschema.validate(document("sigmoid_focal", dtype), schema)


def test_fit_in_five_megabytes():
    assert sum(path.stat().st_size for path in DATA.iterdir() if path.name.endswith(".json")) <= 5_000_000


@pytest.mark.parametrize("dtype", FORMATS)
def test_inputs_are_exact_in_their_dtype(dtype):
    for case in cases("sigmoid_focal", dtype):
        np.testing.assert_array_equal(FORMATS[dtype].rounded(case.logits), case.logits)
        np.testing.assert_array_equal(FORMATS[dtype].rounded(case.targets), case.targets)
        assert held(case.gamma, FORMATS[dtype]) == case.gamma


@pytest.mark.parametrize("dtype", FORMATS)
def test_special_logits_meet_all_parameters(dtype):
    fmt = FORMATS[dtype]
    special = {(c.alpha, c.gamma) for c in cases("sigmoid_focal", dtype) if c.points == "special"}
    assert special == {(held(alpha, fmt), held(gamma, fmt)) for alpha in ALPHAS for gamma in GAMMAS}


@pytest.mark.parametrize("dtype", FORMATS)
def test_every_flag_is_explained(dtype):
    explained = document("sigmoid_focal", dtype)["flags"]
    used = {
        flag
        for points in document("sigmoid_focal", dtype)["points"]
        for text in points["flags"]
        for flag in text.split()
    }
    assert used <= set(explained)


def test_lengths_agree():
    for dtype in FORMATS:
        for case in cases("sigmoid_focal", dtype):
            assert {len(numbers) for numbers in case.exact.values()} == {len(case.logits)} == {len(case.flags)}


def test_the_oracle_gives_the_committed_bytes():
    pytest.importorskip("flint", reason="the oracle needs python-flint")
    from pathlib import Path

    from focal_conformance.vectors.generate import differing

    assert differing(Path(str(DATA)), "sigmoid_focal") == []
