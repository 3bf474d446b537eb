"""Scales: of two classes those of the sigmoid loss, and never without the terms that cancel."""

import numpy as np
import pytest

from focal_conformance.oracle.soft_targets import SOFT_TARGETS
from focal_conformance.soft_scales import sigmoid_scales
from focal_conformance.softmax_scales import first_scales, others, pieces
from focal_conformance.softmax_second_scales import second_scales

X = np.array([-650.0, -40.0, -3.0, -0.25, 0.0, 1.5, 8.0, 60.0, 650.0])


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 2.7])
@pytest.mark.parametrize("t", [0.25, 0.5, 0.9375])
@pytest.mark.parametrize("rule", SOFT_TARGETS)
def test_two_classes_are_the_sigmoid_loss(rule, t, gamma, detach):
    """Up to the few terms that the sigmoid formula has joined: a factor of at most 4."""
    targets = np.full_like(X, t)
    alpha_t = 0.25 * targets + 0.75 * (1.0 - targets)
    expected = sigmoid_scales(X, targets, 0.25, alpha_t, gamma, rule, detach)
    for i, x in enumerate(X):
        row = pieces(np.array([0.0, x]), np.array([1.0 - t, t]), (0.75, 0.25), gamma)
        got = {
            "gradient": first_scales(row, rule, detach)[1],
            "curvature": second_scales(row, rule, detach, None)[1],
            "product": second_scales(row, rule, detach, np.array([0.0, 1.0]))[1],
        }
        # The margin's product does not leave i = j out where its diagonal does.
        assert got["curvature"] * (1.0 - 1e-9) <= got["product"] <= 2.0 * got["curvature"]
        for kind in ("gradient", "curvature"):
            reference = expected[kind][i]
            if kind == "curvature" and detach and rule != "expected":
                continue  # |exact| there
            assert 0.99 * reference <= got[kind], (kind, x)
            if rule != "margin":
                # 2t - 1 is one number there and t_1 - t_0 p_1/(1-p_0) two here.
                assert got[kind] <= 4.0 * reference + 1e-300, (kind, x)


def test_others_is_no_difference_of_the_largest():
    np.testing.assert_array_equal(others(np.array([1.0, 1e-30, 2e-30])), [1e-30 + 2e-30, 1.0, 1.0])
