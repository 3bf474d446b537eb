"""What a result must be: the formulas of the specification in ball arithmetic, and the scale of an error."""

import numpy as np

from focal_conformance.oracle.sigmoid_focal import balls
from focal_conformance.oracle.softmax_focal import NO_DIRECTION, Row
from focal_conformance.soft_scales import sigmoid_scales
from focal_conformance.softmax_scales import first_scales, pieces
from focal_conformance.softmax_second_scales import second_scales

ULP = 128
"""Allowed of float64, everywhere that a property is drawn from; the kit has the sharp bounds."""
SUBNORMAL = 1e-300
"""Some frameworks flush what is smaller."""


def exact(kind, x, t, alpha, gamma, soft_targets, detach_modulator, vector):
    """Value, gradient and Hessian product, each with its scale."""
    one = _elements if kind == "sigmoid" else _rows
    results, scales = one(x, t, alpha, gamma, soft_targets, detach_modulator, vector)
    return [(r, np.maximum(np.abs(r), s)) for r, s in zip(results, scales, strict=True)]


def assert_within(got, expected, scale, ulp=ULP):
    """Within so many ULP of the scale."""
    error = np.abs(got - expected)
    bound = ulp * np.finfo(np.float64).eps * scale + SUBNORMAL
    assert np.all((error <= bound) | (got == expected)), (got, expected, error / bound)


def _narrow(enclosures):
    """Floats of balls that are narrower than a float64, or than all of them; ties need not be decided here."""
    for bits in (256, 1024, 4096):
        found = enclosures(bits)
        if all(ball.rel_accuracy_bits() > 64 or abs(ball) < 1e-320 for ball in found):
            return [float(ball.mid()) for ball in found]
    raise ArithmeticError(f"no digits with {bits} bits: {found}")


def _elements(x, t, alpha, gamma, rule, detach, vector):
    alphas = list(alpha) if isinstance(alpha, tuple) else [alpha] * x.shape[-1]
    results, scales = np.zeros((3, *x.shape)), np.zeros((3, *x.shape))
    for row in range(x.shape[0]):
        for c, a in enumerate(alphas):
            inputs, options = (float(x[row, c]), float(t[row, c]), a, gamma), (rule, detach)
            results[:, row, c] = _narrow(
                lambda bits, inputs=inputs, options=options: balls(
                    *inputs, bits, soft_targets=options[0], detach_modulator=options[1]
                )
            )
            alpha_t = 1.0 if a is None else a * t[row, c] + (1.0 - a) * (1.0 - t[row, c])
            point = np.array([x[row, c]]), np.array([t[row, c]])
            scale = sigmoid_scales(*point, a, np.array([alpha_t]), gamma, rule, detach)
            scales[:, row, c] = [scale[name][0] for name in ("value", "gradient", "curvature")]
    results[2] *= vector
    scales[2] *= np.abs(vector)
    return results, scales


def _rows(x, t, alpha, gamma, rule, detach, vector):
    rows = []
    for xs, ts, vs in zip(x, t, vector, strict=True):
        row = Row(xs.tolist(), ts.tolist(), vs.tolist())
        wanted = [("value", NO_DIRECTION)] + [(name, c) for name in ("gradient", "product") for c in range(xs.size)]
        truth = _narrow(
            lambda bits, row=row, wanted=wanted: [
                row.ball(name, c, alpha, gamma, bits, rule, detach) for name, c in wanted
            ]
        )
        parts = pieces(xs, ts, alpha, gamma)
        with np.errstate(all="ignore"):
            first = np.nan_to_num(first_scales(parts, rule, detach), posinf=0.0)
            second = np.nan_to_num(second_scales(parts, rule, detach, vs), posinf=0.0)
        rows.append((truth[0], truth[1 : 1 + xs.size], truth[1 + xs.size :], 0.0, first, second))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return columns[:3], columns[3:]
