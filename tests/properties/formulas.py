"""Soft-target rules and the detached modulator: against the formulas of the specification."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.exact import assert_within, exact
from properties.harness import KINDS
from properties.strategies import (
    RULES,
    hard_targets,
    indices,
    kinds,
    logits,
    losses,
    moderate_logits,
    one_hot,
    soft_targets,
    spread,
    targets,
    vectors,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", RULES)
@given(st.data(), losses(), logits, vectors)
def test_value_and_derivatives_are_those_of_the_formula(harness, kind, rule, data, loss, x, vector):
    t = data.draw(targets(kind), "targets")
    loss["soft_targets"] = rule
    value, gradient, product = exact(kind, x, t, **loss, vector=vector)
    got = harness(kind, x, t, **loss)
    assert_within(got.value, *value)
    assert_within(got.gradient, *gradient)
    assert_within(harness.hessian_product(kind, x, t, vector, **loss), *product)


@given(st.one_of(targets("softmax"), indices), losses(), logits)
def test_classes_may_be_the_first_axis(harness, t, loss, x):
    last, first = harness("softmax", x, t, **loss), harness("softmax", x.T, t.T, axis=0, **loss)
    np.testing.assert_allclose(first.value, last.value, rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(first.gradient.T, last.gradient, rtol=1e-9, atol=1e-13)


@given(st.data(), kinds, losses(), logits)
def test_rules_agree_on_hard_targets(harness, data, kind, loss, x):
    t = data.draw(hard_targets(kind), "targets")
    linear = harness(kind, x, t, **{**loss, "soft_targets": "linear"})
    for rule in RULES[1:]:
        other = harness(kind, x, t, **{**loss, "soft_targets": rule})
        np.testing.assert_allclose(other.value, linear.value, rtol=1e-13, atol=1e-300)
        np.testing.assert_allclose(other.gradient, linear.gradient, rtol=1e-12, atol=1e-300)


def test_rules_disagree_on_soft_targets(harness):
    x, t = [[1.0, -2.0, 0.5]], [[0.7, 0.2, 0.1]]
    for kind in ("sigmoid", "softmax"):
        values = [harness(kind, x, t, alpha=None, soft_targets=rule).value.flat[0] for rule in RULES]
        assert min(np.diff(sorted(values))) > 1e-3


@given(st.data(), kinds, losses(), moderate_logits)
def test_expected_is_the_expectation_of_hard_losses(harness, data, kind, loss, x):
    t = data.draw(soft_targets(kind), "targets")
    loss["soft_targets"] = "expected"
    if kind == "sigmoid":
        parts = [(t, np.ones_like(t)), (1.0 - t, np.zeros_like(t))]
    else:
        parts = [(t[:, c], one_hot([c, c])) for c in range(x.shape[-1])]
    results = [(share, harness(kind, x, hard, **loss)) for share, hard in parts]
    got = harness(kind, x, t, **loss)
    value = sum(share * result.value for share, result in results)
    gradients = [spread(kind, share) * result.gradient for share, result in results]
    assert_within(got.value, value, np.abs(value))
    assert_within(got.gradient, sum(gradients), np.abs(gradients).sum(axis=0), ulp=512)


@given(st.data(), kinds, losses(), logits)
def test_detached_modulator_changes_no_value(harness, data, kind, loss, x):
    t = data.draw(targets(kind), "targets")
    values = [harness(kind, x, t, **{**loss, "detach_modulator": detach}).value for detach in (True, False)]
    np.testing.assert_array_equal(*values)


@given(st.data(), kinds, losses(), moderate_logits)
def test_detached_gradient_is_modulator_times_that_of_the_cross_entropy(harness, data, kind, loss, x):
    rule = data.draw(st.sampled_from(["linear", "cross_entropy", "margin"]), "rule")
    t = data.draw(targets(kind), "targets")
    loss.update(soft_targets=rule, detach_modulator=True)
    got, plain = harness(kind, x, t, **loss), harness(kind, x, t, alpha=loss["alpha"], gamma=0.0)
    modulator = harness(kind, x, t, **{**loss, "alpha": None}).value / harness(kind, x, t, alpha=None, gamma=0.0).value
    product = spread(kind, modulator) * plain.gradient
    np.testing.assert_allclose(got.gradient, product, rtol=1e-9, atol=1e-13)
