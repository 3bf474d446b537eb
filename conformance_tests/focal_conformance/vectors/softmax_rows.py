"""Rows of logits and targets of the softmax focal loss."""

import math
from dataclasses import dataclass

import numpy as np

from focal_conformance.formats import FORMATS, Float64, FloatFormat

ELEMENTS, INDICES, ROWS = "elements", "indices", "rows"
SMOOTHING = 0.1
SHORT_VECTOR = (1.0, -0.5, 0.25, -1.5, 0.75, 2.0, -1.0)
SOFTMAX_FLAGS = {
    "hard": "One class has target 1, the others 0.",
    "soft": "Several classes have a target; the rule of the group holds.",
    "moderate": "Logits of usual size.",
    "spread": "Logits far apart.",
    "equal": "All logits are equal.",
    "right": "The logit of the target class is far above the others: 1 - p_t by subtraction is 0 or noise.",
    "wrong": "The logit of another class is far above the others.",
    "tied": "The two largest logits nearly agree.",
    "masked": "A class without target has the logit -inf: it is not there.",
    "largest": "The largest finite number of the dtype is among the logits.",
    "infinite": "A logit is inf: the expected numbers are limits.",
    "nan": "A logit is nan: everything in this row is nan, and in no other.",
    "single": "One class, or one that is not masked: loss and derivatives are 0.",
    "underflow": "exp(-spread) is below the smallest normal number of the compute dtype.",
}


@dataclass(frozen=True)
class Rows:
    """Rows of one number of classes; ``labels`` is the target class of each, ``targets`` its soft row."""

    logits: Float64
    labels: tuple[int, ...]
    targets: Float64
    flags: tuple[str, ...]


def special_rows(k: int, fmt: FloatFormat, generator: np.random.Generator, *, soft: bool) -> Rows:
    """The rows of a small number of classes."""
    wide = 700.0 if fmt.bits == 53 else 100.0
    rows: list[tuple[Float64, int, str]] = []

    def near() -> Float64:
        return generator.uniform(-1.0, 1.0, k)

    def label() -> int:
        return int(generator.integers(0, k))

    def another(y: int) -> int:
        return (y + 1 + int(generator.integers(0, k - 1))) % k

    rows += [(3.0 * near(), label(), "moderate") for _ in range(2)]
    rows += [(wide * near(), label(), "spread") for _ in range(1 if soft else 2)]
    rows.append((np.full(k, 0.5), label(), "equal"))
    for gap in (17.0, 60.0) if soft else (5.0, 17.0, 38.0, 60.0):
        y = label()
        rows.append((_raised(near(), y, gap), y, "right"))
    for gap in (20.0,) if soft else (17.0, 60.0):
        y = label()
        rows.append((_raised(near(), another(y), gap), y, "wrong"))
    y = label()
    tied = near() - 3.0
    tied[y], tied[another(y)] = 1.0, 1.0 + 4.0 * fmt.eps
    rows.append((tied, y, "tied"))
    y = label()
    masked = near()
    masked[another(y)] = -math.inf
    rows.append((masked, y, "masked"))
    for flag, number in (("infinite", math.inf), ("largest", fmt.largest)):
        y = label()
        rows.append((_placed(near(), y, number), y, f"{flag} right"))
        y = label()
        rows.append((_placed(near(), another(y), number), y, f"{flag} wrong"))
    if not soft:
        y = label()
        rows.append((_placed(near(), another(y), -fmt.largest), y, "largest"))
    y = label()
    rows.append((_placed(near(), another(y), math.nan), y, "nan"))
    return assembled(rows, fmt, generator, soft=soft)


def single_rows(fmt: FloatFormat, generator: np.random.Generator, *, soft: bool) -> Rows:
    """Rows of one class."""
    rows = [(np.array([x]), 0, "moderate") for x in (0.75, -20.0, fmt.largest)] + [(np.array([math.nan]), 0, "nan")]
    return assembled(rows, fmt, generator, soft=soft)


def long_rows(k: int, fmt: FloatFormat, generator: np.random.Generator) -> list[tuple[Float64, int, str]]:
    """Rows of many classes, of logits with few digits: the files stay small."""

    def near() -> Float64:
        return generator.integers(-32, 33, k) / 16.0

    rows = [] if k == 1000 and fmt.is_half else [(near(), int(generator.integers(0, k)), "moderate")]
    y = int(generator.integers(0, k))
    rows.append((_raised(near(), y, 20.0), y, "right"))
    masked = near()
    hidden = generator.choice(k, k // 10, replace=False)
    masked[hidden] = -math.inf
    rows.append((masked, int(np.flatnonzero(np.isfinite(masked))[7]), "masked"))
    if k == 100:
        y = int(generator.integers(0, k))
        rows.append((_raised(near(), y, 60.0), y, "right"))
        rows.append((_raised(near(), (y + 5) % k, 30.0), y, "wrong"))
    return rows


def assembled(
    rows: list[tuple[Float64, int, str]], fmt: FloatFormat, generator: np.random.Generator, *, soft: bool
) -> Rows:
    """Rows rounded to the dtype, with their targets and flags."""
    logits = fmt.rounded(np.stack([row for row, _, _ in rows]))
    labels = tuple(label for _, label, _ in rows)
    flags = tuple(_flags(x, text, fmt, soft=soft) for x, (_, _, text) in zip(logits, rows, strict=True))
    targets = np.stack([_target(x, y, text, generator) for x, (_, y, text) in zip(logits, rows, strict=True)])
    return Rows(logits, labels, fmt.rounded(targets) if soft else one_hot(labels, logits.shape[1]), flags)


def one_hot(labels: tuple[int, ...], k: int) -> Float64:
    """Row e_y of each label y."""
    return np.eye(k)[list(labels)]


def vector_of(k: int) -> Float64:
    """The vector of the Hessian-vector products: few digits, no constant (its product would be 0)."""
    return np.resize(SHORT_VECTOR, k)


def classes_of(rows: Rows, generator: np.random.Generator) -> list[list[int]]:
    """Classes whose derivatives are stored: target, the two largest, a masked one, random ones; all of a few."""
    k = rows.logits.shape[1]
    if k <= 3:
        return [list(range(k))] * len(rows.labels)
    room = {10: 4, 100: 6}.get(k, 5)
    result = []
    for x, y in zip(rows.logits, rows.labels, strict=True):
        order = np.argsort(-np.where(np.isnan(x), 0.0, x), kind="stable")
        hidden = np.flatnonzero(x == -math.inf)[:1]
        wanted = [
            y,
            int(order[0]),
            int(order[1]),
            *(int(c) for c in hidden),
            *map(int, generator.permutation(k)[:room]),
        ]
        result.append(sorted(dict.fromkeys(wanted).keys(), key=wanted.index)[:room])
    return [sorted(classes) for classes in result]


def _raised(row: Float64, c: int, gap: float) -> Float64:
    """The row with class ``c`` that far above the largest other."""
    others = np.delete(row, c)
    return _placed(row, c, float(others.max()) + gap)


def _placed(row: Float64, c: int, number: float) -> Float64:
    row = row.copy()
    row[c] = number
    return row


def _target(x: Float64, y: int, text: str, generator: np.random.Generator) -> Float64:
    """A soft row that sums to 1: smoothed where one class dominates, else random; 0 at masked classes."""
    k = x.size
    row = np.eye(k)[y]
    if k == 1:
        return row
    if "infinite" in text or "largest" in text:
        # Few bits: a limit halfway between two float64 could not be told from its neighbours.
        row[y], row[(y + 1) % k] = 0.75, 0.25
        return row
    if text in ("right", "wrong"):
        return row * (1.0 - SMOOTHING) + SMOOTHING / k
    present = np.isfinite(x)
    if k > 10 or text == "equal":
        # Multiples of 2^-12: few digits, and a sum of 1, as results among equal logits may be rational.
        shares = np.floor(generator.dirichlet(np.ones(int(present.sum()))) * 2.0**12) * 2.0**-12
        row = np.zeros(k)
        row[present] = shares
        row[y] += 1.0 - shares.sum()
        return row
    row = np.zeros(k)
    row[present] = generator.dirichlet(np.full(int(present.sum()), 0.7)) if present.any() else 0.0
    return row


def _flags(x: Float64, text: str, fmt: FloatFormat, *, soft: bool) -> str:
    flags = ["soft" if soft and x.size > 1 else "hard", text]
    there = x[x != -math.inf]
    if there.size == 1 and not np.isnan(x).any():
        flags.append("single")
    elif np.isfinite(there).all() and (
        there.max() / 2 - there.min() / 2 > -FORMATS[fmt.compute_name].min_exponent * math.log(2.0) / 2
    ):
        flags.append("underflow")
    return " ".join(flags)
