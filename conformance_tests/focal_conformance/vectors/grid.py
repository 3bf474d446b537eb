"""Which inputs the vectors hold: special logits crossed with all parameters, random ones paired."""

import math
from typing import overload

import numpy as np

from focal_conformance.formats import FORMATS, Float64, FloatFormat
from focal_conformance.vectors.powers import powers_of_two

SPEC_VERSION = "2"
ALPHAS: tuple[float | None, ...] = (None, 0.0, 0.25, 0.75, 1.0)
GAMMAS = (0.0, 0.1, 0.5, 1.0, 1.5, 2.0, 2.7, 5.0, 10.0)
TARGETS = (0.0, 1.0, 0.3, 0.5, 0.95)
MAGNITUDES = (
    0.0, 1e-8, 1e-3, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 17.0, 20.0, 40.0, 88.0, 104.0, 300.0, 700.0, 745.0, 1e4, math.inf,
)  # fmt: skip
RANDOM_PER_PARAMETERS = 10
SEED = 20170807

FLAGS = {
    "hard": "The target is 0 or 1.",
    "soft": "The target lies between 0 and 1; the rule of the group holds.",
    "saturated": "p or 1 - p rounds to 1 in the dtype: 1 - p_t by subtraction is 0.",
    "underflow": "exp(-|x|) is below the smallest normal number of the compute dtype.",
    "largest": "The largest finite logit of the dtype.",
    "infinite": "An infinite logit: the expected numbers are limits.",
    "nan": "A nan logit: everything is nan, in this element alone.",
    "random": "Drawn with a fixed seed.",
}


def special_points(fmt: FloatFormat) -> tuple[Float64, Float64]:
    """Special logits of the format crossed with hard and soft targets; nan once."""
    magnitudes = {float(fmt.rounded(m)) for m in (*MAGNITUDES, fmt.largest)}
    logits = sorted({sign * m for m in magnitudes for sign in (-1.0, 1.0)})
    targets = [float(fmt.rounded(t)) for t in TARGETS]
    pairs = [(x, t) for x in logits for t in targets] + [(math.nan, 1.0)]
    return np.array([x for x, _ in pairs]), np.array([t for _, t in pairs])


def random_points(fmt: FloatFormat, generator: np.random.Generator, count: int) -> tuple[Float64, Float64]:
    """Random logits, most of them moderate; targets hard, soft, and soft close to 0 and 1."""
    spread = generator.choice([1.0, 6.0, 40.0, 700.0 if fmt.bits == 53 else 100.0], size=count, p=[0.3, 0.3, 0.3, 0.1])
    logits = generator.uniform(-1.0, 1.0, count) * spread
    small = powers_of_two(generator.uniform(-20.0, -1.0, count))
    hard = generator.integers(0, 2, count).astype(np.float64)
    choices = np.stack([hard, hard, generator.uniform(0.0, 1.0, count), small, 1.0 - small])
    targets = np.take_along_axis(choices, generator.integers(0, 5, (1, count)), axis=0)[0]
    return fmt.rounded(logits), fmt.rounded(targets)


def flags_of(x: float, t: float, fmt: FloatFormat) -> list[str]:
    """Flags of one point, for the explanation of a failure."""
    flags = ["hard" if t in (0.0, 1.0) else "soft"]
    if math.isnan(x):
        return [*flags, "nan"]
    if math.isinf(x):
        return [*flags, "infinite"]
    if abs(x) > (fmt.bits + 1) * math.log(2.0) - 0.5:
        flags.append("saturated")
    if abs(x) > -FORMATS[fmt.compute_name].min_exponent * math.log(2.0):
        flags.append("underflow")
    if abs(x) == fmt.largest:
        flags.append("largest")
    return flags


@overload
def held(parameter: float, fmt: FloatFormat) -> float: ...
@overload
def held(parameter: float | tuple[float, ...] | None, fmt: FloatFormat) -> float | tuple[float, ...] | None: ...
def held(parameter: float | tuple[float, ...] | None, fmt: FloatFormat) -> float | tuple[float, ...] | None:
    """A parameter as the format's compute dtype holds it."""
    if isinstance(parameter, tuple):
        return tuple(held(number, fmt) for number in parameter)
    return None if parameter is None else float(FORMATS[fmt.compute_name].rounded(parameter))
