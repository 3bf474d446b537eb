"""Exact numbers in decimal, for people."""

from typing import Any

import numpy as np

from focal_conformance.fuzz.truth import oracle_installed
from focal_conformance.session import QUANTITIES, case_parameters
from focal_conformance.vectors.load import Case

DIGITS = 30
MOST_CLASSES = 12
"""Of a longer row the nearest float64 is shown."""
Decimals = dict[tuple[str, tuple[int, ...]], str]
"""Quantity and class -> thirty digits."""


def decimals(case: Case, index: int) -> Decimals:
    """Thirty digits from the oracle, where it is installed and the logits are finite numbers."""
    if not oracle_installed() or not np.isfinite(case.logits[index]).all():
        return {}
    return _of_element(case, index) if case.logits.ndim == 1 else _of_row(case, index)


def _of_element(case: Case, index: int) -> Decimals:
    from focal_conformance.oracle.sigmoid_focal import digits

    assert not isinstance(case.alpha, tuple)
    x, t = float(case.logits[index]), float(case.targets[index])
    settings: dict[str, Any] = {"soft_targets": case.soft_targets, "detach_modulator": case.detach_modulator}
    texts = digits(x, t, case.alpha, case.gamma, DIGITS, **settings)
    return {(quantity, ()): text for quantity, text in zip(QUANTITIES, texts, strict=False)}


def _of_row(case: Case, index: int) -> Decimals:
    from focal_conformance.fuzz.proof import row_digits

    if case.logits.shape[1] > MOST_CLASSES:
        return {}
    targets = case.targets[index]
    row: Any = int(targets) if case.target_kind == "indices" else targets.tolist()
    value, gradient = row_digits(case.logits[index].tolist(), row, case_parameters(case), DIGITS)
    return {("value", ()): value, **{("gradient", (c,)): text for c, text in enumerate(gradient)}}
