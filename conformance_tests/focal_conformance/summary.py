"""One line on how far a port is: what it follows, where it loses accuracy, where it is nan."""

import numpy as np

from focal_conformance.session import Session


def summarise(session: Session) -> str:
    """From the evaluations that the checks have made."""
    parts = [_formula(session), _accuracy(session), _nan(session)]
    return "; ".join(part for part in parts if part)


def _formula(session: Session) -> str:
    follows: dict[str, list[bool]] = {"hard": [], "soft": []}
    for case in session.cases():
        got = session.evaluate(case, "value").got
        if got is None or case.format.is_half:
            continue
        easy = np.abs(case.logits) <= 5.0
        with np.errstate(invalid="ignore"):
            right = np.abs(got - case.exact["value"]) <= 1e-3 * (np.abs(case.exact["value"]) + case.alpha_t / 10.0)
        soft = (case.targets > 0.0) & (case.targets < 1.0)
        follows["hard"].append(bool(np.all(right[easy & ~soft])))
        follows["soft"].append(bool(np.all(right[easy & soft])))
    if not follows["hard"]:
        return ""
    if not all(follows["hard"]):
        return "follows another formula than the alpha-balanced focal loss"
    soft = "with linear soft targets" if all(follows["soft"]) else "for hard targets; soft targets by another rule"
    return f"follows the alpha-balanced focal loss {soft}"


def _accuracy(session: Session) -> str:
    """Smallest |logit| from which on a hard-target value at gamma 2 is off by more than 1 %."""
    texts = []
    for dtype in session.dtypes:
        if dtype not in ("float32", "float64"):
            continue
        pairs: list[tuple[float, bool]] = []
        for case in session.cases():
            got = session.evaluate(case, "value").got
            if case.dtype != dtype or case.gamma != 2.0 or got is None or case.alpha in (0.0, 1.0):
                continue
            exact = case.exact["value"]
            used = np.isfinite(case.logits) & ((case.targets == 0.0) | (case.targets == 1.0))
            used &= np.abs(exact) >= case.format.smallest_normal
            with np.errstate(invalid="ignore"):
                off = ~(np.abs(got - exact) <= 0.01 * np.abs(exact))
            pairs += [(abs(float(x)), bool(o)) for x, o in zip(case.logits[used], off[used], strict=True)]
        wrong = [x for x, off in pairs if off]
        if pairs:
            texts.append(f"{dtype} {f'from |x| = {min(wrong):.4g} on' if wrong else 'nowhere'}")
    return f"relative error above 1 % (gamma 2): {', '.join(texts)}" if texts else ""


def _nan(session: Session) -> str:
    found: dict[str, float] = {}
    for case in session.cases():
        for quantity in ("value", "gradient"):
            got = session.evaluate(case, quantity).got
            if got is None:
                continue
            bad = np.isnan(got) & np.isfinite(case.logits)
            if np.any(bad):
                label = f"{quantity} at gamma {case.gamma:.3g}"
                found[label] = min(found.get(label, np.inf), float(np.min(np.abs(case.logits[bad]))))
    texts = [f"{label} from |x| = {x:.4g}" for label, x in found.items()]
    return "nan: " + (", ".join(texts[:4]) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "") if texts else "none")
