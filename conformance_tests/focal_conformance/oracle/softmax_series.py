"""The softmax focal loss of one row as a power series along one direction.

For logits x + d h, with S = sum_j exp(x_j + d_j h) and p_c = exp(x_c + d_c h) / S:

    CE = -sum_c t_c log p_c        alpha_t = sum_c alpha_c t_c
    linear          FL = alpha_t (1-p_t)^gamma CE,  p_t = sum_c t_c p_c
    cross_entropy   the same with p_t = exp(-CE)
    margin          the same with p_t = 1 / (1 + exp(-sum_c t_c (log p_c - log(1-p_c))))
    expected        FL = sum_c alpha_c t_c (1-p_c)^gamma (-log p_c)

verbatim: every difference is taken as it stands. Only where the logits are too far apart for that
(``complement``) is 1 - p_c of the largest class the sum of the others, kept as a logarithm.
The largest logit is subtracted from all, which changes no p_c and keeps exp() in range.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from flint import arb, arb_series

from focal_conformance.oracle.rounding import exact
from focal_conformance.oracle.sigmoid_limits import softplus
from focal_conformance.oracle.soft_targets import CROSS_ENTROPY, EXPECTED, LINEAR

Weights = Mapping[int, Any]
"""Class -> alpha_c, an exact ball."""


class Along:
    """Series of the pieces of the formula, each made once; to be used at the precision of its making."""

    def __init__(
        self, logits: Sequence[Any], targets: Mapping[int, Any], direction: Sequence[Any], *, top: int, complement: bool
    ) -> None:
        self.logits, self.targets, self.direction = logits, targets, direction
        self.top, self.complement = top, complement
        self.shifted = [arb_series([x - logits[top], d], 3) for x, d in zip(logits, direction, strict=True)]
        self.exponentials = [z.exp() for z in self.shifted]
        self.total = _sum(self.exponentials)
        self.log_total = self.total.log()
        self._losses: dict[tuple[float, str, bool], Any] = {}

    def minus_log_p(self, c: int) -> Any:
        """-log p_c."""
        return self.log_total - self.shifted[c]

    def p(self, c: int) -> Any:
        """p_c."""
        return self.exponentials[c] / self.total

    def log_not_p(self, c: int) -> Any:
        """log(1 - p_c)."""
        if self.complement and c == self.top:
            return self._log_share({k: arb(1) for k in range(len(self.logits)) if k != c})
        return (1 - self.p(c)).log()

    @cached_property
    def cross_entropy(self) -> Any:
        """CE."""
        return _sum([t * self.minus_log_p(c) for c, t in self.targets.items()])

    @cached_property
    def _linear(self) -> Any:
        if self.complement:
            # As the p_c sum to 1: 1 - sum_c t_c p_c = sum_c (1-t_c) p_c.
            rest = {c: 1 - self.targets.get(c, arb(0)) for c in range(len(self.logits))}
            return self._log_share({c: weight for c, weight in rest.items() if not weight.is_zero()})
        return (1 - _sum([t * self.p(c) for c, t in self.targets.items()])).log()

    @cached_property
    def _margin(self) -> Any:
        margin = -_sum([t * (self.minus_log_p(c) + self.log_not_p(c)) for c, t in self.targets.items()])
        if not margin[0].is_finite():
            # 1 - p_c is not told from 0 yet: more bits are asked for.
            return margin
        return -softplus(margin) if self.complement else (1 - 1 / (1 + (-margin).exp())).log()

    def loss(self, gamma: float, rule: str, detach: bool, alpha_t: Any, alpha: Weights | None) -> Any:
        """FL along the direction."""
        if rule == EXPECTED:
            weights = {c: t if alpha is None else alpha[c] * t for c, t in self.targets.items()}
            terms = [
                weight * _power(self.log_not_p(c), gamma, detach) * self.minus_log_p(c)
                for c, weight in weights.items()
                if not weight.is_zero()
            ]
            return _sum(terms)
        key = (gamma, rule, detach)
        if key not in self._losses:
            if gamma == 0.0:
                self._losses[key] = self.cross_entropy
            else:
                if rule == LINEAR:
                    log_not_p_t = self._linear
                elif rule == CROSS_ENTROPY:
                    log_not_p_t = (1 - (-self.cross_entropy).exp()).log()
                else:
                    log_not_p_t = self._margin
                self._losses[key] = _power(log_not_p_t, gamma, detach) * self.cross_entropy
        return alpha_t * self._losses[key]

    def _log_share(self, weights: Mapping[int, Any]) -> Any:
        """log(sum_c w_c p_c), with the largest of the summed classes for a unit."""
        largest = largest_of(self.logits, weights)
        unit = self.logits[largest]
        share = _sum([w * arb_series([self.logits[c] - unit, self.direction[c]], 3).exp() for c, w in weights.items()])
        return share.log() + (unit - self.logits[self.top]) - self.log_total


def largest_of(logits: Sequence[Any], classes: Mapping[int, Any]) -> int:
    """The class of the largest logit among some."""
    best = next(iter(classes))
    for c in classes:
        if logits[c] > logits[best]:
            best = c
    return best


def _power(log_base: Any, gamma: float, detach: bool) -> Any:
    """exp(gamma log_base), or its value alone."""
    if gamma == 0.0:
        return arb_series([arb(1)], 3)
    power = (exact(gamma) * log_base).exp()
    return arb_series([power[0]], 3) if detach else power


def _sum(terms: Sequence[Any]) -> Any:
    total = arb_series([arb(0)], 3)
    for term in terms:
        total = total + term
    return total
