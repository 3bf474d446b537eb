"""Pieces of the engine that no port shows by itself."""

import numpy as np
import pytest

from focal_conformance import verify
from focal_conformance.bounds import bound
from focal_conformance.checks import CHECKS
from focal_conformance.checks.numeric import NUMERIC_CHECKS
from focal_conformance.checks.ownership import owners
from focal_conformance.dialect import Dialect, NotClaimed, Parameters
from focal_conformance.errors import flushed
from focal_conformance.formats import FORMATS
from focal_conformance.ports.peers import PEERS
from focal_conformance.ports.port import Port
from focal_conformance.report import CANNOT_RUN, LEVELS, CheckResult, Point, Report
from focal_conformance.vectors.load import cases


def test_every_point_is_judged_by_one_known_check():
    names = {check.name for check in NUMERIC_CHECKS}
    for dtype in FORMATS:
        for case in cases("sigmoid_focal", dtype):
            for quantity in ("value", "gradient", "curvature"):
                assert set(owners(case, quantity)) <= names


def test_every_check_has_a_level():
    assert all(check.level in LEVELS for check in CHECKS.values())


@pytest.mark.parametrize("dtype", FORMATS)
def test_every_grid_gamma_has_a_bound(dtype):
    for case in cases("sigmoid_focal", dtype):
        assert bound("sigmoid_focal", "torch", "value", dtype, case.gamma) > 0


def test_no_bound_beyond_the_reviewed_gammas():
    with pytest.raises(LookupError, match="gamma"):
        bound("sigmoid_focal", "torch", "value", "float32", 11.0)


def test_only_subnormal_results_may_be_flushed():
    got = np.array([0.0, 0.0, 0.0])
    exact = np.array([1e-40, 1e-37, 0.0])
    np.testing.assert_array_equal(flushed(got, exact, FORMATS["float32"]), [True, False, False])


def test_dialect_speaks_the_ports_words():
    dialect = Dialect(
        alpha="a",
        gamma="g",
        alpha_off=(-1,),
        when_balanced={"balanced": True},
        reductions={"none": None, "mean": "avg"},
    )
    assert dialect.keywords(Parameters(None, 2.0)) == {"a": -1, "g": 2.0, "reduction": None}
    assert dialect.keywords(Parameters(0.25, 2.0, "mean")) == {
        "a": 0.25,
        "balanced": True,
        "g": 2.0,
        "reduction": "avg",
    }


@pytest.mark.parametrize(
    ("dialect", "parameters"),
    [
        (Dialect(alpha_off=()), Parameters(alpha=None)),
        (Dialect(alpha=None, fixed_alpha=(None,)), Parameters(alpha=0.25)),
        (Dialect(gamma=None, fixed_gamma=(2.0,)), Parameters(gamma=1.0)),
        (Dialect(reduction=None), Parameters(reduction="sum")),
        (Dialect(), Parameters(reduction="sum_classes")),
        (Dialect(), Parameters(normalizer=2.0)),
        (Dialect(), Parameters(mask=np.array([True]))),
    ],
)
def test_what_a_dialect_cannot_say_is_refused(dialect, parameters):
    with pytest.raises(NotClaimed):
        dialect.keywords(parameters)


def test_zero_checks_is_no_success():
    port = Port("nothing", "numpy", Dialect(normalizer=None), lambda logits, targets, **_: logits)
    report = verify(port, checks=("normalizer",))
    assert report.exit_code == CANNOT_RUN
    assert "no check" in report.error


def test_a_report_survives_json():
    point = Point("case", 1.0, 0.0, float("nan"), float("inf"), float("inf"))
    check = CheckResult("hard_values", "values", "required", "failed", 3, float("inf"), point, ["text"], 0, "line")
    report = Report("port", "sigmoid_focal", "required", "cpu", "numpy", [check], {"numpy": "2"}, exit_code=1)
    again = Report.from_dict(report.to_dict())
    assert again.to_dict() == report.to_dict()
    assert again.checks[0].max_ulp == float("inf")


def test_a_numpy_callable_is_verified_in_this_process():
    import focal_ref

    def loss(logits, targets, alpha=0.25, gamma=2.0):
        return focal_ref.sigmoid_focal_loss(logits, targets, alpha=alpha, gamma=gamma).astype(logits.dtype)

    report = verify(Port("mine", "numpy", Dialect(reduction=None, dtypes=("float32", "float64")), loss))
    assert report.verdict == "conforms"


def test_every_peer_says_where_its_dialect_was_read():
    assert all(peer.dialect.source and peer.documentation for peer in PEERS.values())
