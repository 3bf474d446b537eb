"""The scale of an error: the sum of the absolute values of the terms that make up a result.

Where terms of opposite sign are added, an error of one ULP in a term is any number of ULP of a
result near zero. A scale needs a digit or two, so plain float64 formulas do:

    value      no terms of opposite sign; nan here, |exact| applies
    gradient   alpha_t u^gamma [ gamma |1-2t| k CE + p(1-t) + (1-p)t ]
    curvature  alpha_t u^gamma k [ gamma (CE (gamma (1-2t)^2 k + u + tau) + 2 |1-2t| u) + u ]

with u = 1 - p_t, k = p(1-p)/u, tau = t(1-t)/u. Hard targets have one term less in the gradient:
both terms have one sign, and the scale is |exact|.
"""

import numpy as np

from focal_conformance.formats import Float64


def term_scales(logits: Float64, targets: Float64, alpha_t: Float64, gamma: float) -> dict[str, Float64]:
    """Scales of value, gradient and curvature; 0 where |exact| is the scale."""
    with np.errstate(all="ignore"):
        y = np.minimum(np.abs(logits), 1e5)
        e = np.exp(-y)
        against = np.where(logits >= 0, 1.0 - targets, targets)
        mixed = against + (1.0 - against) * e
        u = mixed / (1.0 + e)
        cross_entropy = against * y + np.log1p(e)
        # The square root of e twice: e itself is 0 where its product with the rest is not.
        root = np.where(against == 0.0, 1.0, np.exp(-0.5 * y))
        rest = root / np.where(against == 0.0, 1.0, mixed) / (1.0 + e)
        k = root * rest
        bend = np.abs(1.0 - 2.0 * targets)
        tau = np.where(u > 0.0, targets * (1.0 - targets) / u, 0.0)
        modulator = alpha_t * u**gamma
        inside = cross_entropy * (gamma * bend**2 * k + u + tau) + 2.0 * bend * u
        curvature = modulator * (root * (rest * (gamma * inside + u)))
        gradient = modulator * (gamma * bend * k * cross_entropy + u)
    return {
        "value": np.zeros_like(y),
        "gradient": np.nan_to_num(gradient),
        "curvature": np.nan_to_num(curvature),
    }
