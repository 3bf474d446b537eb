"""Which check judges which golden point: the one that it says most about."""

import numpy as np
import numpy.typing as npt

from focal_conformance.session import Session
from focal_conformance.vectors.case import Case, case_is_soft

Bool = npt.NDArray[np.bool_]

SATURATED_FROM = 15.0
SECOND = ("curvature", "product")
"""Quantities that are second derivatives."""


def owners(case: Case, quantity: str, session: Session | None = None) -> "npt.NDArray[np.str_]":
    """Name of the check that judges each point of a case."""
    names = np.full(len(case.logits), f"hard_{quantity}s", dtype="<U24")
    names[case_is_soft(case)] = f"soft_{quantity}s"
    names[_saturated(case)] = "saturation"
    usual_off = case.loss != "sigmoid_focal"
    if case.alpha is None and not usual_off:
        names[:] = "alpha_off"
    elif isinstance(case.alpha, tuple):
        names[:] = "alpha_per_class"
    elif case.alpha in (0.0, 1.0) or (usual_off and case.alpha is not None):
        names[:] = "alpha_edges"
    if case.gamma == 0.0:
        names[:] = "gamma_zero"
    elif case.gamma < 1.0:
        names[:] = "gamma_below_one"
    if case.format.is_half:
        names[:] = "low_precision"
    if quantity in SECOND:
        names[:] = "second_derivative"
    if not case.ordinary:
        names[:] = "limits"
    # What only some ports have words for stands apart, so that the rest of a check is not mixed with it.
    if case.soft_targets != "linear" and (session is None or session.port.dialect.soft_targets_argument is not None):
        names[:] = "soft_rules"
    if case.detach_modulator:
        names[:] = "detached_modulator"
    return names


def _saturated(case: Case) -> Bool:
    with np.errstate(invalid="ignore"):
        if case.logits.ndim == 1:
            return np.asarray(np.abs(case.logits) >= SATURATED_FROM)
        finite = np.isfinite(case.logits)
        largest = np.max(case.logits, axis=-1, where=finite, initial=-np.inf)
        smallest = np.min(case.logits, axis=-1, where=finite, initial=np.inf)
        return np.asarray(largest - smallest >= SATURATED_FROM)
