"""alpha is a weight; gamma 0 is the cross-entropy, and below 1 nothing becomes infinite."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.harness import KINDS
from properties.strategies import (
    RULES,
    gammas,
    hard_targets,
    indices,
    kinds,
    logits,
    losses,
    one_hot,
    spread,
    targets,
)


@given(st.data(), kinds, losses(), logits)
def test_gamma_zero_is_the_balanced_cross_entropy(harness, data, kind, loss, x):
    t = data.draw(targets(kind), "targets")
    loss.update(gamma=0.0, soft_targets="linear")
    got = harness(kind, x, t, **loss)
    if kind == "sigmoid":
        weight = _alpha_t(loss["alpha"], t)
        entropy = t * np.logaddexp(0.0, -x) + (1.0 - t) * np.logaddexp(0.0, x)
        np.testing.assert_allclose(got.gradient, weight * (1 / (1 + np.exp(-x)) - t), rtol=1e-12, atol=1e-14)
    else:
        alpha = 1.0 if loss["alpha"] is None else np.asarray(loss["alpha"])
        weight = (alpha * t).sum(axis=-1) if loss["alpha"] is not None else 1.0
        log_p = x - np.logaddexp.reduce(x, axis=-1, keepdims=True)
        entropy = -(t * log_p).sum(axis=-1)
        slope = np.exp(log_p) * t.sum(axis=-1, keepdims=True) - t
        np.testing.assert_allclose(got.gradient, spread(kind, weight) * slope, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(got.value, weight * entropy, rtol=1e-12, atol=1e-13)


@given(st.data(), kinds, st.floats(1e-3, 0.999), st.sampled_from(RULES), st.booleans())
def test_gamma_below_one_has_finite_gradients(harness, data, kind, gamma, rule, detach):
    edge = st.sampled_from([0.0, 1e-300, 16.7, 17.4, 37.0, 104.5, 746.0, 1e4, 1e30])
    x = np.array(data.draw(st.lists(edge, min_size=6, max_size=6), "logits")).reshape(2, 3)
    x *= np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]])
    t = data.draw(targets(kind), "targets")
    got = harness(kind, x, t, gamma=gamma, soft_targets=rule, detach_modulator=detach)
    assert np.all(np.isfinite(got.gradient))
    assert np.all(np.isfinite(got.value))
    curvature = harness.hessian_product(kind, x, t, np.ones_like(x), gamma=gamma, soft_targets=rule)
    assert np.all(np.isfinite(curvature))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("huge", [1e9, 1e20, 1e30, 1e300])
def test_huge_logits_have_finite_losses(harness, kind, rule, huge):
    x = np.array([[0.0, huge, -16.7], [-huge, 3.0, huge], [0.0, 1.0, -huge]])
    t = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.25, 0.75]])
    got = harness(kind, x, t, gamma=0.5, soft_targets=rule)
    assert np.all(np.isfinite(got.value))
    assert np.all(np.isfinite(got.gradient))


def _alpha_t(alpha, t):
    if alpha is None:
        return np.ones_like(t)
    return np.asarray(alpha) * t + (1.0 - np.asarray(alpha)) * (1.0 - t)


@given(st.data(), kinds, gammas, logits)
def test_alpha_zero_is_a_weight(harness, data, kind, gamma, x):
    t = data.draw(hard_targets(kind), "targets")
    got = harness(kind, x, t, alpha=0.0, gamma=gamma)
    unbalanced = harness(kind, x, t, alpha=None, gamma=gamma)
    counts = (1.0 - t) if kind == "sigmoid" else np.zeros(t.shape[0])
    np.testing.assert_array_equal(got.value, counts * unbalanced.value)
    np.testing.assert_array_equal(got.gradient, spread(kind, counts) * unbalanced.gradient)


@given(st.data(), kinds, gammas, logits, indices)
def test_alpha_of_a_class_weighs_it(harness, data, kind, gamma, x, index):
    alpha = data.draw(st.tuples(*[st.floats(0.0, 1.0)] * x.shape[-1]), "alpha")
    t = one_hot(index)
    got, plain = harness(kind, x, t, alpha=alpha, gamma=gamma), harness(kind, x, t, alpha=None, gamma=gamma)
    weight = _alpha_t(alpha, t) if kind == "sigmoid" else np.asarray(alpha)[index]
    np.testing.assert_allclose(got.value, weight * plain.value, rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(got.gradient, spread(kind, weight) * plain.gradient, rtol=1e-14, atol=1e-300)
    same = harness(kind, x, t, alpha=np.asarray(alpha).tolist(), gamma=gamma)
    np.testing.assert_array_equal(same.value, got.value)
