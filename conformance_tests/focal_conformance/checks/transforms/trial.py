"""What transformations are tried on, and the one place that compares what they give with golden numbers.

Points are rows along the first axis, whatever the loss: one logit each, or one row of logits.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from focal_conformance.checks.check import Outcome, agree
from focal_conformance.checks.results import expected_dtype
from focal_conformance.checks.sample import Sample, sample, usual_parameters
from focal_conformance.dialect import Parameters
from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import Function
from focal_conformance.session import Session
from focal_conformance.vectors.load import cases

ROWS = 12
ARRAYS = ("logits", "targets", "value", "gradient", "curvature")
TOLERANCES = tuple(f"{name}_tolerance" for name in ARRAYS[2:])


class Trial:
    """A port and golden points; judges what a transformation made of them."""

    def __init__(self, session: Session, outcome: Outcome) -> None:
        self.session, self.outcome, self.driver = session, outcome, session.driver
        dialect = session.port.dialect
        self.reduction = dialect.returns if dialect.reduction is None else "none"
        """The port's own where it has only one."""

    def points(self, rows: int = ROWS, *, dtype: str | None = None, parameters: Parameters | None = None) -> Sample:
        """The first rows of the golden points; the same again where there are fewer."""
        points = sample(self.session, dtype, parameters)
        return self.taken(points, np.arange(rows) % len(points.logits))

    @staticmethod
    def taken(points: Sample, rows: Any) -> Sample:
        """Some rows."""
        return replace(points, **{name: getattr(points, name)[rows] for name in (*ARRAYS, *TOLERANCES)})

    def parameter_sets(self, count: int) -> list[Parameters]:
        """Alphas and gammas that the vectors hold, both new from each to the next."""
        usual, dialect = usual_parameters(self.session), self.session.port.dialect
        dtype = sample(self.session).dtype
        points = "k3-indices" if self.session.rows else "special"
        known = {(c.alpha, c.gamma) for c in cases(self.session.port.loss, dtype) if c.points == points and c.ordinary}
        # Switching alpha off, and gamma = 0, may take another branch, which is compiled anew by right.
        gammas = sorted({gamma for _, gamma in known if gamma > 0.0}) if dialect.gamma else [usual.gamma]
        alphas = sorted({alpha for alpha, _ in known if isinstance(alpha, float) and 0.0 < alpha < 1.0})
        chosen: list[Any] = [*alphas] if dialect.alpha and alphas else [usual.alpha]
        turns = [(k % len(chosen), (3 * k + k // len(gammas)) % len(gammas)) for k in range(8 * count)]
        pairs = [(chosen[a], gammas[g]) for a, g in turns if (chosen[a], gammas[g]) in known]
        return [Parameters(*pairs[k % len(pairs)]) for k in range(count)]

    def keywords(self, points: Sample) -> dict[str, Any]:
        """The parameters of the points in the port's words, for ``port.call(x, t, keywords)``."""
        return self.session.port.dialect.keywords(replace(points.parameters, reduction=self.reduction))

    def function(self, points: Sample) -> Function:
        """The port as a function of arrays alone."""
        return self.session.bind(replace(points.parameters, reduction=self.reduction))

    def arrays(self, points: Sample, groups: int | None = None) -> tuple[Any, Any]:
        """Logits and targets of the framework; ``groups`` adds a leading axis to divide the rows."""
        if groups is None:
            return self.session.arrays(points.logits, points.targets, points.dtype)
        made = []
        for values in (points.logits, points.targets):
            laid_out = self.session.laid_out(values)
            # Class indices stay integers.
            dtype = "int64" if np.issubdtype(laid_out.dtype, np.integer) else points.dtype
            made.append(self.driver.array(laid_out.reshape(groups, -1, *laid_out.shape[1:]), dtype))
        return made[0], made[1]

    def judge(self, quantity: str, got: Any, points: Sample, label: str) -> None:
        """A value or gradient of all points."""
        if not self.driver.is_array(got):
            self.outcome.expect(False, f"{label}: {quantity} is a {type(got).__name__}, not an array")
            return
        want, tolerance = self._expected(quantity, points)
        self.judge_numbers(self.driver.numbers(got), want, tolerance, f"{label}: {quantity}")

    def judge_groups(self, quantity: str, got: Any, points: Sample, groups: int, label: str) -> None:
        """The same for each group of `arrays`."""
        numbers = self.driver.numbers(got)
        if numbers.shape[:1] != (groups,):
            self.outcome.expect(False, f"{label}: {quantity} of shape {numbers.shape} for {groups} groups")
            return
        for rows, part in zip(np.split(np.arange(len(points.logits)), groups), numbers, strict=True):
            want, tolerance = self._expected(quantity, self.taken(points, rows))
            self.judge_numbers(part, want, tolerance, f"{label}: {quantity}")

    def judge_both(self, value: Any, gradient: Any, points: Sample, label: str) -> None:
        """Value and gradient."""
        self.judge("value", value, points, label)
        self.judge("gradient", gradient, points, label)

    def direction(self, points: Sample) -> Float64:
        """A vector for forward mode, another factor for each logit, no two neighbours alike."""
        return np.resize([1.0, -0.5, 2.0, 0.25, -1.0], points.gradient.shape)

    def seeds(self, points: Sample) -> list[Any]:
        """Vectors v whose v (H v) add up to the diagonal of the Hessian: one class of every row each."""
        ones = np.ones(points.logits.shape)
        size = points.logits.size // len(points.logits)
        parts = [ones] if size == 1 else [ones * (np.arange(size) == k) for k in range(size)]
        return [self.driver.array(self.session.laid_out(part), points.dtype) for part in parts]

    def judge_product(self, got: Any, points: Sample, label: str) -> None:
        """The gradient times `direction`: one number a value."""
        axes = tuple(range(points.value.ndim, points.gradient.ndim))
        factor = self.direction(points)
        products = replace(
            points,
            value=np.sum(points.gradient * factor, axis=axes),
            value_tolerance=np.sum(points.gradient_tolerance * np.abs(factor), axis=axes),
        )
        want, tolerance = self._expected("value", products)
        self.judge_numbers(self.driver.numbers(got), want, tolerance, f"{label}: derivative along a vector")

    def judge_hessian(self, got: Any, points: Sample, label: str) -> None:
        """The diagonal is the golden curvature, and a row of logits knows nothing of another."""
        size, rows = points.logits.size, len(points.logits)
        numbers = self.driver.numbers(got)
        if numbers.size != size**2:
            self.outcome.expect(False, f"{label}: shape {numbers.shape} for {size} logits")
            return
        want, tolerance = self._expected("curvature", points)
        diagonal = np.diagonal(numbers.reshape(size, size))
        self.judge_numbers(diagonal, want, tolerance, f"{label}: second derivative")
        blocks = numbers.reshape(rows, size // rows, rows, size // rows)
        other = np.abs(blocks[~np.eye(rows, dtype=bool)[:, None, :, None] & np.ones(blocks.shape, dtype=bool)])
        self.outcome.expect(bool(np.all(other == 0.0)), f"{label}: rows are not independent of each other")

    def judge_dtype(self, got: Any, points: Sample, label: str, also: tuple[str, ...] = ()) -> None:
        """The dtype that the dialect declares, or one of ``also``."""
        wanted = expected_dtype(self.session, points.dtype, self.reduction)
        dtype = self.driver.dtype_of(got)
        text = f"{label}: dtype {dtype}, expected {' or '.join(dict.fromkeys([*also, wanted or points.dtype]))}"
        self.outcome.expect(wanted is None or dtype in (wanted, *also), text)

    def judge_numbers(self, got: Float64, want: Float64, tolerance: Float64, label: str) -> None:
        """Each number within its tolerance; the first wrong one is shown."""
        got, want, tolerance = np.ravel(got), np.ravel(want), np.ravel(tolerance)
        if got.size != want.size:
            self.outcome.expect(False, f"{label} has {got.size} numbers, expected {want.size}")
            return
        wrong = np.flatnonzero(~agree(got, want, tolerance))
        first = wrong[0] if wrong.size else 0
        self.outcome.expect(not wrong.size, f"{label} {got[first]:.7g}, expected {want[first]:.7g}")

    def _expected(self, quantity: str, points: Sample) -> tuple[Float64, Float64]:
        """The exact numbers as the port's own reduction gives them, and their tolerance."""
        want, tolerance = getattr(points, quantity), getattr(points, f"{quantity}_tolerance")
        divisor = points.value.size if self.reduction == "mean" else 1
        if quantity == "value" and self.reduction != "none":
            want, tolerance = np.sum(want), np.sum(tolerance)
        return np.asarray(want / divisor), np.asarray(tolerance / divisor)
