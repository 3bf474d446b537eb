"""What a failure is, without the digits that differ between machines.

    gradient is nan @ float32 float64 @ 0<gamma<1 @ t=1 ; value is wrong ~1e-2 @ float32 @ gamma>=1 @ t=0 t=1

Kinds stand between semicolons. A kind is what is wrong, the dtypes, ranges of gamma and targets where
it is, and for a finite error its power of ten, which may move by one.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from focal_conformance.formats import FORMATS
from focal_conformance.report import Point

GAMMAS = ("gamma=0", "0<gamma<1", "gamma>=1")
TARGETS = ("t=0", "t=1", "0<t<1")
BETWEEN_KINDS, WITHIN_KIND, SIZE = " ; ", " @ ", " ~1e"
LARGEST = 2
"""Relative errors of a hundred and more are one size."""
Failure = tuple[float, str, Point | None]
"""Gravity, message and point, as a check collects them."""


@dataclass(frozen=True)
class Atom:
    """One kind of failure at one place; empty where it says none."""

    what: str
    dtype: str = ""
    gamma: str = ""
    target: str = ""


Kinds = dict[Atom, int | None]
"""Each with the power of ten of its error, None where it has none."""


def kinds_of(failures: Sequence[Failure], targets: Sequence[tuple[str, ...]] = ()) -> Kinds:
    """All kinds among the failures of a check; of a kind the largest error."""
    kinds: Kinds = {}
    for (gravity, message, point), there in zip(failures, targets or [()] * len(failures), strict=True):
        golden = None if point is None else _GOLDEN.match(point.case)
        if point is None or golden is None:
            atom, size = _kind_of_message(message)
        else:
            atom, size = _of_point(golden, gravity, message, point)
        for target in there or ("",):
            placed = replace(atom, target=target)
            before = kinds.get(placed)
            kinds[placed] = size if before is None or size is None else max(before, size)
    return kinds


def _of_point(golden: re.Match[str], gravity: float, message: str, point: Point) -> tuple[Atom, int | None]:
    dtype, gamma, quantity = golden.groups()
    what, size = _wrong_number(quantity, gravity, message, point, dtype)
    rule = re.search(r", rule '\w+'", message)
    detached = ", modulator detached" if ", modulator detached" in message else ""
    return Atom(f"{what}{rule.group() if rule else ''}{detached}", dtype, _range(_number(gamma))), size


def _wrong_number(quantity: str, gravity: float, message: str, point: Point, dtype: str) -> tuple[str, int | None]:
    if math.isnan(point.got):
        return f"{quantity} is nan", None
    if math.isinf(point.got):
        return f"{quantity} is infinite", None
    # Of a gradient that is all but 0 the sign is rounding noise.
    if point.got * point.exact < 0.0 and abs(point.got) > abs(point.exact) / 10.0:
        return f"{quantity} has the wrong sign", None
    if "where alpha_t = 0" in message:
        return f"{quantity} is not 0 where alpha_t is 0", None
    if " ULP of " in message:
        if math.isinf(point.ulp):
            return f"{quantity} is finite, infinity is exact", None
        return f"{quantity} is beyond its ULP bound", _power(point.ulp)
    # Gravity holds how many tolerances an error is large, and a tolerance is relative.
    fmt = FORMATS[dtype]
    tolerance = min(2.0**8 * fmt.eps, 0.05)
    tolerance = max(tolerance, 8.0 * fmt.eps) if fmt.is_half else tolerance
    return f"{quantity} is wrong", min(LARGEST, round(gravity - 10.0 + math.log10(tolerance)))


def _power(number: float) -> int:
    return round(math.log10(max(number, 1e-300)))


def _number(text: str) -> float:
    """Of a golden case a decimal, of a random point a hexadecimal number."""
    return float.fromhex(text) if "x" in text else float(text)


def _range(gamma: float) -> str:
    return GAMMAS[0] if gamma == 0.0 else GAMMAS[1] if gamma < 1.0 else GAMMAS[2]


_GOLDEN = re.compile(rf"\w+/({'|'.join(FORMATS)})/alpha=[^/]+/gamma=([^/]+)/.+/([a-z]+)$")
_DTYPE = re.compile("|".join(rf"\b{name}\b" for name in sorted(FORMATS, key=len, reverse=True)))
_GAMMA = re.compile(r"\bgamma[ =]([0-9.e+-]+)")
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(0x[0-9a-f]+(\.[0-9a-f]+)?(p[-+]?\d+)?|\d+(\.\d*)?(e[-+]?\d+)?|\.\d+)(?![\w])", re.I
)
_SHAPE = re.compile(r"\((\d+, ?)*\d*,?\)")


def _kind_of_message(message: str) -> tuple[Atom, int | None]:
    """A message without a point: its words; shapes stay, other numbers do not."""
    gamma, dtype = _GAMMA.search(message), _DTYPE.search(message)
    text = re.sub(r",? ?alpha[ =](None|per class|\([^)]*\)|[-0-9.e+]+)", "", message)
    text = re.sub(r",? ?\bgamma[ =][0-9.e+-]+", "", text)
    if dtype is not None:
        text = re.sub(rf"\b{dtype.group()}\b", "*", text)
    pieces, end = [], 0
    for shape in _SHAPE.finditer(text):
        pieces += [_NUMBER.sub("#", text[end : shape.start()]), shape.group()]
        end = shape.end()
    pieces.append(_NUMBER.sub("#", text[end:]))
    # What separates columns and kinds of the file is not part of a message.
    plain = " ".join(re.sub(r"[|;@~]", " ", "".join(pieces)).split())
    where = "" if gamma is None else _range(float(gamma.group(1).rstrip(".")))
    return Atom(plain[:160].strip(" ,"), dtype.group() if dtype else "", where), None


def text_of(kinds: Kinds) -> str:
    """As a line of the file has it, always in the same order."""
    sizes: dict[tuple[str, str], int] = {}
    targets: dict[tuple[str, str, str], set[str]] = {}
    for atom, size in kinds.items():
        key = (atom.what, atom.dtype)
        if size is not None:
            sizes[key] = max(size, sizes.get(key, size))
        targets.setdefault((*key, atom.gamma), set()).add(atom.target)
    # What is the same is said once: first of the ranges of gamma, then of the dtypes.
    gammas = _gathered(
        ((what, dtype, _ordered(found, TARGETS)), gamma) for (what, dtype, gamma), found in targets.items()
    )
    dtypes = _gathered(
        ((_sized(what, sizes.get((what, dtype))), _ordered(found, GAMMAS), there), dtype)
        for (what, dtype, there), found in gammas.items()
    )
    parts = []
    for (what, ranges, there), names in sorted(dtypes.items()):
        fields = (what, " ".join(sorted(names)), ranges, there)
        parts.append(WITHIN_KIND.join(field for field in fields if field))
    return BETWEEN_KINDS.join(parts)


def _gathered(pairs: Iterable[tuple[tuple[str, str, str], str]]) -> dict[tuple[str, str, str], set[str]]:
    result: dict[tuple[str, str, str], set[str]] = {}
    for key, value in pairs:
        result.setdefault(key, set()).add(value)
    return result


def _ordered(found: set[str], order: tuple[str, ...]) -> str:
    return " ".join(name for name in order if name in found)


def _sized(what: str, size: int | None) -> str:
    return what if size is None else f"{what}{SIZE}{size}"


def parsed(text: str) -> Kinds:
    """The inverse of `text_of`; ValueError for what is no list of kinds."""
    kinds: Kinds = {}
    for part in text.split(BETWEEN_KINDS.strip()):
        what, *fields = (field.strip() for field in part.split(WITHIN_KIND.strip()))
        what, separator, size = what.partition(SIZE)
        names: list[str] = [name for field in fields for name in field.split()]
        unknown = [name for name in names if name not in (*FORMATS, *GAMMAS, *TARGETS)]
        if not what or unknown:
            text = f"{unknown[0]!r} is no dtype, range of gamma or target" if unknown else "it is empty"
            raise ValueError(text)
        if separator and not re.fullmatch(r"-?\d+", size):
            raise ValueError(f"the size ~1e{size} is no power of ten")
        places = product(*([name for name in names if name in known] or [""] for known in (FORMATS, GAMMAS, TARGETS)))
        for dtype, gamma, target in places:
            kinds[Atom(what.strip(), dtype, gamma, target)] = int(size) if separator else None
    return kinds


def of_dtypes(kinds: Kinds, dtypes: tuple[str, ...]) -> Kinds:
    """What of them a run of these dtypes can show; all of it for a run of all."""
    return {atom: size for atom, size in kinds.items() if not dtypes or atom.dtype in ("", *dtypes)}


def difference(listed: Kinds, found: Kinds) -> str:
    """How they differ, in words; nothing where they are the same."""
    gone = {atom: size for atom, size in listed.items() if atom not in found}
    new = {atom: size for atom, size in found.items() if atom not in listed}
    sized = {atom: size for atom, size in found.items() if size is not None and listed.get(atom) is not None}
    grown: Kinds = {atom: size for atom, size in sized.items() if abs(size - (listed[atom] or 0)) > 1}
    told = (("not listed", new), ("of another size", grown), ("no longer there", gone))
    return "; ".join(f"{name}: {text_of(kinds)}" for name, kinds in told if kinds)
