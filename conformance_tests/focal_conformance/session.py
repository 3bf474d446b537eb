"""A port under verification: calls it in its own dialect and keeps what it gave."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import Driver, Function, NoDerivative
from focal_conformance.ports.port import Port
from focal_conformance.vectors.grid import held
from focal_conformance.vectors.load import Case, all_cases
from focal_ref import LOSSES

QUANTITIES = ("value", "gradient", "curvature", "product")
PAIR = ("value", "gradient")
EAGER_MODES = ("eager", "triton")
"""Modes in which no shape, and no parameter that stands for many, is compiled anew."""
COMPILED_SIZE, COMPILED_ROWS = 256, 64
"""Points are repeated up to this size where each new shape is compiled anew."""
SHORT_GAMMAS = (0.0, 0.5, 2.0, 2.7)
"""The gammas of compiled modes, with alpha 0.25, and in float32 also with alpha off."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a port gave for a case, or why it gave nothing."""

    case: Case
    quantity: str
    got: Float64 | None
    error: str = ""
    not_claimed: bool = False


class Session:
    """One port, its driver, and what is asked of it."""

    def __init__(self, port: Port, driver: Driver, level: str, dtypes: tuple[str, ...], full: bool) -> None:
        self.port, self.driver, self.level, self.dtypes = port, driver, level, dtypes
        self.full = full
        self._call = driver.in_mode(port.call, port.mode, self.thorough)
        self._evaluations: dict[tuple[int, str], Evaluation] = {}
        self._without_gradient = False

    @property
    def single(self) -> bool:
        """Whether the port returns one number, whatever it is given."""
        return self.port.dialect.reduction is None and self.port.dialect.returns != "none"

    @property
    def thorough(self) -> bool:
        """Whether a new configuration costs no compilation, or the full grid was asked for."""
        return self.eager or self.level == "recommended"

    @property
    def eager(self) -> bool:
        """Whether calls are run as they are written."""
        return self.port.mode in EAGER_MODES

    @property
    def has_gradient(self) -> bool:
        """Whether there is a gradient: the framework's, or a companion's."""
        return self.driver.differentiates or self.port.companion is not None

    @property
    def differentiates_twice(self) -> bool:
        """Whether there can be a second derivative: a companion's, or that of the framework in this mode."""
        if not self.driver.differentiates:
            return self.port.second_companion is not None
        # What AOTAutograd compiled cannot be differentiated twice from outside; nor can torch.compile(torch.sin).
        return (self.driver.name, self.port.mode) != ("torch", "compile")

    @property
    def _compiles(self) -> bool:
        return self.driver.compiles_each_shape or not self.eager

    @property
    def flushes(self) -> bool:
        """Whether a subnormal result may be 0: a property of the framework on this device."""
        return self.driver.flushes_subnormals or self.port.dialect.flushes_subnormals

    @property
    def backend(self) -> str:
        """The name under which bounds.json may hold a bound of its own."""
        return self.driver.name

    def cases(self) -> Iterator[Case]:
        """The golden cases that are asked for."""
        for dtype in self.dtypes:
            # One by one is slow: a port that returns one number meets all parameters in one dtype.
            full = self.full and (not self.single or dtype == self.dtypes[0])
            for case in all_cases(self.port.loss, dtype):
                if full or self._in_short_grid(case):
                    yield case

    def _in_short_grid(self, case: Case) -> bool:
        """Few parameters, few shapes and few dtypes beside float32: each combination is compiled anew."""
        fmt = case.format
        if case.gamma not in {held(gamma, fmt) for gamma in SHORT_GAMMAS}:
            return False
        narrow = case.dtype == "float32"
        if case.logits.ndim > 1:
            return self._row_in_short_grid(case, narrow)
        if case.plain:
            edge = case.alpha in (0.0, 1.0) and case.gamma == 2.0
            return case.alpha == 0.25 or (narrow and (case.alpha is None or edge))
        return narrow and case.gamma in (0.5, 2.0)

    def _row_in_short_grid(self, case: Case, narrow: bool) -> bool:
        classes, indices = case.logits.shape[-1], case.target_kind == "indices"
        if classes != 3:
            return narrow and classes == 10 and case.plain and indices and case.alpha is None and case.gamma == 2.0
        if case.plain:
            return narrow or (indices and case.alpha is None)
        if isinstance(case.alpha, tuple):
            return narrow and (indices or (case.gamma == 2.0 and case.soft_targets == "linear"))
        return narrow and case.gamma in (0.5, 2.0)

    def unclaimed(self, case: Case) -> str:
        """Why the port's dialect has no words for a case; nothing if it has."""
        dialect = self.port.dialect
        # Class indices are one-hot rows for a port that takes only those.
        if case.target_kind == "rows" and dialect.targets_form == "indices":
            return "targets as rows: it takes class indices"
        try:
            own = dialect.returns if dialect.reduction is None else "none"
            dialect.keywords(replace(case_parameters(case), reduction=own))
        except NotClaimed as reason:
            return str(reason)
        return ""

    def claims_soft(self, case: Case) -> bool:
        """Whether the port claims the rule of the case for its soft targets."""
        dialect = self.port.dialect
        return dialect.soft_targets_argument is not None or dialect.soft_targets == case.soft_targets

    def bind(self, parameters: Parameters) -> Function:
        """The port with its parameters bound; NotClaimed if its dialect has no words for them."""
        keywords = self.port.dialect.keywords(parameters)

        def function(logits: Any, targets: Any) -> Any:
            return self._call(logits, targets, keywords)

        companion = self.port.companion
        if companion is not None:
            names = self.port.dialect

            def with_gradient(logits: Any, targets: Any) -> Any:
                return companion(**{names.logits: logits, names.targets: targets}, **keywords)

            function.companion = with_gradient  # type: ignore[attr-defined]
        second = self.port.second_companion
        if second is not None:
            names = self.port.dialect

            def with_product(logits: Any, targets: Any, vector: Any) -> Any:
                return second(**{names.logits: logits, names.targets: targets}, vector=vector, **keywords)

            function.second_companion = with_product  # type: ignore[attr-defined]
        return function

    def laid_out(self, values: Any) -> Any:
        """Logits, or targets of their shape, in the axes that the port takes."""
        dialect = self.port.dialect
        if self.rows:
            axis = dialect.class_axis
            return values if axis == -1 or np.ndim(values) < 2 else np.moveaxis(values, -1, axis)
        return values[:, None] if dialect.layout == "column" and values.ndim == 1 else values

    def arrays(self, logits: Any, targets: Any, dtype: str) -> tuple[Any, Any]:
        """Logits and targets as the port takes them; class indices are int64."""
        x = self.driver.array(self.laid_out(logits), dtype)
        if self.rows and np.ndim(targets) < np.ndim(logits) and self.port.dialect.targets_form == "rows":
            targets = one_hot_rows(targets, np.shape(logits)[-1])
        if np.ndim(targets) < np.ndim(logits):
            return x, self.driver.array(targets, "int64")
        return x, self.driver.array(self.laid_out(targets), dtype)

    def of_logits(self, numbers: Float64, shape: tuple[int, ...]) -> Float64:
        """Numbers of a gradient with the classes last, in the shape of the golden logits."""
        axis = self.port.dialect.class_axis
        if self.rows and axis != -1 and numbers.ndim > 1:
            numbers = np.moveaxis(numbers, axis, -1)
        return numbers.reshape(shape)

    def of_losses(self, numbers: Float64) -> Float64:
        """Numbers of unreduced losses: where a row's loss keeps the class axis it is the sum over it."""
        dialect = self.port.dialect
        if self.rows and dialect.keeps_class_axis and numbers.ndim > 0:
            return np.asarray(np.sum(numbers, axis=dialect.class_axis))
        return numbers

    @property
    def rows(self) -> bool:
        """Whether a row of classes has one loss."""
        return LOSSES[self.port.loss].consumes_classes

    def evaluate(self, case: Case, quantity: str) -> Evaluation:
        """Value, gradient or curvature of all points of a case, from the cache if it was asked before.

        Special and random points of one parameter set are given to the port in one call.
        """
        if (id(case), quantity) not in self._evaluations:
            self._evaluate(cases_by_call(case.loss, case.dtype)[call_of(case)], quantity)
        return self._evaluations[id(case), quantity]

    def evaluated(self) -> Iterator[Case]:
        """Cases in the order in which the port was asked for them."""
        for evaluation in self._evaluations.values():
            yield evaluation.case

    def _evaluate(self, siblings: list[Case], quantity: str) -> None:
        first = siblings[0]
        logits = np.concatenate([case.logits for case in siblings])
        targets = np.concatenate([case.targets for case in siblings])
        parts = self._given_apart(logits, targets, first)
        wanted: tuple[str, ...] = (quantity,)
        if not self.thorough and quantity in PAIR and self.driver.differentiates and not self._without_gradient:
            # One compilation gives both.
            wanted = PAIR
        try:
            answers = [
                self.results(
                    logits[part], targets[part], first.dtype, case_parameters(first), *wanted, vector=first.vector
                )
                for part in parts
            ]
            results = [_spread(numbers, parts, len(logits)) for numbers in zip(*answers, strict=True)]
        except (NotClaimed, NoDerivative) as reason:
            if len(wanted) > 1 and isinstance(reason, NoDerivative):
                self._without_gradient = True
                return self._evaluate(siblings, quantity)
            second = quantity not in PAIR
            refused = isinstance(reason, NotClaimed) or second or not self.driver.differentiates
            self._store(siblings, (quantity,), None, str(reason), not_claimed=refused)
        except Exception as error:  # whatever a port raises is its answer, and is reported as such
            self._store(siblings, wanted, None, raised(error))
        else:
            self._store(siblings, wanted, results)
        return None

    def _given_apart(self, logits: Float64, targets: Any, case: Case) -> list[npt.NDArray[np.bool_]]:
        """Which points make up a call: hard targets have theirs, for which a port may have another formula."""
        if targets.ndim != logits.ndim:
            return [np.ones(len(logits), dtype=bool)]
        hard = (targets == 0.0) | (targets == 1.0)
        hard = hard if hard.ndim == 1 else np.all(hard, axis=-1)
        if not self.claims_soft(case):
            # A port may refuse what it does not claim, and with it the whole array.
            return [hard]
        if hard.all() or not hard.any() or self.single or self.rows:
            return [np.ones(len(logits), dtype=bool)]
        return [hard, ~hard]

    def _store(
        self,
        siblings: list[Case],
        quantities: tuple[str, ...],
        results: list[Float64] | None,
        error: str = "",
        not_claimed: bool = False,
    ) -> None:
        ends = np.cumsum([len(case.logits) for case in siblings])
        for number, quantity in enumerate(quantities):
            parts = [None] * len(siblings) if results is None else np.split(results[number], ends[:-1])
            for case, got in zip(siblings, parts, strict=True):
                self._evaluations[id(case), quantity] = Evaluation(case, quantity, got, error, not_claimed)

    def results(
        self,
        logits: Float64,
        targets: Any,
        dtype: str,
        parameters: Parameters,
        *quantities: str,
        vector: Float64 | None = None,
    ) -> list[Float64]:
        """Numbers for each quantity, a point along the first axis; raises whatever the port raises.

        ``vector`` is what the Hessian is multiplied with for 'product'.
        """
        if self.single:
            parameters = replace(parameters, reduction=self.port.dialect.returns)
            if quantities == ("gradient",) and dtype in ("float32", "float64") and self.driver.differentiates:
                # The gradient of a sum or mean holds each element's own.
                (slopes,) = self._results(logits, targets, dtype, parameters, quantities, vector, pad=False)
                return [slopes * (len(logits) if self.port.dialect.returns == "mean" else 1.0)]
            alone = [
                self._results(logits[i : i + 1], targets[i : i + 1], dtype, parameters, quantities, vector)
                for i in range(len(logits))
            ]
            return [np.concatenate(parts) for parts in zip(*alone, strict=True)]
        return self._results(logits, targets, dtype, parameters, quantities, vector)

    def _results(
        self,
        logits: Float64,
        targets: Any,
        dtype: str,
        parameters: Parameters,
        quantities: tuple[str, ...],
        vector: Float64 | None,
        pad: bool = True,
    ) -> list[Float64]:
        function = self.bind(parameters)
        count = len(logits)
        if pad and self._compiles and 1 < count < COMPILED_SIZE:
            again = np.arange(COMPILED_SIZE if logits.ndim == 1 else COMPILED_ROWS) % count
            logits, targets = (logits[again], targets[again]) if len(again) > count else (logits, targets)
        x, t = self.arrays(logits, targets, dtype)
        if quantities == ("value",):
            results = [self.driver.value(function, x, t)]
        elif quantities[0] in ("curvature", "product"):
            wide = np.ones(logits.shape) if vector is None else np.broadcast_to(vector, logits.shape)
            results = [self.driver.hessian_product(function, x, t, self.driver.array(self.laid_out(wide), dtype))]
        else:
            results = list(self.driver.gradient(function, x, t))[-len(quantities) :]
        shapes = {"value": (1,) if parameters.reduction != "none" else (len(logits),)}
        return [
            self._numbers(result, quantity, shapes.get(quantity, logits.shape), logits)[:count]
            for result, quantity in zip(results, quantities, strict=True)
        ]

    def _numbers(self, result: Any, quantity: str, shape: tuple[int, ...], logits: Float64) -> Float64:
        if not self.driver.is_array(result):
            raise TypeError(f"returned {type(result).__name__}, not an array of {self.driver.name}")
        numbers = self.driver.numbers(result)
        numbers = self.of_losses(numbers) if quantity == "value" and len(logits) == shape[0] else numbers
        if numbers.size != int(np.prod(shape)):
            raise ValueError(f"returned shape {numbers.shape} for {quantity} of logits of shape {logits.shape}")
        return numbers.reshape(shape) if quantity == "value" else self.of_logits(numbers, shape)


def one_hot_rows(indices: Any, classes: int) -> Float64:
    """Rows for class indices; zeros where an index names no class."""
    return np.asarray(np.arange(classes) == np.expand_dims(indices, -1), dtype=np.float64)


def case_parameters(case: Case) -> Parameters:
    """What a call for a case asks for."""
    return Parameters(case.alpha, case.gamma, soft_targets=case.soft_targets, detach_modulator=case.detach_modulator)


def call_of(case: Case) -> tuple[Any, ...]:
    """What cases have in common that are given to a port in one call."""
    parameters = (case.alpha, case.gamma, case.soft_targets, case.detach_modulator)
    return (*parameters, case.ordinary, case.target_kind, case.logits.shape[1:])


@lru_cache
def cases_by_call(loss: str, dtype: str) -> dict[tuple[Any, ...], list[Case]]:
    """All cases of a loss in a dtype, by the call in which they are given to a port."""
    groups: dict[tuple[Any, ...], list[Case]] = {}
    for case in all_cases(loss, dtype):
        groups.setdefault(call_of(case), []).append(case)
    return groups


def _spread(numbers: tuple[Float64, ...], parts: list[npt.NDArray[np.bool_]], count: int) -> Float64:
    """Numbers of points, each where it belongs among all; nan at those that no part has."""
    everywhere = np.full((count, *numbers[0].shape[1:]), np.nan)
    for some, part in zip(numbers, parts, strict=True):
        everywhere[part] = some
    return everywhere


def raised(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error).strip().splitlines()
    return f"raised {type(error).__name__}: {text[0][:300] if text else '(no message)'}"
