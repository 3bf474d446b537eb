"""The softmax focal loss' vectors, one document a dtype."""

from typing import Any

from focal_conformance.formats import FORMATS, FloatFormat
from focal_conformance.oracle.soft_targets import LINEAR
from focal_conformance.oracle.softmax_focal import Row
from focal_conformance.vectors.grid import SPEC_VERSION, held
from focal_conformance.vectors.softmax_grid import PER_CLASS, Points, Setting, all_points, alpha_per_class, settings
from focal_conformance.vectors.softmax_rows import INDICES, SOFTMAX_FLAGS
from focal_conformance.vectors.text import literal, literals

DEFINITION = [
    "p_c = exp(x_c)/sum_j exp(x_j), CE = -sum_c t_c log p_c, alpha_t = sum_c alpha_c t_c (a single alpha: that of "
    "every class; alpha null: alpha_t = 1); a class index y means t_y = 1 and 0 elsewhere",
    "linear (a group that names no rule): value = alpha_t (1-p_t)^gamma CE with p_t = sum_c t_c p_c, in nats",
    "cross_entropy, margin: the same with p_t = exp(-CE), p_t = 1/(1 + exp(-sum_c t_c (log p_c - log(1-p_c))))",
    "expected: sum_c alpha_c t_c (1-p_c)^gamma (-log p_c)",
    "gradient, curvature: first and second derivative with respect to x_c; product: (H v)_c, H the Hessian in x; "
    "each for the classes that 'classes' of the points names, row by row",
    "detach_modulator: the factor that gamma makes is a constant in every derivative",
    "Numbers are C99 hexadecimal floating-point literals; results are the nearest float64.",
    "Inputs are exact in 'dtype', alpha and gamma in 'compute_dtype', the vector v in every dtype.",
]
QUANTITIES = ("value", "gradient", "curvature", "product")


def softmax_document(fmt: FloatFormat) -> dict[str, Any]:
    """All points and groups of a dtype."""
    sets = all_points(fmt)
    groups = []
    for points in sets:
        targets = points.rows.labels if points.kind == INDICES else points.rows.targets.tolist()
        rows = [Row(x, t, points.vector.tolist()) for x, t in zip(points.rows.logits.tolist(), targets, strict=True)]
        groups += [_group(points, rows, setting, fmt) for setting in settings(points, fmt)]
    return {
        "schema": "vectors.schema.json",
        "spec_version": SPEC_VERSION,
        "loss": "softmax_focal",
        "dtype": fmt.name,
        "compute_dtype": fmt.compute_name,
        "soft_targets": LINEAR,
        "definition": DEFINITION,
        "flags": SOFTMAX_FLAGS,
        "logits": [
            {"name": points.logits, "vector": literals(points.vector), "rows": literals(points.rows.logits)}
            for points in {p.logits: p for p in sets}.values()
        ],
        "points": [_entry(points) for points in sets],
        "groups": groups,
    }


def _entry(points: Points) -> dict[str, Any]:
    return {
        "name": points.name,
        "logits": points.logits,
        "target_kind": points.kind,
        "targets": list(points.rows.labels) if points.kind == INDICES else literals(points.rows.targets),
        "classes": points.classes,
        "flags": list(points.rows.flags),
    }


def _group(points: Points, rows: list[Row], setting: Setting, fmt: FloatFormat) -> dict[str, Any]:
    rule, detach, alpha, gamma = setting
    held_gamma = held(gamma, fmt)
    weights: list[float] | float | None
    if alpha == PER_CLASS:
        weights = FORMATS[fmt.compute_name].rounded(alpha_per_class(points.vector.size)).tolist()
    else:
        assert not isinstance(alpha, str)
        weights = None if alpha is None else held(alpha, fmt)
    truths = [
        row.truth(weights, held_gamma, rule, detach, classes) for row, classes in zip(rows, points.classes, strict=True)
    ]
    return {
        "points": points.name,
        **({} if rule == LINEAR and not detach else {"soft_targets": rule, "detach_modulator": detach}),
        "alpha": None if weights is None else literals(weights) if isinstance(weights, list) else literal(weights),
        "gamma": literal(held_gamma),
        "value": literals(truth.value for truth in truths),
        **{
            kind: [literals(getattr(t, kind)[c] for c in cs) for t, cs in zip(truths, points.classes, strict=True)]
            for kind in QUANTITIES[1:]
        },
    }
