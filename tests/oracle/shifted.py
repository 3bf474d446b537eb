"""Logits plus a step that float64 cannot hold, and differences of balls."""

from fractions import Fraction


class Shifted(float):
    """The oracle only asks for the integer ratio and the size of a logit."""

    def __new__(cls, x, shift=0.0):
        self = super().__new__(cls, x)
        self.shift = shift
        return self

    def as_integer_ratio(self):
        total = Fraction(float(self)) + Fraction(self.shift)
        return total.numerator, total.denominator
