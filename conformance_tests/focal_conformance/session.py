"""A port under verification: calls it in its own dialect and keeps what it gave."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.frameworks.driver import Driver, Function, NoDerivative
from focal_conformance.ports.port import Port
from focal_conformance.vectors.grid import held
from focal_conformance.vectors.load import Case, cases

QUANTITIES = ("value", "gradient", "curvature")
SHORT_GAMMAS, SHORT_ALPHAS = (0.0, 0.5, 2.0, 2.7), (None, 0.25)


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
        self._call = driver.in_mode(port.call, port.mode)
        self._evaluations: dict[tuple[int, str], Evaluation] = {}

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
            for case in cases(self.port.loss, dtype):
                if self.full or (case.gamma in short and case.alpha in SHORT_ALPHAS):
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
        """Value, gradient or curvature of all points of a case, from the cache if it was asked before."""
        key = (id(case), quantity)
        if key not in self._evaluations:
            self._evaluations[key] = self._evaluate(case, quantity)
        return self._evaluations[key]

    def _evaluate(self, case: Case, quantity: str) -> Evaluation:
        try:
            got = self.results(case.logits, case.targets, case.dtype, Parameters(case.alpha, case.gamma), quantity)
        except (NotClaimed, NoDerivative) as reason:
            refused = isinstance(reason, NotClaimed) or quantity == "curvature" or not self.driver.differentiates
            return Evaluation(case, quantity, None, str(reason), not_claimed=refused)
        except Exception as error:  # whatever a port raises is its answer, and is reported as such
            return Evaluation(case, quantity, None, raised(error))
        return Evaluation(case, quantity, got)

    def results(self, logits: Float64, targets: Float64, dtype: str, parameters: Parameters, quantity: str) -> Float64:
        """One number a point; raises whatever the port raises."""
        if self.port.dialect.reduction is None and self.port.dialect.returns != "none":
            parameters = replace(parameters, reduction=self.port.dialect.returns)
            alone = [
                self._results(logits[i : i + 1], targets[i : i + 1], dtype, parameters, quantity)
                for i in range(len(logits))
            ]
            return np.concatenate(alone) if alone else np.zeros(0)
        return self._results(logits, targets, dtype, parameters, quantity)

    def _results(self, logits: Float64, targets: Float64, dtype: str, parameters: Parameters, quantity: str) -> Float64:
        function = self.bind(parameters)
        x = self.driver.array(self.laid_out(logits), dtype)
        t = self.driver.array(self.laid_out(targets), dtype)
        if quantity == "value":
            result = self.driver.value(function, x, t)
        elif quantity == "gradient":
            result = self.driver.gradient(function, x, t)[1]
        else:
            result = self.driver.curvature(function, x, t)
        if not self.driver.is_array(result):
            raise TypeError(f"returned {type(result).__name__}, not an array of {self.driver.name}")
        numbers = self.driver.numbers(result)
        if numbers.size != logits.size:
            raise ValueError(f"returned shape {numbers.shape} for {quantity} of logits of shape {tuple(x.shape)}")
        return numbers.reshape(-1)


def raised(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error).strip().splitlines()
    return f"raised {type(error).__name__}: {text[0][:300] if text else '(no message)'}"
