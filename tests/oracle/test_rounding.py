"""Balls round to one float64, or say that they do not."""

import math
import random

import pytest

flint = pytest.importorskip("flint", reason="the oracle needs python-flint")
from focal_conformance.oracle.rounding import exact, nearest_double, unique_double  # noqa: E402


@pytest.mark.parametrize("number", [1.0, -0.1, 5e-324, -2.5e-310, 1.7976931348623157e308, 2.0**-1022])
def test_exact_numbers_come_back(number):
    assert unique_double(exact(number)) == number


def test_a_wide_ball_has_no_unique_double():
    assert unique_double(flint.arb(1.0, 1e-10)) is None


def test_a_ball_between_two_halves_rounds_to_the_middle():
    assert unique_double(flint.arb(1.0, 1e-20)) == 1.0


def test_ties_go_to_even():
    assert nearest_double(2**54 + 2, 0) == 2.0**54
    assert nearest_double(2**54 + 6, 0) == 2.0**54 + 8


def test_half_of_the_smallest_subnormal():
    assert nearest_double(1, -1075) == 0.0
    assert nearest_double(3, -1076) == 5e-324


def test_overflow_is_infinite():
    assert nearest_double(1, 1024) == math.inf
    assert nearest_double(-1, 2000) == -math.inf


def test_a_tiny_ball_around_zero_rounds_to_zero():
    assert unique_double(flint.arb(0, flint.arb(2) ** -2000)) == 0.0


def test_agrees_with_fractions():
    from fractions import Fraction

    generator = random.Random(3)
    for _ in range(500):
        mantissa, exponent = generator.getrandbits(200) - (1 << 199), generator.randint(-1290, 700)
        try:
            expected = float(Fraction(mantissa) * Fraction(2) ** exponent)
        except OverflowError:
            expected = math.copysign(math.inf, mantissa)
        assert nearest_double(mantissa, exponent) == expected
