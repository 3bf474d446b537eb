"""One line on how far a port is: what it follows, where it loses accuracy, where it is nan."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import Float64
from focal_conformance.session import Session
from focal_conformance.vectors.case import Case, case_is_soft

Bool = npt.NDArray[np.bool_]


def summarise(session: Session) -> str:
    """From the evaluations that the checks have made."""
    parts = [_formula(session), _accuracy(session), _nan(session)]
    return "; ".join(part for part in parts if part)


def _evaluated(session: Session, quantity: str = "value") -> Iterator[tuple[Case, Float64, Bool]]:
    """Ordinary cases that the port claims and answered, its numbers, and which points are claimed."""
    for case in session.cases():
        if not case.ordinary or session.unclaimed(case):
            continue
        claimed = np.full(len(case.logits), session.claims_soft(case)) | ~case_is_soft(case)
        got = session.evaluate(case, quantity).got if np.any(claimed) else None
        if got is not None:
            yield case, got, claimed


def _size(case: Case) -> Float64:
    """|logit|, or how far the logits of a row are apart."""
    if case.logits.ndim == 1:
        return np.abs(case.logits)
    return np.asarray(np.max(case.logits, axis=-1) - np.min(case.logits, axis=-1))


def _balanced(case: Case) -> bool:
    return not isinstance(case.alpha, tuple) and case.alpha not in (0.0, 1.0)


def _formula(session: Session) -> str:
    """What the easy points follow: coarse on purpose, accuracy is another matter."""
    follows: dict[str, list[bool]] = {"hard": [], "soft": []}
    for case, got, claimed in _evaluated(session):
        if case.format.is_half or not _balanced(case) or not case.plain:
            continue
        easy = (_size(case) <= 5.0) & claimed
        with np.errstate(invalid="ignore"):
            right = np.abs(got - case.exact["value"]) <= 0.01 * np.abs(case.exact["value"]) + 1e-3
        soft = case_is_soft(case)
        follows["hard"].append(bool(np.all(right[easy & ~soft])))
        follows["soft"].append(bool(np.all(right[easy & soft])))
    if not follows["hard"]:
        return ""
    name = "softmax focal loss" if session.rows else "alpha-balanced focal loss"
    if not all(follows["hard"]):
        return f"follows another formula than the {name}"
    dialect = session.port.dialect
    if dialect.soft_targets_argument is not None:
        targets = "soft targets by any of the four rules"
    elif dialect.soft_targets != "linear":
        rule = dialect.soft_targets
        targets = f"soft targets declared as {rule!r}" if rule else "hard targets only"
    else:
        targets = "linear soft targets" if all(follows["soft"]) else "soft targets by another rule than the linear one"
    return f"follows the {name}, {targets}"


def _accuracy(session: Session) -> str:
    """Smallest |logit|, or spread of a row, from which on a hard-target value at gamma 2 is off by more than 1 %."""
    texts = []
    for dtype in session.dtypes:
        if dtype not in ("float32", "float64"):
            continue
        pairs: list[tuple[float, bool]] = []
        for case, got, claimed in _evaluated(session):
            if case.dtype != dtype or case.gamma != 2.0 or not _balanced(case) or not case.plain:
                continue
            exact = case.exact["value"]
            used = claimed & ~case_is_soft(case) & (np.abs(exact) >= case.format.smallest_normal)
            with np.errstate(invalid="ignore"):
                off = ~(np.abs(got - exact) <= 0.01 * np.abs(exact))
            pairs += [(float(x), bool(o)) for x, o in zip(_size(case)[used], off[used], strict=True)]
        wrong = [x for x, off in pairs if off]
        if pairs:
            texts.append(f"{dtype} {f'from {_what(session)} = {min(wrong):.4g} on' if wrong else 'nowhere'}")
    return f"relative error above 1 % (gamma 2): {', '.join(texts)}" if texts else ""


def _what(session: Session) -> str:
    return "spread" if session.rows else "|x|"


def _nan(session: Session) -> str:
    """Where finite logits that training meets give nan."""
    found: dict[str, dict[str, float]] = {"value": {}, "gradient": {}}
    for quantity, places in found.items():
        for case, got, claimed in _evaluated(session, quantity):
            bad = np.isnan(got) if got.ndim == 1 else np.any(np.isnan(got), axis=-1)
            bad &= claimed
            if np.any(bad):
                gamma = f"{case.gamma:.3g}"
                places[gamma] = min(places.get(gamma, np.inf), float(np.min(_size(case)[bad])))
    texts = [
        f"{quantity} at gamma {', '.join(sorted(places, key=float))} from {_what(session)} = "
        f"{min(places.values()):.3g} on"
        for quantity, places in found.items()
        if places
    ]
    return f"nan: {' and '.join(texts) if texts else 'none'}"
