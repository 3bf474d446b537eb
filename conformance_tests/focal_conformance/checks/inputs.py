"""Shapes and memory of inputs, and targets of other dtypes."""

from dataclasses import replace

import numpy as np

from focal_conformance.checks.check import Outcome, agree
from focal_conformance.checks.reductions import denominator
from focal_conformance.checks.results import losses_shape
from focal_conformance.checks.sample import Sample, sample
from focal_conformance.dialect import NotClaimed
from focal_conformance.formats import Float64
from focal_conformance.session import Session, raised


class NoBroadcasting:
    """Targets of another shape are refused: (N, 1) against (N,) would give (N, N)."""

    name, title, level = "no_broadcasting", "no silent broadcasting", "required"
    SHAPES = (((4, 1), (4,)), ((4,), (4, 1)), ((4, 2), (4, 1)), ((2, 3), (3,)))

    def run(self, session: Session, outcome: Outcome) -> None:
        """Any error will do, or the pairs that flattening both would make: broadcast nothing."""
        driver, dialect = session.driver, session.port.dialect
        for logits_shape, targets_shape in self.SHAPES:
            points = sample(session).shaped(*logits_shape)
            x, _ = session.arrays(points.logits, points.targets, points.dtype)
            other = sample(session).shaped(*targets_shape)
            _, t = session.arrays(other.logits, other.targets, points.dtype)
            reduction = dialect.returns if dialect.reduction is None else "none"
            function = session.bind(replace(points.parameters, reduction=reduction))
            try:
                got = driver.numbers(driver.value(function, x, t))
                got = session.of_losses(got) if reduction == "none" else got
            except NotClaimed:
                raise
            except Exception:  # the refusal that is asked for, whatever its class
                outcome.expect(True, "")
                continue
            declared = dialect.broadcasts_targets and got.shape == logits_shape
            paired = np.prod(logits_shape) == np.prod(targets_shape) and _is_paired(got, points, reduction)
            text = f"logits {logits_shape} and targets {targets_shape} silently give a result of shape {got.shape}"
            outcome.expect(bool(declared or paired), text)


def _is_paired(got: Float64, points: Sample, reduction: str) -> bool:
    """Whether a result is that of the elements taken in order."""
    if reduction == "none":
        return got.size == points.value.size and bool(
            np.all(agree(got.reshape(-1), points.value.reshape(-1), points.value_tolerance.reshape(-1)))
        )
    divisor = points.value.size if reduction == "mean" else 1
    return bool(np.all(agree(got, np.asarray(points.value.sum() / divisor), points.value_tolerance.sum() / divisor)))


class Layouts:
    """Values, gradients and means do not depend on rank, size or memory layout."""

    name, title, level = "layouts", "rank, size, strides", "required"
    SHAPES = ((6, 2), (2, 3, 2), (2, 1, 2, 3), (200_003,))

    def run(self, session: Session, outcome: Outcome) -> None:
        """Several ranks, many elements, strided memory."""
        dialect = session.port.dialect
        own = dialect.returns if dialect.reduction is None else "none"
        for shape in self.SHAPES if session.thorough else self.SHAPES[-1:]:
            for kind in ("plain", "strided") if session.thorough else ("plain",):
                self._judge(session, outcome, shape, kind, own)
            if session.thorough and own == "none" and "mean" in dialect.reductions and dialect.reduction is not None:
                self._judge(session, outcome, shape, "plain", "mean")

    def _judge(self, session: Session, outcome: Outcome, shape: tuple[int, ...], kind: str, reduction: str) -> None:
        driver, dialect = session.driver, session.port.dialect
        points = sample(session).shaped(*shape)
        x, t = session.arrays(points.logits, points.targets, points.dtype)
        if kind == "strided":
            x, t = (driver.strided(driver.numbers(array), driver.dtype_of(array)) for array in (x, t))
        function = session.bind(replace(points.parameters, reduction=reduction))
        gradient = None
        if session.has_gradient:
            result, slope = driver.gradient(function, x, t)
            gradient = driver.numbers(slope)
        else:
            result = driver.value(function, x, t)
        got = driver.numbers(result)
        got = session.of_losses(got) if reduction == "none" else got
        # A last axis that is averaged, or a scalar, divides the gradient of each element.
        averaged: float = shape[-1] if dialect.element_axes != "all" and len(shape) > 1 else 1
        if reduction == "none":
            want, tolerance = points.value, points.value_tolerance
            if averaged > 1:
                want, tolerance = np.mean(want, axis=-1), np.mean(tolerance, axis=-1)
        else:
            divisor = denominator(session, points, reduction, np.ones(points.value.shape))
            averaged = divisor
            want = np.asarray(np.sum(points.value) / divisor)
            tolerance = np.asarray(np.sum(points.value_tolerance) / divisor)
        label = f"for logits of shape {shape}, {kind} in memory, reduction {reduction!r}"
        same_shape = got.shape == np.shape(want) or dialect.layout == "column" or dialect.flattens
        outcome.expect(same_shape, f"a result of shape {got.shape} {label}")
        fine = got.size == np.size(want) and bool(np.all(agree(got.reshape(np.shape(want)), want, tolerance)))
        outcome.expect(fine, f"wrong values {label}")
        if gradient is not None:
            bound = points.gradient_tolerance / averaged
            of_logits = session.of_logits(gradient, points.gradient.shape)
            right = agree(of_logits, points.gradient / averaged, bound)
            outcome.expect(bool(np.all(right)), f"wrong gradient {label}")


class EdgeShapes:
    """Empty and 0-d inputs keep their shape."""

    name, title, level = "edge_shapes", "empty and 0-d inputs", "recommended"

    def run(self, session: Session, outcome: Outcome) -> None:
        """What the documentation admits."""
        driver, dialect = session.driver, session.port.dialect
        if dialect.reduction is None and dialect.returns != "none":
            raise NotClaimed(f"it returns reduction {dialect.returns!r} only")
        column = dialect.layout == "column"
        shapes: list[tuple[int, ...]] = []
        if dialect.empty:
            shapes += [(0, 1), (0, 3)] if column else [(0,), (0, 3)]
        if dialect.zero_d:
            shapes.append(())
        else:
            outcome.unclaimed.append("its documentation asks for more axes")
        for shape in shapes:
            points = sample(session).shaped(*shape)
            x, t = session.arrays(points.logits, points.targets, points.dtype)
            try:
                got = driver.numbers(driver.value(session.bind(points.parameters), x, t))
            except NotClaimed:
                raise
            except Exception as error:  # reported as the failure that it is
                outcome.expect(False, f"logits of shape {points.logits.shape}: {raised(error)}")
                continue
            want = losses_shape(session, points)
            text = f"logits of shape {points.logits.shape} give a result of shape {got.shape}"
            outcome.expect(got.shape == want, text)
            got = session.of_losses(got)
            want = points.value.shape if dialect.element_axes == "all" else want
            if got.size and got.shape == want == points.value.shape:
                fine = bool(np.all(agree(got, points.value, points.value_tolerance)))
                outcome.expect(fine, f"wrong value for logits of shape {shape}")


class IntegerTargets:
    """Integer and bool targets of the logits' shape are 0 and 1."""

    name, title, level = "integer_targets", "integer and bool targets", "recommended"

    def run(self, session: Session, outcome: Outcome) -> None:
        """A port found by trying may refuse them; what is accepted must be right."""
        driver, dialect = session.driver, session.port.dialect
        if not dialect.integer_targets:
            raise NotClaimed("its documentation asks for floating-point targets")
        if dialect.reduction is None and dialect.returns != "none":
            raise NotClaimed(f"it returns reduction {dialect.returns!r} only")
        if session.rows and dialect.targets_form == "indices":
            raise NotClaimed("it takes class indices only")
        points = sample(session)
        targets = points.targets
        if targets.ndim < points.logits.ndim:
            targets = np.eye(points.logits.shape[-1])[targets]
        for dtype in ("int64", "bool"):
            x, _ = session.arrays(points.logits, targets, points.dtype)
            t = driver.array(session.laid_out(targets), dtype)
            try:
                got = session.of_losses(driver.numbers(driver.value(session.bind(points.parameters), x, t))).reshape(-1)
            except NotClaimed:
                raise
            except Exception as error:  # reported, as a refusal or as a failure
                if session.port.probed:
                    outcome.unclaimed.append(f"{dtype} targets: {raised(error)}")
                else:
                    outcome.expect(False, f"{dtype} targets: {raised(error)}")
                continue
            fine = got.shape == points.value.shape and bool(np.all(agree(got, points.value, points.value_tolerance)))
            outcome.expect(fine, f"{dtype} targets give other values than the same targets in {points.dtype}")
