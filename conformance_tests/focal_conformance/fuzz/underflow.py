"""What underflow inside a computation may cost: the rounding model's absolute term.

A product rounds to ab(1 + d) + h with |h| at most the smallest number of the compute dtype, the
smallest normal one where subnormals are flushed. What a loss multiplies its products by afterwards
is at most the cross-entropy (by the rule `expected` the larger of its two logarithms), of a gradient
gamma times that. With a logit of 1e4 this is 1e-41 in
float32; it shows only where (1 - p_t)^gamma, or a weight times a target, is no normal number.
Golden points have no such products, and no such allowance.
"""

import numpy as np

from focal_conformance.formats import FORMATS, Float64
from focal_conformance.fuzz.case import RandomCase
from focal_conformance.oracle.soft_targets import EXPECTED
from focal_conformance.softmax_scales import pieces

PRODUCTS = 2.0
"""Those that may underflow on the way to one result."""


def underflow_errors(case: RandomCase, quantity: str, flushes: bool) -> Float64:
    """Absolute error of each result that underflow excuses; none where alpha_t makes it exactly 0."""
    compute = FORMATS[case.format.compute_name]
    smallest = compute.smallest_normal if flushes else float(compute.ulp(0.0))
    with np.errstate(over="ignore"):
        factor = np.minimum(1.0 + _later_factor(case) * (1.0 if quantity == "value" else case.gamma), compute.largest)
    errors = np.where(case.alpha_t == 0.0, 0.0, PRODUCTS * smallest * factor)
    exact = case.exact[quantity]
    return np.broadcast_to(errors[:, None], exact.shape) if exact.ndim > 1 else errors


def _later_factor(case: RandomCase) -> Float64:
    """To a digit or two; 0 at infinite logits, where results are limits and no products."""
    with np.errstate(all="ignore"):
        if case.logits.ndim == 1:
            against = np.where(case.logits >= 0.0, 1.0 - case.targets, case.targets)
            if case.soft_targets == EXPECTED:
                against = np.ones_like(against)
            y = np.abs(case.logits)
            found = against * y + np.log1p(np.exp(-y))
        else:
            finite = np.isfinite(case.logits).all(axis=-1)
            rows = zip(case.logits, _soft(case), np.atleast_1d(finite), strict=True)
            found = np.array([_row_factor(x, t, case.soft_targets) if usual else 0.0 for x, t, usual in rows])
    return np.nan_to_num(found, nan=0.0, posinf=0.0)


def _row_factor(x: Float64, t: Float64, rule: str) -> float:
    row = pieces(x, t, None, 0.0)
    return float(row.minus_log_p[t > 0.0].max()) if rule == EXPECTED else row.cross_entropy


def _soft(case: RandomCase) -> Float64:
    return case.targets if case.targets.ndim > 1 else np.eye(case.logits.shape[1])[case.targets]
