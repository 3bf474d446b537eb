"""How far an adapter's results are from the reference in NumPy float64, in ULP of the dtype."""

import numpy as np

from focal_adapters.parameters import held_in_float32
from focal_conformance.errors import flushed, ulp_errors
from focal_conformance.formats import FORMATS
from focal_conformance.scales import term_scales
from focal_ref import SigmoidFocal, SoftmaxFocal

LOSSES = [
    SigmoidFocal(),
    SigmoidFocal(alpha=None, gamma=0.0),
    SigmoidFocal(alpha=0.999, gamma=0.7),
    SigmoidFocal(alpha=0.6, gamma=4.9),
]
DTYPES = ["float64", "float32", "float16", "bfloat16"]
BOUNDS = {"float64": 32.0, "float32": 32.0, "float16": 0.51, "bfloat16": 0.51}
QUANTITIES = ["value", "gradient", "curvature"]
OPTIONS = {"plain": {}, "masked": {"mask": [[True, False, True, True]], "weight": [[2.0], [0.5]]}}
REDUCTIONS = ["none", "sum", "mean", "sum_classes", "mean_positives"]


def losses(mode, dtype):
    """Fewer where each is compiled; the half types differ from float32 in one rounding only."""
    return LOSSES[-1:] if BOUNDS[dtype] < 1 else LOSSES if mode == "eager" else LOSSES[-2:]


def points(dtype, count=400):
    """Logits from tiny to saturated, and targets, hard and soft: float64 arrays that the dtype holds."""
    rng = np.random.default_rng(7)
    fmt = FORMATS[dtype]
    corners = [0.0, 1e-30, 1e-8, 0.5, 1.0, 10.0, 37.0, 88.0, 104.0, 708.0, 745.0, 1e4, fmt.largest, np.inf]
    spread = [rng.uniform(-s, s, count) for s in (1.0, 20.0, 110.0, 750.0)]
    x = np.concatenate([corners, np.negative(corners), [np.nan], *spread])
    t = np.resize([0.25, 0.5, 0.999, 1e-7, 0.75, *rng.uniform(0, 1, 8)], x.size)
    x, t = np.tile(x, 3), np.concatenate([np.zeros_like(x), np.ones_like(x), t])
    return fmt.rounded(x), fmt.rounded(t)


def infinite(dtype="float32"):
    """Infinite logits beside targets that speak against them however little: every loss is infinite, and none is not.

    A power of such a weight underflows, to 0 times infinity or to what passes for no weight.
    """
    little = np.array([2e-38, 1e-30, 1e-20, 1e-12, 1e-6, 0.5, 1.0])
    x = np.concatenate([np.full(little.size, -np.inf), np.full(3, np.inf), [np.inf, -np.inf]])
    t = np.concatenate([little, [1.0 - 2.0**-24, 0.5, 0.0], [1.0, 0.0]])
    loss = np.where(np.arange(x.size) < little.size + 3, np.inf, 0.0)
    return x.astype(dtype), t.astype(dtype), loss


INFINITE = [SigmoidFocal(alpha, gamma) for alpha in (None, 0.25) for gamma in (0.0, 0.7, 2.0, 5.0)]


def infinite_rows():
    """Rows with a class of probability 0 and little weight, whose losses are infinite; in the last it has none."""
    little = np.array([2e-38, 1e-30, 1e-20, 1e-6, 0.5, 0.0])
    x = np.tile([-np.inf, 100.0, 0.0], (little.size, 1))
    t = np.stack([little, 1.0 - little, np.zeros_like(little)], axis=-1)
    return x.astype("float32"), t.astype("float32"), np.where(little > 0.0, np.inf, 0.0)


INFINITE_ROWS = [
    SoftmaxFocal(alpha=alpha, gamma=gamma) for alpha in (None, (1.0, 0.5, 1.0)) for gamma in (0.7, 2.0, 5.0)
]


def small():
    """Eight logits and targets in a (2, 4) array, far from every corner."""
    x = np.linspace(-3.0, 3.0, 8).reshape(2, 4)
    return x, np.array([[1.0, 0.0, 0.875, 0.25], [1.0, 0.0, 0.5, 1.0]])


def worst(got, quantity, loss, x, t, dtype):
    """Largest error of a result, in ULP at the sum of its absolute terms; 0 may stand for a subnormal."""
    fmt = FORMATS[dtype]
    held = loss if dtype == "float64" else held_in_float32(loss)
    exact = getattr(held, quantity)(x, t)
    alpha_t = np.ones_like(t) if held.alpha is None else held.alpha * t + (1.0 - held.alpha) * (1.0 - t)
    with np.errstate(all="ignore"):
        scale = np.maximum(term_scales(x, t, alpha_t, held.gamma)[quantity], np.abs(exact))
        errors = ulp_errors(got, exact, scale, fmt)
        return np.where(flushed(got, exact, fmt), 0.0, errors).max()
