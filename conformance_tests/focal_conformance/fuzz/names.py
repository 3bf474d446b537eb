"""From the name of a random point back to the point."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from focal_conformance.dialect import Parameters
from focal_conformance.formats import FORMATS, FloatFormat
from focal_conformance.fuzz.ask import cases_of
from focal_conformance.fuzz.case import ONE_POINT, ONE_ROW, RandomCase
from focal_conformance.fuzz.parameters import LARGEST_GAMMA
from focal_conformance.fuzz.truth import Question, answered
from focal_conformance.oracle.soft_targets import LINEAR, SOFT_TARGETS
from focal_conformance.ports import UsageError
from focal_conformance.session import PAIR
from focal_conformance.vectors.case import case_is_soft
from focal_conformance.vectors.grid import flags_of, held
from focal_ref import LOSSES

FORM = "LOSS/DTYPE/alpha=A/gamma=G/point/x=X,t=T[/value or /gradient]"
EXAMPLES = (
    "sigmoid_focal/float32/alpha=0x1p-2/gamma=0x1.8p+0/point/x=0x1.2p+3,t=0x0p+0",
    "softmax_focal/float64/alpha=none/gamma=0x1p+1/row-margin/x=0x1p+0:-0x1p+2:0x0p+0,t=2",
)


@dataclass(frozen=True)
class NamedPoint:
    """A name, understood; its quantities."""

    case: RandomCase
    quantities: tuple[str, ...]


def names_random_point(name: str) -> bool:
    """Whether a name is meant for a random point: its fifth part says so."""
    parts = name.strip().split("/")
    return len(parts) > 4 and parts[4].split("-")[0] in (ONE_POINT, ONE_ROW)


def named_point(name: str) -> NamedPoint:
    """The point with its exact numbers; UsageError says what is wrong with the name."""
    parts = name.strip().split("/")
    quantities: tuple[str, ...] = PAIR
    if len(parts) == 7:
        if parts[6] not in PAIR:
            raise _wrong(name, f"{parts[6]!r} is not one of {', '.join(PAIR)}")
        quantities = (parts[6],)
    elif len(parts) != 6:
        raise _wrong(name, f"it has {len(parts)} parts")
    loss, dtype, alpha_text, gamma_text, points, numbers = parts[:6]
    if loss not in LOSSES:
        raise _wrong(name, f"unknown loss {loss!r}; there are {', '.join(LOSSES)}")
    if dtype not in FORMATS:
        raise _wrong(name, f"unknown dtype {dtype!r}; there are {', '.join(FORMATS)}")
    fmt, rows = FORMATS[dtype], LOSSES[loss].consumes_classes
    if points.split("-")[0] != (ONE_ROW if rows else ONE_POINT):
        raise _wrong(name, f"a {loss} point is named {ONE_ROW if rows else ONE_POINT!r}, got {points!r}")
    match = re.fullmatch(r"x=([^,]*),t=([^,]*)", numbers)
    if match is None:
        raise _wrong(name, f"{numbers!r} is not x=...,t=...")
    logits = _numbers(name, "x", match[1], fmt)
    targets = _targets(name, match[2], fmt, logits, rows=rows)
    question = Question(
        loss,
        dtype,
        _parameters(name, alpha_text, gamma_text, points, fmt, logits.size if rows else 0),
        logits[None] if rows else logits,
        targets,
    )
    if rows and np.count_nonzero(logits == np.inf) > 1:
        raise _wrong(name, "a row with two infinite logits has no limit")
    (case,) = cases_of(question, answered(question))
    return NamedPoint(replace(case, flags=(_flags(case),)), quantities)


def _flags(case: RandomCase) -> str:
    """What is special about the one point."""
    if case.logits.ndim == 1:
        return " ".join(flags_of(float(case.logits[0]), float(case.targets[0]), case.format))
    words = ["soft" if case_is_soft(case)[0] else "hard"]
    words += ["nan"] if np.isnan(case.logits).any() else []
    words += ["infinite"] if np.isposinf(case.logits).any() else []
    return " ".join(words)


def _parameters(name: str, alpha_text: str, gamma_text: str, points: str, fmt: FloatFormat, classes: int) -> Parameters:
    alpha: float | tuple[float, ...] | None = None
    if not alpha_text.startswith("alpha=") or not gamma_text.startswith("gamma="):
        raise _wrong(name, f"{alpha_text}/{gamma_text} is not alpha=.../gamma=...")
    if alpha_text != "alpha=none":
        several = _literals(name, "alpha", alpha_text.removeprefix("alpha="))
        if not all(0.0 <= each <= 1.0 for each in several):
            raise _wrong(name, f"{alpha_text}: alpha lies between 0 and 1")
        if len(several) not in (1, classes):
            raise _wrong(name, f"{alpha_text}: one number, or one for each of {classes} classes")
        alpha = several[0] if len(several) == 1 else several
    gamma = _literals(name, "gamma", gamma_text.removeprefix("gamma="))
    if len(gamma) != 1 or not 0.0 <= gamma[0] <= LARGEST_GAMMA:
        raise _wrong(name, f"{gamma_text}: gamma is one number from 0 to {LARGEST_GAMMA:g}")
    if held(alpha, fmt) != alpha or held(gamma[0], fmt) != gamma[0]:
        raise _wrong(name, f"alpha and gamma are numbers of {fmt.compute_name}, in which {fmt.name} is computed")
    rule = LINEAR
    words = points.split("-")[1:]
    detached = words[-1:] == ["detached"]
    if detached:
        words = words[:-1]
    if words:
        rule = words[0]
    if rule not in SOFT_TARGETS or len(words) > 1:
        raise _wrong(name, f"unknown rule {'-'.join(words)!r}; there are {', '.join(SOFT_TARGETS)}")
    return Parameters(alpha, gamma[0], soft_targets=rule, detach_modulator=detached)


def _targets(name: str, text: str, fmt: FloatFormat, logits: Any, *, rows: bool) -> Any:
    if rows and text.isdigit():
        if int(text) >= logits.size:
            raise _wrong(name, f"t={text}: the row has {logits.size} classes, the first is 0")
        return np.array([int(text)])
    targets = _numbers(name, "t", text, fmt)
    if targets.size != logits.size:
        raise _wrong(name, f"{logits.size} logits and {targets.size} targets")
    if not rows and logits.size != 1:
        raise _wrong(name, "a point of this loss has one logit")
    if not np.all((targets >= 0.0) & (targets <= 1.0)):
        raise _wrong(name, f"t={text}: targets lie between 0 and 1")
    if rows and abs(float(targets.sum()) - 1.0) > 0.01:
        raise _wrong(name, f"t={text}: the targets of a row sum to 1")
    return targets[None] if rows else targets


def _numbers(name: str, which: str, text: str, fmt: FloatFormat) -> Any:
    numbers = np.array(_literals(name, which, text))
    strange = numbers[(fmt.rounded(numbers) != numbers) & ~np.isnan(numbers)]
    if strange.size:
        raise _wrong(name, f"{which}: {float(strange[0]).hex()} is no number of {fmt.name}")
    return numbers


def _literals(name: str, which: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float.fromhex(each) if "x" in each.lower() else float(each) for each in text.split(":"))
    except (ValueError, OverflowError):
        raise _wrong(name, f"{which}={text}: not numbers with ':' between them") from None


def _wrong(name: str, why: str) -> UsageError:
    return UsageError(f"no point {name!r}: {why}; a point is named {FORM}: {EXAMPLES[0]} or {EXAMPLES[1]}")
