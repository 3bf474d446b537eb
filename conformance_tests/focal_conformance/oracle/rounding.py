"""From a ball to the one float64 that it rounds to."""

from typing import Any

from flint import arb

SMALLEST_SHIFT = -(1 << 18)


def unique_double(ball: Any) -> float | None:
    """The float64 that every point of the ball rounds to, ties to even; None if there are two.

    The ends are formed with integers: the ball's own lower() and upper() round to the precision
    that happens to be set.
    """
    if not ball.is_finite():
        return None
    middle, middle_exponent = _integers(ball.mid())
    radius, radius_exponent = _integers(ball.rad())
    exponent = min(middle_exponent, radius_exponent)
    middle <<= middle_exponent - exponent
    radius <<= radius_exponent - exponent
    lower, upper = nearest_double(middle - radius, exponent), nearest_double(middle + radius, exponent)
    return lower if lower == upper else None


def _integers(number: Any) -> tuple[int, int]:
    """M and e of an exact number m 2**e; what is far below any float64 is moved up to a tiny bound."""
    mantissa, exponent = (int(part) for part in number.man_exp())
    if mantissa == 0:
        return 0, 0
    if exponent < SMALLEST_SHIFT:
        return (1 if mantissa > 0 else -1), SMALLEST_SHIFT
    return mantissa, exponent


def nearest_double(mantissa: int, exponent: int) -> float:
    """Correctly rounded float64 of m 2**e, gradual underflow and overflow included."""
    if exponent >= 0:
        return mantissa_to_double(mantissa << exponent)
    try:
        # Python divides integers with correct rounding.
        return mantissa / (1 << -exponent)
    except OverflowError:
        return float("inf") if mantissa > 0 else float("-inf")


def mantissa_to_double(integer: int) -> float:
    """Nearest float64 of an integer, infinite beyond the range."""
    try:
        return float(integer)
    except OverflowError:
        return float("inf") if integer > 0 else float("-inf")


def exact(number: float) -> Any:
    """A float64 as an exact ball."""
    mantissa, exponent = number.as_integer_ratio()
    return arb(mantissa) / arb(exponent)
