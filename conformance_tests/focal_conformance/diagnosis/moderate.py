"""Calls with moderate logits alone: what a mean over the batch does is hidden where one loss is a thousand."""

from dataclasses import replace

import numpy as np

from focal_conformance.dialect import NotClaimed
from focal_conformance.session import Session, case_parameters, one_hot_rows
from focal_conformance.vectors.case import Case

COUNT, LARGEST = 23, 4.0
"""Points of a call, a number that no other call has; and their largest logit."""
GAMMAS = (2.0, 0.5, 1.0)


def moderate_parts(session: Session, cases: list[Case], calls: int) -> list[dict[str, object]]:
    """What the port gives for the moderate points of a few golden cases, a call each, in the order of GAMMAS."""
    parts: list[dict[str, object]] = []
    first: dict[object, float] = {}
    for gamma in GAMMAS:
        for case in cases:
            if case.gamma != gamma or not (case.plain or case.detach_modulator) or case.points.startswith("random"):
                continue
            if case.logits.ndim > 1 and (case.target_kind != "indices" or case.logits.shape[-1] != 3):
                continue
            part = _part(session, case, calls + len(parts), first)
            if part is not None:
                parts.append(part)
    return parts


def _part(session: Session, case: Case, batch: int, first: dict[object, float]) -> dict[str, object] | None:
    moderate = np.abs(case.logits) <= LARGEST
    hard = np.ones(len(case.logits), dtype=bool)
    if case.logits.ndim > 1:
        moderate = np.all(moderate, axis=-1)
    else:
        hard = (case.targets == 0.0) | (case.targets == 1.0)
    chosen = np.resize(np.flatnonzero(moderate & hard), COUNT)
    if len(set(chosen.tolist())) < 4:
        return None
    logits, targets = case.logits[chosen], case.targets[chosen]
    try:
        (value,) = session.results(logits, targets, case.dtype, replace(case_parameters(case)), "value")
    except NotClaimed:
        return None
    except Exception:  # whatever a port raises here, a check has met and reported
        return None
    alpha = 1.0 if case.alpha is None else case.alpha
    shape = (COUNT,) if logits.ndim == 1 else logits.shape
    key = (case.alpha, case.target_kind, case.detach_modulator)
    rows = one_hot_rows(targets, logits.shape[-1]) if logits.ndim > 1 and np.ndim(targets) < 2 else targets
    return {
        "logits": logits,
        "targets": rows,
        "alpha": np.broadcast_to(np.asarray(alpha, dtype=np.float64), shape).copy(),
        "balanced": np.full(COUNT, case.alpha is not None),
        "gamma": np.full(COUNT, case.gamma),
        "batch": 1e9 + 1e6 * batch + np.arange(COUNT) if session.single else np.full(COUNT, float(batch)),
        "call": np.full(COUNT, float(batch)),
        "detach": np.full(COUNT, case.detach_modulator),
        "first_gamma": np.full(COUNT, first.setdefault(key, case.gamma)),
        "value": value,
        "slope": np.full(logits.shape, np.nan),
        "answered": np.ones(COUNT, dtype=bool),
        "sloped": np.zeros(COUNT, dtype=bool),
        "alpha_t": case.alpha_t[chosen],
        "names": [case.point_id(int(i)) for i in chosen],
    }
