"""Hard targets take a shorter formula: as exact as promised, and no element sees what is beside it."""

import numpy as np
import pytest
from largest_errors import errors, evaluated
from random_errors import GAMMAS, random_errors
from test_against_vectors import CASES, limit

import focal_ref
from focal_ref.losses import sigmoid_hard
from focal_ref.namespace import numpy_namespace

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -1e-310, 700.0, -700.0, 708.4, -745.2, 1e308, -1e308]
RANDOM = np.random.default_rng(1708)


def general(loss, name, x, t):
    """The rules that know what every rounding loses."""
    with np.errstate(all="ignore"):
        return getattr(loss, name)(x, t, xp=numpy_namespace)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("alpha", [0.3, None])
def test_random_points_against_the_oracle(gamma, alpha):
    pytest.importorskip("focal_conformance.oracle.sigmoid_focal")
    assert sigmoid_hard.serves(gamma)
    value, gradient = random_errors(gamma, alpha, 1600)
    assert value.max() <= 8.0
    assert gradient.max() <= 10.0


def test_the_vectors_are_met_by_it_and_not_by_another():
    served = [case for case in CASES if sigmoid_hard.serves(case.gamma) and case.target_kind != "indices"]
    assert {case.gamma for case in served} == {gamma for gamma in GAMMAS if any(c.gamma == gamma for c in CASES)}
    for case in served:
        for quantity in ("value", "gradient"):
            assert errors(case, quantity, evaluated(case, quantity)).max() <= limit(case, quantity)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 0.25, None])
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_special_logits_are_as_by_the_general_rules(gamma, detach, alpha):
    loss = focal_ref.SigmoidFocal(alpha, gamma, detach_modulator=detach)
    x = np.array([*SPECIAL, *RANDOM.normal(0.0, 30.0, 200)] * 2)
    t = np.repeat([0.0, 1.0], len(x) // 2)
    value, gradient = loss.value_and_gradient(x, t)
    np.testing.assert_allclose(value, general(loss, "value", x, t), rtol=1e-14, atol=1e-320)
    np.testing.assert_allclose(gradient, general(loss, "gradient", x, t), rtol=1e-14, atol=1e-320)
    np.testing.assert_array_equal(np.isnan(value), np.isnan(x))


@pytest.mark.parametrize("gamma", [1.5, 2.0, 2.7])
def test_an_element_sees_nothing_beside_it(gamma):
    loss = focal_ref.SigmoidFocal(0.25, gamma)
    x = np.resize([*SPECIAL, *RANDOM.normal(0.0, 3.0, 100)], 3000)
    t = np.resize([0.0, 1.0, 0.5, 0.0, 1e-300, 1.0, 1.0 - 2.0**-53], 3000)
    value, gradient = loss.value_and_gradient(x, t)
    for chosen in (t == 0.0, t == 1.0, t % 1.0 != 0.0, np.isfinite(x), np.arange(3000) == 17):
        alone = loss.value_and_gradient(x[chosen], t[chosen])
        np.testing.assert_array_equal(alone[0], value[chosen])
        np.testing.assert_array_equal(alone[1], gradient[chosen])


@pytest.mark.parametrize("alpha", [0.25, (0.0, 0.25, 0.5, 1.0), None])
@pytest.mark.parametrize("detach", [False, True])
def test_class_indices_give_the_bits_of_their_one_hot_rows(alpha, detach):
    loss = focal_ref.SigmoidFocal(alpha, detach_modulator=detach)
    x = np.resize([*SPECIAL, *RANDOM.normal(0.0, 3.0, 111)], (310, 4))
    indices = np.arange(310) % 5
    rows = (indices[:, None] == np.arange(4)).astype(float)
    for dense, sparse in zip(loss.value_and_gradient(x, rows), loss.value_and_gradient(x, indices), strict=True):
        np.testing.assert_array_equal(dense, sparse)
    np.testing.assert_allclose(loss.gradient(x, indices), general(loss, "gradient", x, rows), rtol=1e-14, atol=1e-320)


def test_soft_rows_beside_hard_ones_with_an_alpha_per_class():
    loss = focal_ref.SigmoidFocal((0.0, 0.25, 1.0))
    x, t = RANDOM.normal(0.0, 3.0, (40, 3)), RANDOM.integers(0, 2, (40, 3)).astype(float)
    t[::7] = 0.25
    x[3, 1] = np.inf
    value, gradient = loss.value_and_gradient(x, t)
    np.testing.assert_allclose(value, general(loss, "value", x, t), rtol=1e-14)
    np.testing.assert_allclose(gradient, general(loss, "gradient", x, t), rtol=1e-14)


def test_inputs_are_left_alone():
    x, t = RANDOM.normal(0.0, 3.0, 50), RANDOM.integers(0, 2, 50).astype(float)
    x.setflags(write=False)
    t.setflags(write=False)
    focal_ref.SigmoidFocal().value_and_gradient(x, t)
    focal_ref.SigmoidFocal().value_and_gradient(x.reshape(5, 10), np.arange(5))
