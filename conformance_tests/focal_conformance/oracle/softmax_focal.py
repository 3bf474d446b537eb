"""Value, gradient, diagonal of the Hessian and Hessian-vector product of the softmax focal loss.

Each number is correctly rounded to float64. Derivatives are read off the formula's power series
along a direction (`softmax_series`): along e_j the coefficients of h and h^2/2 are dFL/dx_j and
d2FL/dx_j2; with D2(d) the second one along d, the product of the Hessian H with a vector v has
(H v)_j = [D2(e_j + v) - D2(e_j - v)] / 4.

A class with logit -inf and target 0 is not there: p = 0, and every derivative by it is 0. Other
infinite logits are stood in for by 2^4096, which gives the limits. A row with a nan is all nan.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, ctx

from focal_conformance.oracle.rounding import exact, unique_double
from focal_conformance.oracle.soft_targets import LINEAR, checked_rule
from focal_conformance.oracle.softmax_series import Along

FIRST_PRECISION, LAST_PRECISION = 192, 1 << 16
COMPLEMENT_FROM = 2.0**12
"""Beyond this distance between the logits of a row 1 - p is the sum of the other p."""
NO_DIRECTION = -1
INFINITE = 4096
"""An infinite logit is stood in for by two to this power: what grows with it is beyond any float64."""


@dataclass(frozen=True)
class RowTruth:
    """The loss of a row, and derivatives by chosen classes: class -> number."""

    value: float
    gradient: dict[int, float]
    curvature: dict[int, float]
    product: dict[int, float]
    """Empty without a vector."""


class Row:
    """One row of logits and targets; keeps what its losses for several parameters share."""

    def __init__(
        self, logits: Sequence[float], targets: Sequence[float] | int, vector: Sequence[float] | None = None
    ) -> None:
        if isinstance(targets, int):
            targets = [float(c == targets) for c in range(len(logits))]
        self.logits, self.targets = list(logits), list(targets)
        self.vector = None if vector is None else list(vector)
        if sum(x == math.inf for x in self.logits) > 1:
            raise ValueError(f"logits must hold inf at most once to have a limit, got {self.logits}")
        self.isnan = any(math.isnan(x) for x in self.logits)
        self.present = [c for c, x in enumerate(self.logits) if not (x == -math.inf and self.targets[c] == 0.0)]
        finite = [self.logits[c] for c in self.present]
        self._complement = not self.isnan and max(finite) / 2 - min(finite) / 2 > COMPLEMENT_FROM / 2
        self._series: dict[tuple[int, int, int], Along] = {}
        if not self.isnan:
            self._balls = [stand_in(self.logits[c]) for c in self.present]
            self._target_balls = {i: exact(self.targets[c]) for i, c in enumerate(self.present) if self.targets[c]}
            self._top = max(range(len(finite)), key=finite.__getitem__)

    def truth(
        self,
        alpha: float | Sequence[float] | None,
        gamma: float,
        soft_targets: str = LINEAR,
        detach_modulator: bool = False,
        classes: Sequence[int] | None = None,
    ) -> RowTruth:
        """Correctly rounded numbers; ``classes`` (all): those that derivatives are wanted for."""
        rule = checked_rule(soft_targets)
        if self._complement and sorted(self.targets) == [0.0] * (len(self.targets) - 1) + [1.0]:
            # Where the rules agree, the linear one needs the fewest bits.
            rule = LINEAR
        chosen = list(range(len(self.logits))) if classes is None else list(classes)
        if self.isnan:
            return self._constant(math.nan, chosen)
        if len(self.present) == 1:
            # p = 1 whatever the logit: log p = 0.
            return self._constant(0.0, chosen)

        def number(kind: str, c: int) -> float:
            if c != NO_DIRECTION and c not in self.present:
                return 0.0
            precision = FIRST_PRECISION
            while precision <= LAST_PRECISION:
                result = unique_double(self.ball(kind, c, alpha, gamma, precision, rule, detach_modulator))
                if result is not None:
                    return result
                precision *= 2
            raise ArithmeticError(
                f"no unique float64 of the {kind} with {LAST_PRECISION} bits at {self.logits}, {self.targets}, class "
                f"{c}, {alpha=}, {gamma=}, {rule=}"
            )

        return RowTruth(
            number("value", NO_DIRECTION),
            {c: number("gradient", c) for c in chosen},
            {c: number("curvature", c) for c in chosen},
            {} if self.vector is None else {c: number("product", c) for c in chosen},
        )

    def ball(
        self,
        kind: str,
        c: int,
        alpha: float | Sequence[float] | None,
        gamma: float,
        precision: int,
        soft_targets: str = LINEAR,
        detach_modulator: bool = False,
    ) -> Any:
        """Enclosure of 'value', or of 'gradient', 'curvature' or 'product' at a class that is there."""
        before, ctx.prec = ctx.prec, precision
        try:
            if alpha is None:
                weights, alpha_t = None, arb(1)
            else:
                alphas = [alpha] * len(self.logits) if isinstance(alpha, float) else alpha
                weights = {i: exact(alphas[self.present[i]]) for i in self._target_balls}
                alpha_t = sum((weights[i] * t for i, t in self._target_balls.items()), arb(0))

            def loss(sign: int) -> Any:
                along = self._along(c, sign, precision)
                return along.loss(gamma, soft_targets, detach_modulator, alpha_t, weights)

            if kind == "product":
                return (2 * loss(1)[2] - 2 * loss(-1)[2]) / 4
            return {"value": lambda s: s[0], "gradient": lambda s: s[1], "curvature": lambda s: 2 * s[2]}[kind](loss(0))
        finally:
            ctx.prec = before

    def _along(self, c: int, sign: int, precision: int) -> Along:
        """Series along e_c, or e_c + v and e_c - v for the signs 1 and -1."""
        if c == NO_DIRECTION:
            # Any direction gives the value.
            c = self.present[self._top]
        key = (c, sign, precision)
        if key not in self._series:
            vector = self.vector if self.vector is not None else [0.0] * len(self.logits)
            direction = [exact(float(k == c)) + sign * exact(vector[k]) for k in self.present]
            self._series[key] = Along(
                self._balls, self._target_balls, direction, top=self._top, complement=self._complement
            )
        return self._series[key]

    def _constant(self, number: float, classes: Sequence[int]) -> RowTruth:
        same = dict.fromkeys(classes, number)
        return RowTruth(number, same, same, {} if self.vector is None else same)


def stand_in(x: float) -> Any:
    """A logit as an exact ball, a huge one for an infinite one."""
    return exact(x) if math.isfinite(x) else arb(1 if x > 0 else -1) * arb(2) ** INFINITE


def softmax_focal(
    logits: Sequence[float],
    targets: Sequence[float] | int,
    alpha: float | Sequence[float] | None,
    gamma: float,
    soft_targets: str = LINEAR,
    detach_modulator: bool = False,
    vector: Sequence[float] | None = None,
) -> RowTruth:
    """Correctly rounded loss and derivatives of one row; ``targets``: a class index or a row."""
    return Row(logits, targets, vector).truth(alpha, gamma, soft_targets, detach_modulator)
