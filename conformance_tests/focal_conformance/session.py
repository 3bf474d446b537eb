"""A port under verification: calls it in its own dialect and keeps what it gave."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.frameworks.driver import Driver, Function, NoDerivative
from focal_conformance.ports.port import Port
from focal_conformance.vectors.grid import held
from focal_conformance.vectors.load import Case, cases

QUANTITIES = ("value", "gradient", "curvature")
COMPILED_SIZE = 256
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
        return self.port.mode == "eager" or self.level == "recommended"

    @property
    def _compiles(self) -> bool:
        return self.driver.compiles_each_shape or self.port.mode != "eager"

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
            short = {held(gamma, FORMATS[dtype]) for gamma in SHORT_GAMMAS}
            # One by one is slow: a port that returns one number meets all parameters in one dtype.
            full = self.full and (not self.single or dtype == self.dtypes[0])
            for case in cases(self.port.loss, dtype):
                usual = case.alpha == 0.25 or (case.alpha is None and dtype == "float32")
                if full or (case.gamma in short and usual):
                    yield case

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
        return function

    def laid_out(self, values: Float64) -> Float64:
        """One-dimensional points in the shape that the port takes."""
        return values[:, None] if self.port.dialect.layout == "column" and values.ndim == 1 else values

    def evaluate(self, case: Case, quantity: str) -> Evaluation:
        """Value, gradient or curvature of all points of a case, from the cache if it was asked before.

        Special and random points of one parameter set are given to the port in one call.
        """
        if (id(case), quantity) not in self._evaluations:
            siblings = [
                other
                for other in cases(case.loss, case.dtype)
                if (other.alpha, other.gamma, other.ordinary) == (case.alpha, case.gamma, case.ordinary)
            ]
            self._evaluate(siblings, quantity)
        return self._evaluations[id(case), quantity]

    def _evaluate(self, siblings: list[Case], quantity: str) -> None:
        first = siblings[0]
        logits = np.concatenate([case.logits for case in siblings])
        targets = np.concatenate([case.targets for case in siblings])
        parameters = Parameters(first.alpha, first.gamma)
        claimed = np.ones(logits.shape, dtype=bool)
        if self.port.dialect.soft_targets != "linear":
            # A port may refuse what it does not claim, and with it the whole array.
            claimed = (targets == 0.0) | (targets == 1.0)
        wanted: tuple[str, ...] = (quantity,)
        if not self.thorough and quantity != "curvature" and self.driver.differentiates and not self._without_gradient:
            # One compilation gives both.
            wanted = ("value", "gradient")
        try:
            results = [
                _spread(part, claimed)
                for part in self.results(logits[claimed], targets[claimed], first.dtype, parameters, *wanted)
            ]
        except (NotClaimed, NoDerivative) as reason:
            if len(wanted) > 1 and isinstance(reason, NoDerivative):
                self._without_gradient = True
                return self._evaluate(siblings, quantity)
            refused = isinstance(reason, NotClaimed) or quantity == "curvature" or not self.driver.differentiates
            self._store(siblings, (quantity,), None, str(reason), not_claimed=refused)
        except Exception as error:  # whatever a port raises is its answer, and is reported as such
            self._store(siblings, wanted, None, raised(error))
        else:
            self._store(siblings, wanted, results)
        return None

    def _store(
        self,
        siblings: list[Case],
        quantities: tuple[str, ...],
        results: list[Float64] | None,
        error: str = "",
        not_claimed: bool = False,
    ) -> None:
        ends = np.cumsum([case.logits.size for case in siblings])
        for number, quantity in enumerate(quantities):
            parts = [None] * len(siblings) if results is None else np.split(results[number], ends[:-1])
            for case, got in zip(siblings, parts, strict=True):
                self._evaluations[id(case), quantity] = Evaluation(case, quantity, got, error, not_claimed)

    def results(
        self, logits: Float64, targets: Float64, dtype: str, parameters: Parameters, *quantities: str
    ) -> list[Float64]:
        """One number a point for each quantity; raises whatever the port raises."""
        if self.single:
            parameters = replace(parameters, reduction=self.port.dialect.returns)
            if quantities == ("gradient",) and dtype in ("float32", "float64") and self.driver.differentiates:
                # The gradient of a sum or mean holds each element's own.
                (slopes,) = self._results(logits, targets, dtype, parameters, quantities, pad=False)
                return [slopes * (logits.size if self.port.dialect.returns == "mean" else 1.0)]
            alone = [
                self._results(logits[i : i + 1], targets[i : i + 1], dtype, parameters, quantities)
                for i in range(len(logits))
            ]
            return [np.concatenate(parts) for parts in zip(*alone, strict=True)]
        return self._results(logits, targets, dtype, parameters, quantities)

    def _results(
        self,
        logits: Float64,
        targets: Float64,
        dtype: str,
        parameters: Parameters,
        quantities: tuple[str, ...],
        pad: bool = True,
    ) -> list[Float64]:
        function = self.bind(parameters)
        count = logits.size
        if pad and self._compiles and 1 < count < COMPILED_SIZE:
            logits, targets = np.resize(logits, COMPILED_SIZE), np.resize(targets, COMPILED_SIZE)
        x = self.driver.array(self.laid_out(logits), dtype)
        t = self.driver.array(self.laid_out(targets), dtype)
        if quantities == ("value",):
            results = [self.driver.value(function, x, t)]
        elif quantities == ("curvature",):
            results = [self.driver.curvature(function, x, t)]
        else:
            results = list(self.driver.gradient(function, x, t))[-len(quantities) :]
        return [
            self._numbers(
                result, quantity, logits.size if parameters.reduction == "none" or quantity != "value" else 1
            )[:count]
            for result, quantity in zip(results, quantities, strict=True)
        ]

    def _numbers(self, result: Any, quantity: str, count: int) -> Float64:
        if not self.driver.is_array(result):
            raise TypeError(f"returned {type(result).__name__}, not an array of {self.driver.name}")
        numbers = self.driver.numbers(result)
        if numbers.size != count:
            raise ValueError(f"returned shape {numbers.shape} for {quantity} of {count} logits")
        return numbers.reshape(-1)


def _spread(numbers: Float64, places: npt.NDArray[np.bool_]) -> Float64:
    """Results of the claimed points in their places; nan where nothing was asked and nothing is judged."""
    result = np.full(places.shape, np.nan)
    result[places] = numbers
    return result


def raised(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error).strip().splitlines()
    return f"raised {type(error).__name__}: {text[0][:300] if text else '(no message)'}"
