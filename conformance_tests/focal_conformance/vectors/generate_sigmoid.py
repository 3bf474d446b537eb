"""The sigmoid focal loss' vectors, one document a dtype."""

from typing import Any

import numpy as np

from focal_conformance.formats import FloatFormat
from focal_conformance.oracle.sigmoid_focal import sigmoid_focal
from focal_conformance.oracle.soft_targets import LINEAR
from focal_conformance.vectors.grid import (
    ALPHAS,
    FLAGS,
    GAMMAS,
    RANDOM_PER_PARAMETERS,
    SEED,
    SPEC_VERSION,
    flags_of,
    held,
    random_points,
    special_points,
)
from focal_conformance.vectors.soft_grid import (
    OTHER_RULES,
    detached_groups,
    rule_parameters,
    soft_random_points,
    soft_special_points,
)
from focal_conformance.vectors.text import literal, literals

DEFINITION = [
    "p = 1/(1 + exp(-x)), CE = -t log p - (1-t) log(1-p); alpha_t = alpha t + (1-alpha)(1-t); alpha null: alpha_t = 1",
    "linear (a group that names no rule): value = alpha_t (1-p_t)^gamma CE with p_t = p t + (1-p)(1-t), in nats",
    "cross_entropy, margin: the same with p_t = exp(-CE), p_t = 1/(1 + exp(-x (2t-1)))",
    "expected: alpha t (1-p)^gamma (-log p) + (1-alpha)(1-t) p^gamma (-log(1-p)); alpha null: both weights 1",
    "gradient and curvature: its first and second derivative with respect to x",
    "detach_modulator: the factor that gamma makes is a constant in every derivative",
    "Numbers are C99 hexadecimal floating-point literals; results are the nearest float64.",
    "Inputs are exact in 'dtype', alpha and gamma in 'compute_dtype'.",
]
Points = tuple[Any, Any]


def sigmoid_document(fmt: FloatFormat) -> dict[str, Any]:
    """All points and groups of a dtype."""
    generator = np.random.Generator(np.random.PCG64([SEED, fmt.bits]))
    points = {"special": special_points(fmt)}
    groups = []
    for gamma in GAMMAS:
        for alpha in ALPHAS:
            name = f"random-{len(points) - 1:02d}"
            points[name] = random_points(fmt, generator, RANDOM_PER_PARAMETERS)
            groups += [_group(fmt, alpha, gamma, key, points[key]) for key in ("special", name)]
    points["soft"] = soft_special_points(fmt)
    for rule in OTHER_RULES:
        for number, (alpha, gamma) in enumerate(rule_parameters(rule, fmt)):
            name = f"soft-random-{number:02d}"
            if name not in points:
                points[name] = soft_random_points(fmt, generator, RANDOM_PER_PARAMETERS)
            groups += [_group(fmt, alpha, gamma, key, points[key], rule) for key in ("soft", name)]
    for rule, alpha, gamma in detached_groups(fmt):
        name = "special" if rule == LINEAR else "soft"
        groups.append(_group(fmt, alpha, gamma, name, points[name], rule, detach=True))
    return {
        "schema": "vectors.schema.json",
        "spec_version": SPEC_VERSION,
        "loss": "sigmoid_focal",
        "dtype": fmt.name,
        "compute_dtype": fmt.compute_name,
        "soft_targets": LINEAR,
        "definition": DEFINITION,
        "flags": FLAGS,
        "points": [
            {
                "name": name,
                "logits": literals(logits),
                "targets": literals(targets),
                "flags": [
                    " ".join(flags_of(float(x), float(t), fmt) + (["random"] if "random" in name else []))
                    for x, t in zip(logits, targets, strict=True)
                ],
            }
            for name, (logits, targets) in points.items()
        ],
        "groups": groups,
    }


def _group(
    fmt: FloatFormat,
    alpha: float | None,
    gamma: float,
    name: str,
    points: Points,
    rule: str = LINEAR,
    *,
    detach: bool = False,
) -> dict[str, Any]:
    held_alpha, held_gamma = None if alpha is None else held(alpha, fmt), held(gamma, fmt)
    truths = [
        sigmoid_focal(float(x), float(t), held_alpha, held_gamma, rule, detach) for x, t in zip(*points, strict=True)
    ]
    return {
        "points": name,
        **({} if rule == LINEAR and not detach else {"soft_targets": rule, "detach_modulator": detach}),
        "alpha": None if held_alpha is None else literal(held_alpha),
        "gamma": literal(held_gamma),
        "value": literals(truth.value for truth in truths),
        "gradient": literals(truth.gradient for truth in truths),
        "curvature": literals(truth.curvature for truth in truths),
    }
