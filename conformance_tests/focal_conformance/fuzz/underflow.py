"""What underflow inside a computation may cost: the rounding model's absolute term.

A product rounds to ab(1 + d) + h with |h| at most the smallest number of the compute dtype, the
smallest normal one where subnormals are flushed. What a loss multiplies its products by afterwards
is at most the cross-entropy, of a gradient gamma times that. With a logit of 1e4 this is 1e-41 in
float32; it shows only where (1 - p_t)^gamma, or a weight times a target, is no normal number.
Golden points have no such products, and no such allowance.
"""

import numpy as np

from focal_conformance.formats import FORMATS, Float64
from focal_conformance.fuzz.case import RandomCase
from focal_conformance.softmax_scales import pieces

PRODUCTS = 2.0
"""Those that may underflow on the way to one result."""


def underflow_errors(case: RandomCase, quantity: str, flushes: bool) -> Float64:
    """Absolute error of each result that underflow excuses; none where alpha_t makes it exactly 0."""
    compute = FORMATS[case.format.compute_name]
    smallest = compute.smallest_normal if flushes else float(compute.ulp(0.0))
    factor = 1.0 + _cross_entropy(case) * (1.0 if quantity == "value" else case.gamma)
    errors = np.where(case.alpha_t == 0.0, 0.0, PRODUCTS * smallest * factor)
    exact = case.exact[quantity]
    return np.broadcast_to(errors[:, None], exact.shape) if exact.ndim > 1 else errors


def _cross_entropy(case: RandomCase) -> Float64:
    """To a digit or two; 0 at infinite logits, where results are limits and no products."""
    with np.errstate(all="ignore"):
        if case.logits.ndim == 1:
            against = np.where(case.logits >= 0.0, 1.0 - case.targets, case.targets)
            y = np.abs(case.logits)
            found = against * y + np.log1p(np.exp(-y))
        else:
            rows = zip(case.logits, _soft(case), strict=True)
            found = np.array([0.0 if np.isnan(x).any() else pieces(x, t, None, 0.0).cross_entropy for x, t in rows])
            found = np.where(np.isinf(case.logits).any(axis=-1), 0.0, found)
    return np.nan_to_num(found, nan=0.0, posinf=0.0)


def _soft(case: RandomCase) -> Float64:
    return case.targets if case.targets.ndim > 1 else np.eye(case.logits.shape[1])[case.targets]
