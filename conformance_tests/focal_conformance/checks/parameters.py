"""Parameters and inputs that make no sense are refused."""

from dataclasses import replace
from typing import Any

import numpy as np

from focal_conformance.checks.check import Outcome
from focal_conformance.checks.sample import sample
from focal_conformance.dialect import NotClaimed
from focal_conformance.session import Session


class BadParameters:
    """An error, at once, for what cannot be meant."""

    name, title, level = "bad_parameters", "bad input refused", "recommended"

    def run(self, session: Session, outcome: Outcome) -> None:
        """Parameters first, then arrays."""
        dialect, driver = session.port.dialect, session.driver
        if not dialect.refuses_bad_parameters:
            raise NotClaimed("its documentation promises no errors")
        points = sample(session)
        x, t = session.arrays(points.logits, points.targets, points.dtype)
        changes: list[dict[str, Any]] = [
            {"gamma": -1.0},
            {"gamma": float("nan")},
            {"alpha": 1.5},
            {"alpha": -0.5},
            {"alpha": float("nan")},
        ]
        if dialect.normalizer is not None:
            changes += [{"reduction": "sum", "normalizer": n} for n in (0.0, -1.0, float("nan"))]
        for change in changes:
            self._refused(session, outcome, replace(points.parameters, **change), x, t, str(change))
        keywords = {**dialect.keywords(points.parameters), str(dialect.reduction): "average"}
        self._raises(outcome, lambda: session.port.call(x, t, keywords), "reduction 'average'")
        whole = driver.array(session.laid_out(np.rint(points.logits)), "int64")
        self._refused(session, outcome, points.parameters, whole, t, "integer logits")
        if session.eager and driver.device == "cpu":
            indices = points.targets.ndim < points.logits.ndim
            for wrong in (-1, points.logits.shape[-1]) if indices else (1.5, -0.5):
                _, bad = session.arrays(points.logits, np.full_like(points.targets, wrong), points.dtype)
                self._refused(session, outcome, points.parameters, x, bad, f"targets of {wrong}")

    def _refused(self, session: Session, outcome: Outcome, parameters: Any, x: Any, t: Any, label: str) -> None:
        function = session.bind(parameters)
        self._raises(outcome, lambda: session.driver.value(function, x, t), label)

    def _raises(self, outcome: Outcome, call: Any, label: str) -> None:
        try:
            call()
        except NotClaimed:
            raise
        except Exception:  # the refusal that is asked for; compiled modes wrap its class
            outcome.expect(True, "")
        else:
            outcome.expect(False, f"{label}: accepted without an error")
