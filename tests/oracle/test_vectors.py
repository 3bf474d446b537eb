"""The committed vectors: their schema, their size, and that the oracle still gives them."""

import io
import json
import math
import zipfile
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from focal_conformance.formats import FORMATS
from focal_conformance.vectors.grid import ALPHAS, GAMMAS, SPEC_VERSION, held
from focal_conformance.vectors.load import all_cases, cases, document

DATA = files("focal_conformance").joinpath("vectors", "data")
LOSSES = ("sigmoid_focal", "softmax_focal")
FILES = [(loss, dtype) for loss in LOSSES for dtype in FORMATS]


@pytest.fixture(scope="module")
def schema():
    return json.loads(files("focal_conformance").joinpath("schema", "vectors.schema.json").read_text("utf-8"))


@pytest.mark.parametrize(("loss", "dtype"), FILES)
def test_follow_their_schema(loss, dtype, schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document(loss, dtype), schema)
    assert document(loss, dtype)["spec_version"] == SPEC_VERSION


@pytest.mark.parametrize("loss", LOSSES)
def test_the_schema_refuses_what_it_does_not_name(loss, schema):
    for change in (
        {"spec_version": "1"},
        {"groups": [{**document(loss, "float32")["groups"][0], "other": 1}]},
        {"groups": [{**document(loss, "float32")["groups"][0], "soft_targets": "square"}]},
        {"points": [{**document(loss, "float32")["points"][0], "targets": ["1.0"]}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document(loss, "float32"), **change}, schema)


def test_fit_in_five_megabytes_and_zip_well():
    paths = [path for path in DATA.iterdir() if path.name.endswith(".json")]
    assert len(paths) == len(FILES)
    assert sum(path.stat().st_size for path in paths) <= 5_000_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.writestr(path.name, path.read_bytes())
    assert packed.tell() < 1_500_000


@pytest.mark.parametrize(("loss", "dtype"), FILES)
def test_inputs_are_exact_in_their_dtype(loss, dtype):
    fmt = FORMATS[dtype]
    for case in all_cases(loss, dtype):
        np.testing.assert_array_equal(fmt.rounded(case.logits), case.logits)
        np.testing.assert_array_equal(fmt.rounded(case.targets), case.targets)
        assert held(case.gamma, fmt) == case.gamma
        for alpha in case.alpha if isinstance(case.alpha, tuple) else (case.alpha,):
            assert held(alpha, fmt) == alpha
        if case.vector is not None:
            for other in FORMATS.values():
                np.testing.assert_array_equal(other.rounded(case.vector), case.vector)


@pytest.mark.parametrize("dtype", FORMATS)
def test_special_logits_meet_all_parameters(dtype):
    fmt = FORMATS[dtype]
    special = {(c.alpha, c.gamma) for c in cases("sigmoid_focal", dtype) if c.points == "special"}
    assert special == {(held(alpha, fmt), held(gamma, fmt)) for alpha in ALPHAS for gamma in GAMMAS}


@pytest.mark.parametrize("dtype", FORMATS)
def test_each_rule_is_met_plain_and_detached(dtype):
    for loss in LOSSES:
        met = {(c.soft_targets, c.detach_modulator) for c in all_cases(loss, dtype)}
        rules = {rule for rule, _ in met}
        assert rules == {"linear", "cross_entropy", "margin", "expected"}
        assert {rule for rule, detached in met if detached} >= {"linear", "expected"}
        assert {rule for rule, detached in met if not detached} == rules


@pytest.mark.parametrize("dtype", FORMATS)
def test_softmax_rows_of_every_kind(dtype):
    kinds = {(c.logits.shape[1], c.target_kind) for c in all_cases("softmax_focal", dtype)}
    assert {k for k, _ in kinds} == {1, 2, 3, 10, 100, 1000}
    assert {kind for k, kind in kinds if k == 10} == {"indices", "rows"}
    flags = {flag for c in all_cases("softmax_focal", dtype) for text in c.flags for flag in text.split()}
    assert flags == set(document("softmax_focal", dtype)["flags"])
    per_class = {len(c.alpha) for c in all_cases("softmax_focal", dtype) if isinstance(c.alpha, tuple)}
    assert per_class == {1, 2, 3, 10, 100, 1000}


def test_the_plain_cases_are_those_of_one_rule_and_one_alpha():
    for loss, dtype in FILES:
        plain = cases(loss, dtype)
        assert plain
        assert not any(c.detach_modulator or isinstance(c.alpha, tuple) for c in plain)
        assert {c.soft_targets for c in plain} == {"linear"}
        assert {id(c) for c in plain} <= {id(c) for c in all_cases(loss, dtype)}


@pytest.mark.parametrize(("loss", "dtype"), FILES)
def test_ids_have_six_parts_and_name_one_point(loss, dtype):
    ids = [c.point_id(i) for c in all_cases(loss, dtype) for i in range(len(c.indices))]
    assert len(set(ids)) == len(ids)
    assert all(len(name.split("/")) == 6 for name in ids)


@pytest.mark.parametrize(("loss", "dtype"), FILES)
def test_every_flag_is_explained(loss, dtype):
    content = document(loss, dtype)
    used = {flag for points in content["points"] for text in points["flags"] for flag in text.split()}
    assert used <= set(content["flags"])


@pytest.mark.parametrize(("loss", "dtype"), FILES)
def test_shapes_agree(loss, dtype):
    for case in all_cases(loss, dtype):
        n = len(case.logits)
        assert len(case.flags) == len(case.indices) == len(case.targets) == case.alpha_t.size == n
        for kind, numbers in case.exact.items():
            assert numbers.shape == case.scale[kind].shape == ((n,) if kind == "value" else case.logits.shape)


@pytest.mark.parametrize("dtype", FORMATS)
def test_derivatives_are_known_where_they_say(dtype):
    for case in all_cases("softmax_focal", dtype):
        nan_row = np.isnan(case.logits).any(axis=1, keepdims=True)
        for kind in ("gradient", "curvature", "product"):
            np.testing.assert_array_equal(np.isnan(case.exact[kind]), ~case.known | nan_row)
        stored = case.known.sum(axis=1)
        assert (stored >= 1).all()
        assert (stored <= 8).all()
        if case.target_kind == "indices":
            assert case.known[np.arange(len(case.targets)), case.targets].all()


@pytest.mark.parametrize(("loss", "dtype"), FILES)
def test_scales_are_finite_and_no_less_than_the_result(loss, dtype):
    for case in all_cases(loss, dtype):
        for kind, exact in case.exact.items():
            finite = np.isfinite(exact)
            assert np.isfinite(case.scale[kind][finite]).all(), case.group
            assert (case.scale[kind][finite] >= np.abs(exact[finite])).all(), case.group


def test_soft_rows_sum_to_one():
    for dtype, fmt in FORMATS.items():
        for case in all_cases("softmax_focal", dtype):
            if case.target_kind == "rows":
                # Each target is rounded by half an ULP, after a float64 division.
                room = fmt.ulp(case.targets).sum(axis=1) + 2.0**-51
                sums = np.array([math.fsum(row) for row in case.targets])
                assert (np.abs(sums - 1.0) <= room).all()


def test_one_hot_rows_and_indices_have_the_same_numbers():
    for dtype in FORMATS:
        found = {(c.points, c.alpha, c.gamma, c.ordinary): c for c in all_cases("softmax_focal", dtype)}
        pairs = [
            (c, found.get((name.replace("onehot", "indices"), *rest)))
            for (name, *rest), c in found.items()
            if "onehot" in name
        ]
        shared = [(one, other) for one, other in pairs if other is not None]
        assert shared
        for one, other in shared:
            for kind in one.exact:
                np.testing.assert_array_equal(one.exact[kind], other.exact[kind])


@pytest.mark.parametrize("loss", LOSSES)
def test_the_oracle_gives_the_committed_bytes(loss):
    pytest.importorskip("flint", reason="the oracle needs python-flint")
    from focal_conformance.vectors.generate import differing

    assert differing(Path(str(DATA)), loss) == []


def test_powers_that_choose_points_are_correctly_rounded():
    pytest.importorskip("flint", reason="the oracle needs python-flint")
    from focal_conformance.vectors.powers import powers_of_two

    # The root of 2 and its half, from their decimal digits.
    assert powers_of_two(np.array([-3.0, 0.5, -0.5])).tolist() == [0.125, 1.4142135623730950488, 0.70710678118654752440]
