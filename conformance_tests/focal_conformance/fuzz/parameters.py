"""Random parameters: those of a port's dialect, near and at the numbers that code treats apart."""

from dataclasses import replace

import numpy as np

from focal_conformance.dialect import Dialect, NotClaimed, Parameters
from focal_conformance.formats import FORMATS, FloatFormat
from focal_conformance.oracle.soft_targets import LINEAR, SOFT_TARGETS
from focal_conformance.session import SHORT_GAMMAS, Session
from focal_conformance.vectors.grid import held

LARGEST_GAMMA = 10.0
"""What bounds.json has rows for."""
SPECIAL_GAMMAS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0)
USUAL_ALPHAS = (0.25, 0.5, 0.75)


def random_parameters(
    session: Session, fmt: FloatFormat, generator: np.random.Generator, number: int, classes: int
) -> Parameters:
    """Parameters of the batch with this number, as the compute dtype holds them.

    Where each set is compiled anew there are few; numbers go through them in turn.
    """
    dialect = session.port.dialect
    few = not session.eager
    gamma = SHORT_GAMMAS[number % len(SHORT_GAMMAS)] if few else _random_gamma(fmt, generator)
    alpha = 0.25 if few else _random_alpha(generator, classes)
    rules = SOFT_TARGETS if dialect.soft_targets_argument else (dialect.soft_targets or LINEAR,)
    # In compiled modes all gammas by the first rule, then all by the second: each pair is one compilation.
    turn = number // len(SHORT_GAMMAS) if few else int(generator.integers(0, len(rules)))
    detach = not few and dialect.detach_modulator is not None and bool(generator.random() < 0.2)
    wanted = Parameters(held(alpha, fmt), held(gamma, fmt), soft_targets=rules[turn % len(rules)])
    wanted = replace(wanted, detach_modulator=detach)
    return _claimed(dialect, wanted, fmt)


def _claimed(dialect: Dialect, wanted: Parameters, fmt: FloatFormat) -> Parameters:
    """The parameters, with what the dialect has no words for replaced by what it has."""
    if dialect.gamma is None:
        wanted = replace(wanted, gamma=dialect.fixed_gamma[0])
    if dialect.alpha is None and dialect.alpha_by_class is None and dialect.fixed_alpha:
        return replace(wanted, alpha=dialect.fixed_alpha[0])
    for alpha in (wanted.alpha, None, held(0.25, fmt), 0.5):
        candidate = replace(wanted, alpha=alpha)
        try:
            dialect.keywords(replace(candidate, reduction=_own_reduction(dialect)))
        except NotClaimed:
            continue
        return candidate
    raise NotClaimed("no alpha that random points are given")


def _own_reduction(dialect: Dialect) -> str:
    return dialect.returns if dialect.reduction is None else "none"


def _random_gamma(fmt: FloatFormat, generator: np.random.Generator) -> float:
    """Common numbers, exactly and nearly; near 0; and any up to 5 and 10."""
    kind = int(generator.integers(0, 6))
    special = float(generator.choice(SPECIAL_GAMMAS))
    if kind == 0:
        return special
    if kind == 1:
        compute = FORMATS[fmt.compute_name]
        return _within(special + float(generator.integers(-3, 4)) * float(compute.ulp(special or 1.0)))
    if kind == 2:
        return _within(special + float(generator.choice([-1.0, 1.0])) * 2.0 ** generator.uniform(-20.0, -3.0))
    if kind == 3:
        return float(2.0 ** generator.uniform(-40.0, 0.0))
    return float(generator.uniform(0.0, 5.0 if kind == 4 else LARGEST_GAMMA))


def _within(gamma: float) -> float:
    return min(abs(gamma), LARGEST_GAMMA)


def _random_alpha(generator: np.random.Generator, classes: int) -> float | tuple[float, ...] | None:
    """Off, 0, 1, common numbers, near the ends, any; of rows also one a class."""
    kind = int(generator.integers(0, 8 if classes else 7))
    if kind <= 1:
        return None
    if kind == 2:
        return float(generator.integers(0, 2))
    if kind == 3:
        return float(generator.choice(USUAL_ALPHAS))
    small = float(2.0 ** generator.uniform(-22.0, -2.0))
    if kind == 4:
        return small if generator.random() < 0.5 else 1.0 - small
    if kind == 7:
        return tuple(generator.uniform(0.0, 1.0, classes).tolist())
    return float(generator.uniform(0.0, 1.0))
