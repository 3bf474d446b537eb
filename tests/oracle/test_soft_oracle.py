"""The rules of soft targets and the detached modulator in the sigmoid oracle."""

import math
import random

import pytest

flint = pytest.importorskip("flint", reason="the oracle needs python-flint")
from flint import arb, ctx  # noqa: E402
from oracle.shifted import Shifted  # noqa: E402

from focal_conformance.oracle.sigmoid_focal import balls, digits, sigmoid_focal  # noqa: E402
from focal_conformance.oracle.sigmoid_limits import far  # noqa: E402
from focal_conformance.oracle.soft_targets import SOFT_TARGETS  # noqa: E402

RANDOM = random.Random(3)
POINTS = [
    (rule, RANDOM.uniform(-30, 30), RANDOM.choice([0.0, 1.0, RANDOM.random(), RANDOM.random()]), alpha, gamma)
    for rule in SOFT_TARGETS
    for gamma in (0.0, 0.5, 1.0, 2.7, 5.0)
    for alpha in (None, 0.25, 1.0)
]
BITS, STEP = 2000, 2.0**-60


@pytest.mark.parametrize(
    ("x", "t", "values"),
    [
        (1.0, 0.7, (0.101874, 0.128875, 0.098767, 0.226421)),
        (-2.0, 0.9, (1.247574, 1.406673, 1.333925, 1.485251)),
    ],
)
def test_reviewed_values(x, t, values):
    got = [sigmoid_focal(x, t, None, 2.0, rule).value for rule in SOFT_TARGETS]
    assert [round(value, 6) for value in got] == list(values)


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize(("rule", "x", "t", "alpha", "gamma"), POINTS)
def test_derivatives_are_differences_of_values(rule, x, t, alpha, gamma, detach):
    """With a detached modulator of those of (modulator at x) times the rest at x +- step."""

    def value(shift):
        if not detach:
            return balls(Shifted(x, shift), t, alpha, gamma, BITS, soft_targets=rule)[0]
        return _held_modulator(rule, x, shift, t, alpha, gamma)

    low, middle, high = value(-STEP), value(0.0), value(STEP)
    exact = balls(x, t, alpha, gamma, BITS, soft_targets=rule, detach_modulator=detach)
    _is_differences(low, middle, high, exact)


def _held_modulator(rule, x, shift, t, alpha, gamma):
    """The loss at x + shift from values alone: its weighted class terms, each with the modulator at x."""

    def part(y, target, weight_alpha, power):
        return balls(y, target, weight_alpha, power, BITS, soft_targets="linear")[0]

    before, ctx.prec = ctx.prec, BITS
    try:
        moved = Shifted(x, shift)
        if rule == "expected":
            # t alpha m1 (-log p) + (1-t)(1-alpha) m0 (-log(1-p)), each m the quotient of two losses at x.
            total = arb(0)
            for target, weight in ((1.0, arb(t)), (0.0, 1 - arb(t))):
                held = part(x, target, alpha, gamma) / part(x, target, None, 0.0)
                total += weight * held * part(moved, target, None, 0.0)
            return total
        held = balls(x, t, alpha, gamma, BITS, soft_targets=rule)[0] / part(x, t, None, 0.0)
        return held * part(moved, t, None, 0.0)
    finally:
        ctx.prec = before


def _is_differences(low, middle, high, exact):
    value, gradient, curvature = exact
    before, ctx.prec = ctx.prec, BITS
    try:
        assert middle.overlaps(value)
        scale = abs(float(gradient.mid())) + abs(float(value.mid())) + 1e-290
        assert abs(float(((high - low) / arb(2 * STEP) - gradient).mid())) <= 1e-30 * scale
        assert abs(float(((high - 2 * middle + low) / arb(STEP) ** 2 - curvature).mid())) <= 1e-30 * scale
    finally:
        ctx.prec = before


@pytest.mark.parametrize("rule", SOFT_TARGETS)
@pytest.mark.parametrize("t", [0.0, 1.0])
@pytest.mark.parametrize("x", [-9.0, -0.3, 0.0, 25.0])
def test_the_rules_agree_on_hard_targets(rule, t, x):
    for detach in (False, True):
        linear = sigmoid_focal(x, t, 0.25, 2.7, "linear", detach)
        assert sigmoid_focal(x, t, 0.25, 2.7, rule, detach) == linear


def test_detaching_keeps_the_value_and_changes_the_gradient():
    for rule in SOFT_TARGETS:
        plain, detached = (sigmoid_focal(0.7, 0.3, 0.25, 2.0, rule, detach) for detach in (False, True))
        assert detached.value == plain.value
        assert detached.gradient != plain.gradient
        assert sigmoid_focal(0.7, 0.3, 0.25, 0.0, rule, True) == sigmoid_focal(0.7, 0.3, 0.25, 0.0, rule)


def test_limits():
    inf = math.inf
    assert sigmoid_focal(inf, 0.75, None, 2.0, "margin") == _truth(0.0, 0.0)
    assert sigmoid_focal(inf, 0.5, None, 2.0, "margin") == _truth(inf, 0.125)
    assert sigmoid_focal(inf, 0.25, None, 2.0, "margin") == _truth(inf, 0.75)
    assert sigmoid_focal(inf, 0.75, None, 0.0, "margin") == _truth(inf, 0.25)
    assert sigmoid_focal(-inf, 0.75, None, 2.0, "cross_entropy") == _truth(inf, -0.75)
    assert sigmoid_focal(-inf, 0.75, 0.25, 2.0, "expected") == _truth(inf, -0.1875)
    assert sigmoid_focal(inf, 0.75, 1.0, 2.0, "expected") == _truth(0.0, 0.0)
    assert sigmoid_focal(inf, 0.75, None, 2.0, "linear", True) == _truth(inf, 0.015625)
    assert math.isnan(sigmoid_focal(math.nan, 0.5, None, 2.0, "margin").value)


def _truth(value, gradient):
    from focal_conformance.oracle.sigmoid_focal import Truth

    return Truth(value, gradient, 0.0)


@pytest.mark.parametrize("rule", SOFT_TARGETS)
@pytest.mark.parametrize("t", [0.0, 1.0, 0.3, 0.5, 0.95, 0.30078125])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 2.7])
@pytest.mark.parametrize("x", [2.0**15, -(2.0**15)])
def test_far_away_the_enclosures_round_as_the_full_formula(rule, t, gamma, x):
    for alpha in (None, 0.25, 1.0):
        for detach in (False, True):
            truth = sigmoid_focal(x, t, alpha, gamma, rule, detach)
            if t in (0.0, 1.0):
                rule = "linear"
            assert far(x, t, alpha, gamma, rule, detach) == (truth.value, truth.gradient, truth.curvature)


def test_an_infinite_logit_continues_a_huge_one():
    for rule in SOFT_TARGETS:
        for t in (0.3, 0.5, 0.95):
            huge, infinite = (sigmoid_focal(x, t, 0.25, 2.7, rule) for x in (1e300, math.inf))
            assert huge.gradient == infinite.gradient
            assert (huge.value > 1e290) == (infinite.value == math.inf)


def test_thirty_digits_of_a_rule():
    assert digits(0.0, 0.5, None, 0.0, 30, soft_targets="margin")[0] == "0.693147180559945309417232121458"


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="soft_targets must be one of"):
        sigmoid_focal(0.0, 0.5, None, 2.0, "square")
