"""Defaults and names of arguments; what alpha, gamma and the other parameters may not be."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.strategies import kinds, logits, targets

X, T = np.array([[1.0, -2.0, 0.5]]), np.array([[1.0, 0.0, 0.0]])
DEFAULTS = {
    "sigmoid": {"alpha": 0.25, "gamma": 2.0, "soft_targets": "linear", "detach_modulator": False},
    "softmax": {"alpha": None, "gamma": 2.0, "axis": -1, "soft_targets": "linear", "detach_modulator": False},
}
OPTIONS = {"weight": None, "mask": None, "ignore_index": None, "reduction": "none", "normalizer": None}
negative = st.one_of(st.sampled_from([-1e-9, -0.5, -1, -math.inf, math.nan, math.inf]), st.floats(max_value=-1e-300))
no_number = st.sampled_from(["0.25", True, False, [], {}, 1j, object])


@given(st.data(), kinds, logits)
def test_defaults(harness, data, kind, x):
    t = data.draw(targets(kind), "targets")
    bare, full = harness(kind, x, t), harness(kind, x, t, **DEFAULTS[kind], **OPTIONS)
    np.testing.assert_array_equal(bare.value, full.value)
    np.testing.assert_array_equal(bare.gradient, full.gradient)
    signature = inspect.signature(harness.function(kind)).parameters.values()
    documented = {p.name: p.default for p in signature if p.kind is p.KEYWORD_ONLY}
    # Keywords of single backends, which change no result.
    for name in ("validate", "recompute"):
        documented.pop(name, None)
    assert documented == {**DEFAULTS[kind], **OPTIONS}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_arguments_after_targets_are_given_by_keyword(harness, kind):
    x, t, _ = harness.converted(X, T, "float64", {})
    with pytest.raises(TypeError):
        harness.function(kind)(x, t, 0.25)
    with pytest.raises(TypeError, match="'alhpa'"):
        harness.function(kind)(x, t, alhpa=0.25)


def _refused(harness, kind, name, value, rule, error):
    with pytest.raises(error) as caught:
        harness(kind, X, T, **{name: value})
    message = str(caught.value)
    assert name in message
    assert rule in message
    assert str(value) in message or repr(value) in message or type(value).__name__ in message


@given(kinds, st.one_of(negative, st.sampled_from([1.5, 2, 1 + 1e-9]), st.floats(min_value=1.0, exclude_min=True)))
def test_alpha_lies_in_the_unit_interval(harness, kind, alpha):
    rule = "a number in [0, 1]"
    _refused(harness, kind, "alpha", alpha, rule, ValueError)
    with pytest.raises(ValueError, match=r"alpha .* number in \[0, 1\]"):
        harness(kind, X, T, alpha=(0.5, alpha, 0.5))


@given(kinds, no_number)
def test_alpha_is_nothing_else(harness, kind, alpha):
    _refused(harness, kind, "alpha", alpha, "a number in [0, 1]", (TypeError, ValueError))


@given(kinds, st.integers(1, 5).filter(lambda count: count != 3))
def test_alpha_has_one_number_a_class(harness, kind, count):
    with pytest.raises(ValueError, match=f"alpha must hold one number a class, 3 .* got {count}"):
        harness(kind, X, T, alpha=(0.5,) * count)


@given(kinds, negative)
def test_gamma_is_finite_and_not_negative(harness, kind, gamma):
    _refused(harness, kind, "gamma", gamma, "a finite number >= 0", ValueError)


@given(kinds, no_number)
def test_gamma_is_a_number(harness, kind, gamma):
    _refused(harness, kind, "gamma", gamma, "a finite number >= 0", TypeError)


@given(kinds, st.sampled_from(["Linear", "", "hard", None, 0, True, "qfl"]))
def test_soft_targets_is_a_named_rule(harness, kind, rule):
    _refused(harness, kind, "soft_targets", rule, "'linear', 'cross_entropy', 'margin', 'expected'", ValueError)


@given(kinds, st.sampled_from([0, 1, None, "yes", 1.0]))
def test_detach_modulator_is_true_or_false(harness, kind, flag):
    _refused(harness, kind, "detach_modulator", flag, "True or False", TypeError)


@given(kinds, st.sampled_from(["Mean", "avg", None, True, 1, "batchmean"]))
def test_reduction_is_one_of_five(harness, kind, reduction):
    rule = "'none', 'sum', 'mean', 'sum_classes', 'mean_positives'"
    _refused(harness, kind, "reduction", reduction, rule, ValueError)


@given(kinds, st.sampled_from([0.5, True, "0", 1.0]))
def test_ignore_index_is_an_integer(harness, kind, index):
    _refused(harness, kind, "ignore_index", index, "an integer", TypeError)


@given(st.one_of(st.integers(2, 9), st.integers(-9, -3)))
def test_axis_is_an_axis_of_logits(harness, axis):
    with pytest.raises(ValueError, match=f"axis must be an axis of logits, got axis={axis}"):
        harness("softmax", X, T, axis=axis)
    with pytest.raises(TypeError, match=f"axis must be an integer, got {float(axis)}"):
        harness("softmax", X, T, axis=float(axis))
