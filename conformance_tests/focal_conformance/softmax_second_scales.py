"""Scales of the diagonal of the Hessian, and of its product with a vector: `softmax_scales` says of what.

Every sum here is sum_i |H_ji| w_i with the weights w: those of the diagonal keep i = j alone, those
of a product are |v_i|.
"""

from dataclasses import dataclass

import numpy as np

from focal_conformance.formats import Float64
from focal_conformance.oracle.soft_targets import CROSS_ENTROPY, EXPECTED, LINEAR
from focal_conformance.softmax_scales import Pieces, margin_slope, modulator, others


@dataclass(frozen=True)
class Weighted:
    """How the terms with index i are summed for each j: i = j alone, or all i with |v_i|."""

    row: Pieces
    vector: Float64 | None

    def total(self, terms: Float64) -> Float64:
        """Sum over i of terms_i w_i, for each j."""
        return terms if self.vector is None else np.full_like(terms, np.sum(terms * self.vector))

    def softmax(self) -> Float64:
        """Sum over i of |dp_i/dx_j| w_i."""
        p, q = self.row.p, self.row.q
        return p * q if self.vector is None else p * (q * self.vector + others(p * self.vector))

    def centred(self, scaled: Float64) -> Float64:
        """Sum over c and i of scaled_c / q_c^2 |d_cj - p_j| |d_ci - p_i| w_i.

        q_c may be tiny for the largest class alone; every quotient here is formed before it is used.
        """
        p, q = self.row.p, self.row.q
        top = int(np.argmax(p))
        beside = p / q[top]
        rest = scaled.copy()
        rest[top] = 0.0
        if self.vector is None:
            from_top = scaled[top] * beside**2
            from_top[top] = 0.0
            return scaled + from_top + p**2 * others(np.where(rest > 0.0, rest / q**2, 0.0))
        reach = self.vector + others(p * self.vector) / q
        from_top = scaled[top] * reach[top] * beside
        from_top[top] = 0.0
        return scaled * reach + from_top + p * others(np.where(rest > 0.0, rest * reach / q, 0.0))


def second_scales(row: Pieces, soft_targets: str, detach: bool, vector: Float64 | None) -> Float64:
    """Scale of the diagonal (``vector`` None) or of the product of the Hessian with a vector."""
    by = Weighted(row, None if vector is None else np.abs(vector))
    g, s = row.gamma, row.slope
    if soft_targets == EXPECTED:
        return _expected(row, by, detach)
    power, u, factor = modulator(row, soft_targets)
    flat = row.t.sum() * by.softmax()
    if detach:
        return np.asarray(row.alpha_t * power * flat)
    if soft_targets == LINEAR:
        tp, ce = row.t * row.p, row.near_cross_entropy
        down = row.t * row.p * row.q + row.p * others(tp)
        bend = by.centred(tp * row.q**2) + tp.sum() * by.softmax()
        inside = g * abs(g - 1.0) * ce * down / u * by.total(down) / u + g * ce * bend / u
        inside = inside + g * (down / u * by.total(s) + s * by.total(down) / u) + flat
    elif soft_targets == CROSS_ENTROPY:
        ratio = row.cross_entropy * factor
        second = g * abs(g - 1.0) * ratio * factor + g * ratio + 2.0 * g * factor
        inside = (1.0 + g * ratio) * flat + second * s * by.total(s)
    else:
        b, ce = margin_slope(row), row.cross_entropy
        inside = ce * (g**2 * factor**2 + g * factor * u) * b * by.total(b) + ce * g * factor * _margin_bend(row, by)
        inside = inside + g * factor * (b * by.total(s) + s * by.total(b)) + flat
    return np.asarray(row.alpha_t * power * inside)


def _margin_bend(row: Pieces, by: Weighted) -> Float64:
    """|d2M|: log p_c - log q_c = x_c - log sum_{k != c} exp(x_k) bends as a softmax over the others."""
    share = np.where(row.t > 0.0, row.t / row.q, 0.0)
    if by.vector is None:
        return row.p * others(share)
    reach = share * (others(row.p * by.vector) / row.q)
    return row.p * (by.vector * others(share) + others(reach))


def _expected(row: Pieces, by: Weighted, detach: bool) -> Float64:
    """Each class' hard loss by itself; of a class of weight 0 nothing."""
    g = row.gamma
    used = row.weights > 0.0
    m = np.where(used, row.weights * np.exp(g * row.log_q), 0.0)
    if detach:
        return np.asarray(m.sum() * by.softmax())
    p, q, near = row.p, row.q, row.near_log
    outer = g * abs(g - 1.0) * near * p**2 + (g * near + 2.0 * g) * p * q
    flat = g * near * p / q + 1.0
    return np.asarray(by.centred(np.where(used, m * outer, 0.0)) + np.where(used, m * flat, 0.0).sum() * by.softmax())
