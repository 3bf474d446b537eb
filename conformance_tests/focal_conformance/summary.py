"""One line on how far a port is: what it follows, where it loses accuracy, where it is nan."""

import numpy as np

from focal_conformance.session import Session


def summarise(session: Session) -> str:
    """From the evaluations that the checks have made."""
    parts = [_formula(session), _accuracy(session), _nan(session)]
    return "; ".join(part for part in parts if part)


def _formula(session: Session) -> str:
    """What the easy points follow: coarse on purpose, accuracy is another matter."""
    follows: dict[str, list[bool]] = {"hard": [], "soft": []}
    for case in session.cases():
        if not case.ordinary:
            continue
        got = session.evaluate(case, "value").got
        if got is None or case.format.is_half or case.alpha in (0.0, 1.0):
            continue
        easy = np.abs(case.logits) <= 5.0
        with np.errstate(invalid="ignore"):
            right = np.abs(got - case.exact["value"]) <= 0.01 * np.abs(case.exact["value"]) + 1e-3
        soft = (case.targets > 0.0) & (case.targets < 1.0)
        follows["hard"].append(bool(np.all(right[easy & ~soft])))
        follows["soft"].append(bool(np.all(right[easy & soft])))
    if not follows["hard"]:
        return ""
    if not all(follows["hard"]):
        return "follows another formula than the alpha-balanced focal loss"
    rule = session.port.dialect.soft_targets
    if rule != "linear":
        targets = f"soft targets declared as {rule!r}" if rule else "hard targets only"
    else:
        targets = "linear soft targets" if all(follows["soft"]) else "soft targets by another rule than the linear one"
    return f"follows the alpha-balanced focal loss, {targets}"


def _accuracy(session: Session) -> str:
    """Smallest |logit| from which on a hard-target value at gamma 2 is off by more than 1 %."""
    texts = []
    for dtype in session.dtypes:
        if dtype not in ("float32", "float64"):
            continue
        pairs: list[tuple[float, bool]] = []
        for case in session.cases():
            if not case.ordinary:
                continue
            got = session.evaluate(case, "value").got
            if case.dtype != dtype or case.gamma != 2.0 or got is None or case.alpha in (0.0, 1.0):
                continue
            exact = case.exact["value"]
            used = (case.targets == 0.0) | (case.targets == 1.0)
            used &= np.abs(exact) >= case.format.smallest_normal
            with np.errstate(invalid="ignore"):
                off = ~(np.abs(got - exact) <= 0.01 * np.abs(exact))
            pairs += [(abs(float(x)), bool(o)) for x, o in zip(case.logits[used], off[used], strict=True)]
        wrong = [x for x, off in pairs if off]
        if pairs:
            texts.append(f"{dtype} {f'from |x| = {min(wrong):.4g} on' if wrong else 'nowhere'}")
    return f"relative error above 1 % (gamma 2): {', '.join(texts)}" if texts else ""


def _nan(session: Session) -> str:
    """Where finite logits that training meets give nan."""
    found: dict[str, dict[str, float]] = {"value": {}, "gradient": {}}
    for case in session.cases():
        if not case.ordinary:
            continue
        for quantity, places in found.items():
            got = session.evaluate(case, quantity).got
            if got is None:
                continue
            bad = np.isnan(got)
            if session.port.dialect.soft_targets != "linear":
                bad &= (case.targets == 0.0) | (case.targets == 1.0)
            if np.any(bad):
                gamma = f"{case.gamma:.3g}"
                places[gamma] = min(places.get(gamma, np.inf), float(np.min(np.abs(case.logits[bad]))))
    texts = [
        f"{quantity} at gamma {', '.join(sorted(places, key=float))} from |x| = {min(places.values()):.3g} on"
        for quantity, places in found.items()
        if places
    ]
    return f"nan: {' and '.join(texts) if texts else 'none'}"
