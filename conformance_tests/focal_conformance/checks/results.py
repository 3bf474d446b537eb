"""Shape, dtype and device of results."""

from dataclasses import replace

import numpy as np

from focal_conformance.checks.check import Outcome
from focal_conformance.checks.reductions import REDUCED, SHAPE, claimed
from focal_conformance.checks.sample import Sample, sample
from focal_conformance.frameworks.driver import NoDerivative
from focal_conformance.session import Session


class ResultKind:
    """A result is the framework's own array, of the expected shape, dtype and device."""

    name, title, level = "result_kind", "shape, dtype, device", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """In each dtype: unreduced, reduced, and the gradient."""
        # Each dtype is compiled anew in a compiled mode: the first and the last stand for all.
        for dtype in session.dtypes if session.thorough else (session.dtypes[0], session.dtypes[-1]):
            points = sample(session, dtype).shaped(*(SHAPE if session.thorough else (12,)))
            for reduction in claimed(session, ("none", *REDUCED) if session.thorough else ("none",)):
                self._judge(session, outcome, points, reduction)

    def _judge(self, session: Session, outcome: Outcome, points: Sample, reduction: str) -> None:
        driver, dtype = session.driver, points.dtype
        function = session.bind(replace(points.parameters, reduction=reduction))
        x, t = session.arrays(points.logits, points.targets, dtype)
        gradient = None
        try:
            result, gradient = driver.gradient(function, x, t)
        except NoDerivative:
            result = driver.value(function, x, t)
        label = f"{reduction!r} of {dtype}"
        if not driver.is_array(result):
            outcome.expect(False, f"{label}: a {type(result).__name__}, not an array of {driver.name}")
            return
        shape = () if reduction in ("sum", "mean", "mean_positives") else losses_shape(session, points, reduction)
        got = tuple(np.shape(driver.numbers(result)))
        outcome.expect(got == shape, f"{label}: shape {got}, expected {shape}")
        wanted = expected_dtype(session, dtype, reduction)
        got_dtype = driver.dtype_of(result)
        outcome.expect(wanted is None or got_dtype == wanted, f"{label}: dtype {got_dtype}, expected {wanted}")
        device = driver.device_of(result).split(":")[0]
        outcome.expect(device == driver.device.split(":")[0], f"{label}: on {device}, expected {driver.device}")
        if gradient is not None:
            outcome.expect(driver.dtype_of(gradient) == dtype, f"{label}: gradient in {driver.dtype_of(gradient)}")


def losses_shape(session: Session, points: Sample, reduction: str = "none") -> tuple[int, ...]:
    """Shape of unreduced losses, or of their sums over the classes, as the dialect declares it."""
    dialect, shape = session.port.dialect, points.value.shape
    if session.rows:
        shape = np.shape(session.laid_out(points.logits)) if dialect.keeps_class_axis else shape
    elif dialect.element_axes != "all" or reduction == "sum_classes":
        shape = shape[:-1]
    return (int(np.prod(shape)),) if dialect.flattens else tuple(shape)


def expected_dtype(session: Session, dtype: str, reduction: str) -> str | None:
    """The dialect's word on the dtype of a result; None where it gives none."""
    dialect = session.port.dialect
    if dialect.result_dtype != "logits":
        return dialect.result_dtype
    whole = reduction == "none" or (reduction == "sum_classes" and session.rows)
    if not whole and dtype in ("float16", "bfloat16"):
        return None if dialect.reduced_half_dtype == "any" else dialect.reduced_half_dtype
    return dtype
