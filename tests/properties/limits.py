"""Infinite logits are limits; nan stays in its own element."""

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from properties.strategies import (
    CLASSES,
    RULES,
    SHAPE,
    gammas,
    hard_targets,
    kinds,
    losses,
    moderate,
    moderate_logits,
    targets,
    weights_of_a_class,
)

alphas = st.one_of(st.none(), weights_of_a_class.filter(lambda alpha: 0.0 < alpha < 1.0))


@given(alphas, gammas, st.sampled_from(RULES), st.booleans())
def test_infinite_logits_of_the_sigmoid_loss(harness, alpha, gamma, rule, detach):
    x, t = np.array([[np.inf, -np.inf, np.inf, -np.inf]]), np.array([[1.0, 1.0, 0.0, 0.0]])
    got = harness("sigmoid", x, t, alpha=alpha, gamma=gamma, soft_targets=rule, detach_modulator=detach)
    positive, negative = (1.0, 1.0) if alpha is None else (alpha, 1.0 - alpha)
    np.testing.assert_array_equal(got.value, [[0.0, np.inf, np.inf, 0.0]])
    np.testing.assert_allclose(got.gradient, [[0.0, -positive, negative, 0.0]], rtol=1e-15)


@given(alphas, gammas)
def test_alpha_zero_is_zero_at_infinity(harness, alpha, gamma):
    x = np.array([[np.inf, -np.inf]])
    got = harness("sigmoid", x, np.ones((1, 2)), alpha=0.0, gamma=gamma)
    assert np.all(got.value == 0.0)
    assert np.all(got.gradient == 0.0)


@given(losses(), st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1), moderate_logits)
def test_class_with_logit_minus_infinity_is_not_there(harness, loss, absent, target, x):
    assume(absent != target)
    x[0, absent] = -np.inf
    index = np.array([target, target])
    got = harness("softmax", x, index, **loss)
    kept = [c for c in range(CLASSES) if c != absent]
    if isinstance(loss["alpha"], tuple):
        loss["alpha"] = tuple(loss["alpha"][c] for c in kept)
    fewer = harness("softmax", x[:1, kept], np.array([kept.index(target)]), **loss)
    np.testing.assert_allclose(got.value[0], fewer.value[0], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(got.gradient[0, kept], fewer.gradient[0], rtol=1e-12, atol=1e-300)
    assert got.gradient[0, absent] == 0.0


@given(
    gammas, st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1), st.booleans(), st.sampled_from(RULES), moderate
)
def test_class_with_logit_infinity_is_certain(harness, gamma, certain, target, detach, rule, other):
    x = np.full(SHAPE, other)
    x[:, certain] = np.inf
    got = harness("softmax", x, np.full(2, target), gamma=gamma, detach_modulator=detach, soft_targets=rule)
    slope = np.zeros(SHAPE)
    if certain != target:
        slope[:, certain], slope[:, target] = 1.0, -1.0
    np.testing.assert_array_equal(got.value, np.full(2, 0.0 if certain == target else math.inf))
    np.testing.assert_allclose(got.gradient, slope, rtol=1e-15, atol=1e-300)


@given(st.data(), kinds, losses(), moderate_logits, st.integers(0, CLASSES - 1))
def test_nan_stays_in_its_own_element(harness, data, kind, loss, x, column):
    t = data.draw(targets(kind), "targets")
    clean = harness(kind, x, t, **loss)
    x[1, column] = np.nan
    got = harness(kind, x, t, **loss)
    own = np.zeros(SHAPE, dtype=bool)
    own[1, column if kind == "sigmoid" else slice(None)] = True
    np.testing.assert_array_equal(np.isnan(got.gradient), own)
    np.testing.assert_array_equal(np.isnan(got.value), own if kind == "sigmoid" else own[:, 0])
    np.testing.assert_array_equal(got.gradient[~own], clean.gradient[~own])


@given(kinds, gammas)
def test_weight_zero_on_an_infinite_loss_is_nan(harness, kind, gamma):
    x = np.array([[-np.inf, 0.0, 0.0]])
    t = np.array([[1.0, 0.0, 0.0]])
    zero = np.zeros((1, 1) if kind == "sigmoid" else (1,))
    got = harness(kind, x, t, gamma=gamma, weight=zero)
    assert math.isnan(got.value.flat[0])
    masked = harness(kind, x, t, gamma=gamma, weight=zero, mask=zero > 0.0)
    assert np.all(masked.value == 0.0)
    assert np.all(masked.gradient == 0.0)


@given(st.data(), kinds, gammas)
def test_right_answers_at_infinity_are_zero(harness, data, kind, gamma):
    t = data.draw(hard_targets(kind), "targets")
    x = np.where(t == 1.0, np.inf, -np.inf)
    got = harness(kind, x, t, gamma=gamma)
    assert np.all(got.value == 0.0)
    assert np.all(got.gradient == 0.0)
