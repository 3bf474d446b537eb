"""Scales of the softmax loss' errors: the sum of the absolute values of the terms of a result.

For one row: p, q_c = 1 - p_c, L_c = -log p_c, T = sum t, g = gamma, and for the class j at hand

    s_j = t_j q_j + p_j sum_{c!=j} t_c             the products in dCE/dx_j = -sum_c t_c (d_cj - p_j)
    n_i = p_i q_i (i = j), p_i p_j (i != j)        |dp_i/dx_j|; T times it is |d2CE|

value               |exact|
hard targets        gradient |exact|: all terms have one sign; Hessian as `expected` with one class
linear              d_j = t_j p_j q_j + p_j sum_{c!=j} t_c p_c for |du/dx_j|, u = 1 - p_t
                    gradient  alpha_t u^g (g CE d_j/u + s_j)
cross_entropy       E = 1/(exp(CE) - 1)
                    gradient  alpha_t u^g (1 + g CE E) s_j
margin              b_j = t_j + p_j sum_{c!=j} t_c/q_c for |dM/dx_j|
                    gradient  alpha_t u^g (g p_t CE b_j + s_j)
                    (M = sum_c t_c log(p_c/q_c) adds terms of opposite sign too: no allowance for them)
expected            sum over c of each class' hard gradient: with w_c = alpha_c t_c
                    w_j q_j^g (g p_j L_j + q_j) + p_j sum_{c!=j} w_c q_c^g (g p_c L_c/q_c + 1)
detached            the terms with a derivative of u^g are not there

The Hessian is the sum of the products in
    u^g CE'' + (u^g)' CE' + CE' (u^g)' + (u^g)'' CE,
each derivative by the sums above (`softmax_second_scales`); the product with v sums |H_ji| |v_i|.
"""

from dataclasses import dataclass

import numpy as np

from focal_conformance.formats import Float64
from focal_conformance.oracle.soft_targets import CROSS_ENTROPY, EXPECTED, LINEAR, MARGIN

GAP = 700.0
"""A largest logit further above the others is lowered to this distance, but not in (1-p)^gamma and CE.

Then 1-p is no subnormal number and may divide; what is lost is smaller than any result."""


@dataclass(frozen=True)
class Pieces:
    """What the scales of one row are made of."""

    t: Float64
    p: Float64
    q: Float64
    near_log: Float64
    """-log p of the lowered row, for the products p log p and log p / q."""
    minus_log_p: Float64
    log_q: Float64
    weights: Float64
    alpha_t: float
    gamma: float

    @property
    def cross_entropy(self) -> float:
        """CE."""
        return float(np.sum(np.where(self.t > 0.0, self.t * self.minus_log_p, 0.0)))

    @property
    def near_cross_entropy(self) -> float:
        """CE of the lowered row."""
        return float(np.sum(self.t * self.near_log))

    @property
    def slope(self) -> Float64:
        """s_j."""
        return self.t * self.q + self.p * others(self.t)

    @property
    def odds(self) -> Float64:
        """t_c (log p_c - log q_c)."""
        return np.where(self.t > 0.0, self.t * (-self.minus_log_p - self.log_q), 0.0)


def others(terms: Float64) -> Float64:
    """Sum of all terms but each one's own; of the largest without a subtraction."""
    total = terms.sum() - terms
    top = int(np.argmax(terms))
    total[top] = np.delete(terms, top).sum()
    return np.asarray(np.maximum(total, 0.0))


def pieces(x: Float64, t: Float64, alpha: float | tuple[float, ...] | None, gamma: float) -> Pieces:
    """The pieces of a row; infinite logits as the largest numbers."""
    x = np.clip(x, -1e300, 1e300)
    top = int(np.argmax(x))
    second = float(np.delete(x, top).max()) if x.size > 1 else -np.inf
    e = np.exp(x - x[top])
    rest = np.delete(e, top).sum()
    minus_log_p = np.log1p(rest) - (x - x[top])
    near = np.exp(np.delete(x, top) - second)
    log_q = np.log1p(-np.minimum(e / (1.0 + rest), 0.75))
    log_q[top] = np.log(near.sum()) + (second - x[top]) - np.log1p(rest) if x.size > 1 else -np.inf
    lowered = x.copy()
    lowered[top] = min(x[top], second + GAP) if x.size > 1 else x[top]
    # No class is lower than its share of any result can be seen.
    lowered = np.maximum(lowered - lowered[top], -1400.0)
    p = np.exp(lowered)
    q = others(p) / p.sum()
    near_log = np.log1p(np.delete(p, top).sum()) - lowered
    weights = t * (1.0 if alpha is None else np.asarray(alpha))
    alpha_t = 1.0 if alpha is None else float(weights.sum())
    return Pieces(t, p / p.sum(), q, near_log, minus_log_p, log_q, weights, alpha_t, gamma)


def modulator(row: Pieces, soft_targets: str) -> tuple[float, float, float]:
    """u^g, u and what multiplies g in its derivative: p_t of margin, 1/(exp(CE)-1) of cross_entropy."""
    if soft_targets == CROSS_ENTROPY:
        u = -np.expm1(-row.cross_entropy)
        return float(u**row.gamma), float(u), float(1.0 / np.expm1(row.cross_entropy))
    if soft_targets == MARGIN:
        margin = row.odds.sum()
        log_u = -np.logaddexp(0.0, margin)
        return float(np.exp(row.gamma * log_u)), float(np.exp(log_u)), float(np.exp(-np.logaddexp(0.0, -margin)))
    u = float(np.sum(row.p * (1.0 - row.t)))
    return u**row.gamma, u, 0.0


def first_scales(row: Pieces, soft_targets: str, detach: bool) -> Float64:
    """Scale of the gradient of a row with soft targets."""
    g, s = row.gamma, row.slope
    if soft_targets == EXPECTED:
        m = row.weights * np.exp(g * row.log_q)
        inner = np.zeros_like(row.p) if detach else g * row.p * row.near_log
        return np.asarray(m * (inner + row.q) + row.p * others(m * (inner / row.q + 1.0)))
    power, u, factor = modulator(row, soft_targets)
    if detach:
        return np.asarray(row.alpha_t * power * s)
    if soft_targets == LINEAR:
        down = row.t * row.p * row.q + row.p * others(row.t * row.p)
        return np.asarray(row.alpha_t * power * (g * row.near_cross_entropy * down / u + s))
    if soft_targets == CROSS_ENTROPY:
        return np.asarray(row.alpha_t * power * (1.0 + g * row.cross_entropy * factor) * s)
    return np.asarray(row.alpha_t * power * (g * factor * row.cross_entropy * margin_slope(row) + s))


def margin_slope(row: Pieces) -> Float64:
    """b_j."""
    return row.t + row.p * others(np.where(row.t > 0.0, row.t / row.q, 0.0))
