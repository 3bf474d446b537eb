"""The oracle against closed forms, against differences of its own values, and against its other form."""

import math
import random

import pytest

flint = pytest.importorskip("flint", reason="the oracle needs python-flint")
from flint import arb, ctx  # noqa: E402

from focal_conformance.oracle.sigmoid_focal import _far, balls, digits, sigmoid_focal  # noqa: E402

RANDOM = random.Random(20170807)
POINTS = [
    (RANDOM.uniform(-30, 30), RANDOM.choice([0.0, 1.0, RANDOM.random()]), RANDOM.choice([None, 0.25, 1.0]), gamma)
    for gamma in (0.0, 0.1, 0.5, 1.0, 2.0, 2.7, 5.0, 10.0)
    for _ in range(6)
]


def test_at_zero_the_closed_form():
    truth = sigmoid_focal(0.0, 1.0, 0.25, 2.0)
    assert truth.value == 0.25 * 0.25 * math.log(2.0)


def test_at_gamma_zero_it_is_the_cross_entropy():
    truth = sigmoid_focal(0.0, 0.0, None, 0.0)
    assert (truth.value, truth.gradient, truth.curvature) == (math.log(2.0), 0.5, 0.25)


def test_published_batch():
    """x = [2, -1, .5, -3], t = [1, 0, 0, 1]: value and gradient reproduced independently elsewhere."""
    truths = [sigmoid_focal(x, t, 0.25, 2.0) for x, t in zip([2.0, -1.0, 0.5, -3.0], [1.0, 0.0, 0.0, 1.0], strict=True)]
    values = ["4.50890709e-04", "1.69935431e-02", "2.83058701e-01", "6.91570110e-01"]
    assert [f"{truth.value:.8e}" for truth in truths] == values
    assert [f"{truth.gradient:.8f}" for truth in truths] == ["-0.00121774", "0.03943585", "0.39461387", "-0.28168747"]


@pytest.mark.parametrize(("x", "t", "alpha", "gamma"), POINTS)
def test_derivatives_are_differences_of_values(x, t, alpha, gamma):
    """Central differences of the value alone, in 2000 bits: no series and no derivative is involved."""
    step = 2.0**-60
    low, middle, high = (
        balls(point, t, alpha, gamma, 2000)[0] for point in (_exact(x) - step, _exact(x), _exact(x) + step)
    )
    value, gradient, curvature = balls(x, t, alpha, gamma, 2000)
    before, ctx.prec = ctx.prec, 2000
    try:
        assert middle.overlaps(value)
        scale = abs(float(gradient.mid())) + abs(float(value.mid())) + 1e-290
        assert abs(float(((high - low) / arb(2 * step) - gradient).mid())) <= 1e-30 * scale
        assert abs(float(((high - 2 * middle + low) / arb(step) ** 2 - curvature).mid())) <= 1e-30 * scale
    finally:
        ctx.prec = before


def _exact(x):
    return _Shifted(x)


class _Shifted(float):
    """A logit plus a step that float64 cannot hold: balls() only asks for its integer ratio and size."""

    def __new__(cls, x, shift=0.0):
        self = super().__new__(cls, x)
        self.shift = shift
        return self

    def __add__(self, step):
        return _Shifted(float(self), step)

    def __sub__(self, step):
        return _Shifted(float(self), -step)

    def as_integer_ratio(self):
        from fractions import Fraction

        total = Fraction(float(self)) + Fraction(self.shift)
        return total.numerator, total.denominator


@pytest.mark.parametrize(("x", "t", "alpha", "gamma"), POINTS)
def test_both_forms_of_one_minus_p_agree(x, t, alpha, gamma):
    direct = balls(x, t, alpha, gamma, 1024, complement=False)
    complement = balls(x, t, alpha, gamma, 1024, complement=True)
    assert all(a.overlaps(b) for a, b in zip(direct, complement, strict=True))


@pytest.mark.parametrize("t", [0.0, 1.0, 0.3, 0.5, 0.95, 0.30078125])
@pytest.mark.parametrize("gamma", [0.0, 0.1, 1.0, 2.7, 5.0])
@pytest.mark.parametrize("x", [2.0**15, -(2.0**15)])
def test_far_away_the_leading_term_rounds_as_the_full_formula(x, t, gamma):
    for alpha in (None, 0.0, 0.25):
        assert _far(x, t, alpha, gamma) == sigmoid_focal(x, t, alpha, gamma)


def test_limits():
    assert sigmoid_focal(math.inf, 1.0, 0.25, 2.0).value == 0.0
    hard = sigmoid_focal(-math.inf, 1.0, 0.25, 2.0)
    assert (hard.value, hard.gradient) == (math.inf, -0.25)
    assert math.isnan(sigmoid_focal(math.nan, 1.0, 0.25, 2.0).gradient)


def test_thirty_digits():
    assert digits(0.0, 1.0, None, 0.0, 30)[0] == "0.693147180559945309417232121458"
