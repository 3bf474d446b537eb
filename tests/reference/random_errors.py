"""Print the largest errors of hard targets at random logits, against the oracle, in ULP of float64.

``python tests/reference/random_errors.py 400000`` takes half a minute for each gamma.
"""

import sys

import numpy as np

import focal_ref
from focal_conformance.errors import ulp_errors
from focal_conformance.formats import FORMATS

GAMMAS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Those that `focal_ref.losses.sigmoid_hard` serves."""


def points(count, seed):
    """Logits of all sizes, targets 0 and 1."""
    random = np.random.default_rng(seed)
    tiny = np.exp(random.uniform(-40.0, 3.0, count // 8)) * random.choice([-1.0, 1.0], count // 8)
    logits = np.concatenate(
        [
            random.uniform(-40.0, 40.0, count // 2),
            random.normal(0.0, 2.0, count // 4),
            random.uniform(-760.0, 760.0, count // 8),
            tiny,
        ]
    )
    return logits, random.integers(0, 2, len(logits)).astype(float)


def random_errors(gamma, alpha, count, seed=1708):
    """Errors of value and gradient."""
    from focal_conformance.oracle.sigmoid_focal import sigmoid_focal

    x, t = points(count, seed)
    truths = [sigmoid_focal(logit, target, alpha, gamma) for logit, target in zip(x.tolist(), t.tolist(), strict=True)]
    exact = np.array([(truth.value, truth.gradient) for truth in truths]).T
    got = focal_ref.SigmoidFocal(alpha, gamma).value_and_gradient(x, t)
    return [ulp_errors(found, true, np.abs(true), FORMATS["float64"]) for found, true in zip(got, exact, strict=True)]


if __name__ == "__main__":
    for gamma in GAMMAS:
        value, gradient = random_errors(gamma, 0.25, int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
        above = f"above 5: {np.count_nonzero(value > 5.0)}, {np.count_nonzero(gradient > 5.0)}"
        print(f"gamma {gamma}: value {value.max():.1f}, gradient {gradient.max():.1f}; {above}", flush=True)
