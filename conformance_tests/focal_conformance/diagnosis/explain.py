"""A candidate in words: what the port does, the evidence, and the line to change."""

import inspect
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from focal_conformance.deviations.deviation import Deviation
from focal_conformance.diagnosis.asked import Asked
from focal_conformance.diagnosis.search import Candidate
from focal_conformance.ports.port import Port
from focal_conformance.report import Cause


def cause(found: Candidate, rival: Candidate | None, asked: Sequence[Asked], port: Port) -> Cause:
    """One answer of the diagnosis."""
    # What is wrong stands first, the way in which it is computed after it.
    changes = sorted(found.changes, key=lambda change: change[0].style)
    return Cause(
        deviations=[deviation.name for deviation, _ in changes],
        sentence="; and ".join(told(deviation, value) for deviation, value in changes),
        change="; ".join(filter(None, (_change(deviation, port) for deviation, _ in changes))),
        parameters={d.parameter.name: value for d, value in changes if d.parameter is not None},
        explained=found.count,
        separates="" if rival is None else separating(found, rival, asked),
        links=list(dict.fromkeys(link for deviation, _ in changes for link in deviation.links)),
    )


def told(deviation: Deviation, value: float) -> str:
    """Its sentence, with the estimated parameter."""
    return deviation.sentence.replace("{value}", f"{value:.4g}")


def _change(deviation: Deviation, port: Port) -> str:
    line = source_line(port, deviation.written) if deviation.written else ""
    return f"{line}  ->  {deviation.change}" if line else deviation.change


def source_line(port: Port, written: str) -> str:
    """The line of the port's own source that looks like the deviation; nothing where there is none or no source."""
    try:
        target: Any = inspect.unwrap(port.function)
        lines, start = inspect.getsourcelines(target)
        name = inspect.getsourcefile(target) or ""
    except (OSError, TypeError):
        return ""
    if not port.name.startswith("py:"):
        return ""
    for number, line in enumerate(lines, start):
        code = line.split("#")[0]
        if not code.lstrip().startswith("def ") and re.search(written, code):
            return f"{name.rsplit('/', 1)[-1]}:{number}: {code.strip()}"
    return ""


def separating(found: Candidate, rival: Candidate, asked: Sequence[Asked]) -> str:
    """The input on which two answers differ most, among those that the first explains and the other does not."""
    speaks = found.explains & ~rival.explains
    if not np.any(speaks):
        return ""
    offset, best, text = 0, -1.0, ""
    for part in asked:
        mine, theirs = part.answers(found.changes), part.answers(rival.changes)
        sets = [("value", part.value, part.answered, mine[0], theirs[0])]
        if part.gradient is not None:
            sets.append(("gradient", part.gradient, part.sloped, mine[1], theirs[1]))
        for quantity, got, asked_for, model, other in sets:
            indices = np.flatnonzero(asked_for)
            chosen = indices[speaks[offset : offset + len(indices)]]
            offset += len(indices)
            for i in chosen:
                weight = _weight(part, int(i), model, other)
                if weight > best:
                    best, text = weight, _described(part, int(i), quantity, got, other, rival)
    return text


def _weight(part: Asked, i: int, model: Any, other: Any) -> float:
    """How telling a point is: a large difference, at logits and parameters that people use."""
    with np.errstate(all="ignore"):
        gap = float(np.max(np.abs(model[i] - other[i]) / (np.abs(model[i]) + np.abs(other[i]) + 1e-12)))
    gap = gap if np.isfinite(gap) else 1.0
    size = float(np.max(np.abs(part.questions.logits[i])))
    return gap / (1.0 + 0.05 * size) * (1.5 if part.questions.gamma[i] == 2.0 else 1.0)


def _described(part: Asked, i: int, quantity: str, got: Any, other: Any, rival: Candidate) -> str:
    other_name = " with ".join(rival.names) or "the specification"
    return (
        f"{quantity} at {where(part, i)}: the port gives {numbers(got[i])}, {other_name} {numbers(other[i])} "
        f"({part.names[i]})"
    )


def where(part: Asked, i: int) -> str:
    """A point with its parameters."""
    q = part.questions
    alpha = f"{q.alpha[i]:.6g}" if q.alpha.ndim == 1 else numbers(q.alpha[i])
    targets = numbers(q.targets[i])
    return (
        f"logits {numbers(q.logits[i])}, targets {targets}, alpha {alpha if q.balanced[i] else 'off'}, "
        f"gamma {q.gamma[i]:.6g}, {part.format.name}"
    )


def numbers(values: Any) -> str:
    """One number, or a row of them."""
    values = np.asarray(values)
    return f"{float(values):.9g}" if values.ndim == 0 else "[" + ", ".join(f"{v:.6g}" for v in values) + "]"
