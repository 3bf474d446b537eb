"""Write the vectors with the oracle; needs python-flint (extra ``oracle``)."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from focal_conformance.formats import FORMATS, FloatFormat
from focal_conformance.oracle.sigmoid_focal import Truth, sigmoid_focal
from focal_conformance.vectors.grid import (
    ALPHAS,
    FLAGS,
    GAMMAS,
    RANDOM_PER_PARAMETERS,
    SEED,
    flags_of,
    held,
    random_points,
    special_points,
)

SPEC_VERSION = "1"
DEFINITION = [
    "p = 1/(1 + exp(-x)), p_t = p t + (1-p)(1-t), alpha_t = alpha t + (1-alpha)(1-t); alpha null: alpha_t = 1",
    "value = alpha_t (1-p_t)^gamma (-t log p - (1-t) log(1-p)), in nats",
    "gradient and curvature: its first and second derivative with respect to x",
    "Numbers are C99 hexadecimal floating-point literals; results are the nearest float64.",
    "Inputs are exact in 'dtype', alpha and gamma in 'compute_dtype'.",
]
ORACLES: dict[str, Callable[[float, float, float | None, float], Truth]] = {"sigmoid_focal": sigmoid_focal}


def vector_files(loss: str, progress: Callable[[str], None] = lambda name: None) -> Iterator[tuple[str, str]]:
    """Name and text of each vector file of a loss."""
    for fmt in FORMATS.values():
        name = f"{loss}_{fmt.name}.json"
        progress(name)
        yield name, _text(_document(loss, fmt))


def write(directory: Path, loss: str, progress: Callable[[str], None] = lambda name: None) -> list[Path]:
    """Write the vector files of a loss; returns the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in vector_files(loss, progress):
        path = directory / name
        path.write_text(text, encoding="ascii")
        paths.append(path)
    return paths


def differing(directory: Path, loss: str, progress: Callable[[str], None] = lambda name: None) -> list[str]:
    """Names of the files that are missing or differ in any byte from a fresh generation."""
    return [
        name
        for name, text in vector_files(loss, progress)
        if not (directory / name).is_file() or (directory / name).read_bytes() != text.encode("ascii")
    ]


def _document(loss: str, fmt: FloatFormat) -> dict[str, Any]:
    generator = np.random.Generator(np.random.PCG64([SEED, fmt.bits]))
    points = {"special": special_points(fmt)}
    groups = []
    for gamma in GAMMAS:
        for alpha in ALPHAS:
            name = f"random-{len(points) - 1:02d}"
            points[name] = random_points(fmt, generator, RANDOM_PER_PARAMETERS)
            groups += [_group(loss, fmt, alpha, gamma, key, points[key]) for key in ("special", name)]
    return {
        "schema": "vectors.schema.json",
        "spec_version": SPEC_VERSION,
        "loss": loss,
        "dtype": fmt.name,
        "compute_dtype": fmt.compute_name,
        "soft_targets": "linear",
        "definition": DEFINITION,
        "flags": FLAGS,
        "points": [
            {
                "name": name,
                "logits": [_hex(x) for x in logits],
                "targets": [_hex(t) for t in targets],
                "flags": [
                    " ".join(flags_of(float(x), float(t), fmt) + (["random"] if name != "special" else []))
                    for x, t in zip(logits, targets, strict=True)
                ],
            }
            for name, (logits, targets) in points.items()
        ],
        "groups": groups,
    }


def _group(
    loss: str, fmt: FloatFormat, alpha: float | None, gamma: float, name: str, points: tuple[Any, Any]
) -> dict[str, Any]:
    held_alpha, held_gamma = held(alpha, fmt), held(gamma, fmt)
    assert held_gamma is not None
    truths = [ORACLES[loss](float(x), float(t), held_alpha, held_gamma) for x, t in zip(*points, strict=True)]
    return {
        "points": name,
        "alpha": None if held_alpha is None else _hex(held_alpha),
        "gamma": _hex(held_gamma),
        "value": [_hex(truth.value) for truth in truths],
        "gradient": [_hex(truth.gradient) for truth in truths],
        "curvature": [_hex(truth.curvature) for truth in truths],
    }


def _hex(number: float) -> str:
    """C99 literal without the zeros that end Python's; the sign of zero says nothing here."""
    text = float(number + 0.0).hex()
    if "p" not in text:
        return text
    digits, exponent = text.split("p")
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}p{exponent}"


def _text(document: dict[str, Any]) -> str:
    """JSON with one line an array, so that a diff shows which numbers changed."""
    lines = []
    for key, value in document.items():
        if key in ("points", "groups"):
            entries = ",\n".join(
                "  {\n" + ",\n".join(f"   {json.dumps(k)}: {_compact(v)}" for k, v in entry.items()) + "\n  }"
                for entry in value
            )
            lines.append(f" {json.dumps(key)}: [\n{entries}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
