"""Scales of the sigmoid loss' errors under each rule of soft targets, and with a detached modulator.

As in `scales`: the sum of the absolute values of the terms that make up a result. With
a = p(1-t) + (1-p)t for |CE'| = |p - t|, b = |1-2t|, r = CE/(exp(CE) - 1), g = gamma:

    cross_entropy   gradient   alpha_t u^g (1 + g r) a
                    curvature  alpha_t u^g [ (1 + g r) p(1-p) + (g |g-1| r/(exp(CE)-1) + g r + 2g/(exp(CE)-1)) a^2 ]
    margin          gradient   alpha_t u^g (g p_t b CE + a)
                    curvature  alpha_t u^g [ CE (g^2 p_t^2 + g p_t u) b^2 + 2 g p_t b a + p(1-p) ]
    expected        each class' hard loss by itself: with q = 1-p, L = -log p and its weight w
                    gradient   w q^g (g p L + q)
                    curvature  w q^g p [ g L (g p + q) + (2g + 1) q ]
    detached        gradient   alpha_t u^g a (expected: w q^(g+1)),  curvature |exact|

Values have no terms of opposite sign.
"""

import numpy as np

from focal_conformance.formats import Float64
from focal_conformance.oracle.soft_targets import CROSS_ENTROPY, EXPECTED, LINEAR, MARGIN
from focal_conformance.scales import term_scales


def sigmoid_scales(
    logits: Float64,
    targets: Float64,
    alpha: float | None,
    alpha_t: Float64,
    gamma: float,
    soft_targets: str,
    detach_modulator: bool,
) -> dict[str, Float64]:
    """Scales of value, gradient and curvature; 0 where |exact| is the scale."""
    if soft_targets == LINEAR and not detach_modulator:
        return term_scales(logits, targets, alpha_t, gamma)
    with np.errstate(all="ignore"):
        x = np.clip(logits, -1e5, 1e5)
        e = np.exp(-np.abs(x))
        p, q = np.where(x >= 0, 1.0, e) / (1.0 + e), np.where(x >= 0, e, 1.0) / (1.0 + e)
        minus_log_p, minus_log_q = np.maximum(-x, 0.0) + np.log1p(e), np.maximum(x, 0.0) + np.log1p(e)
        if soft_targets == EXPECTED:
            positive, negative = (1.0, 1.0) if alpha is None else (alpha, 1.0 - alpha)
            one = _class_terms(positive * targets, p, q, minus_log_p, gamma, detach_modulator)
            other = _class_terms(negative * (1.0 - targets), q, p, minus_log_q, gamma, detach_modulator)
            gradient, curvature = (a + b for a, b in zip(one, other, strict=True))
        else:
            cross_entropy = targets * minus_log_p + (1.0 - targets) * minus_log_q
            slope, bend = p * (1.0 - targets) + q * targets, np.abs(1.0 - 2.0 * targets)
            if soft_targets == CROSS_ENTROPY:
                u, v = -np.expm1(-cross_entropy), 1.0 / np.expm1(cross_entropy)
            elif soft_targets == MARGIN:
                margin = x * (2.0 * targets - 1.0)
                u, v = 1.0 / (1.0 + np.exp(margin)), 1.0 / (1.0 + np.exp(-margin))
            else:
                u, v = slope, np.zeros_like(slope)
            modulator = alpha_t * u**gamma
            if detach_modulator:
                gradient, curvature = modulator * slope, np.zeros_like(slope)
            elif soft_targets == CROSS_ENTROPY:
                ratio = cross_entropy * v
                gradient = modulator * (1.0 + gamma * ratio) * slope
                second = gamma * np.abs(gamma - 1.0) * ratio * v + gamma * ratio + 2.0 * gamma * v
                curvature = modulator * ((1.0 + gamma * ratio) * p * q + second * slope**2)
            else:
                gradient = modulator * (gamma * v * bend * cross_entropy + slope)
                second = cross_entropy * (gamma**2 * v**2 + gamma * v * u) * bend**2
                curvature = modulator * (second + 2.0 * gamma * v * bend * slope + p * q)
    return {
        "value": np.zeros_like(x),
        "gradient": np.nan_to_num(gradient, posinf=0.0),
        "curvature": np.nan_to_num(curvature, posinf=0.0),
    }


def _class_terms(
    weight: Float64, p: Float64, q: Float64, minus_log_p: Float64, gamma: float, detach: bool
) -> tuple[Float64, Float64]:
    modulator = weight * q**gamma
    if detach:
        return modulator * q, modulator * p * q
    gradient = modulator * (gamma * p * minus_log_p + q)
    inside = gamma * minus_log_p * (gamma * p + q) + (2.0 * gamma + 1.0) * q
    return gradient, modulator * p * inside
