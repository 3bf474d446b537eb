"""One call after another: the chain rule, changing parameters, repetition, traces left behind."""

from dataclasses import replace

import numpy as np

from focal_conformance.checks.check import Outcome, agree
from focal_conformance.checks.sample import Sample, sample, usual_parameters
from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.frameworks.driver import Function
from focal_conformance.session import Session


def _bound(session: Session, points: Sample) -> Function:
    """The port, with its own reduction where it has only one."""
    dialect = session.port.dialect
    reduction = dialect.returns if dialect.reduction is None else "none"
    return session.bind(replace(points.parameters, reduction=reduction))


def quantities(session: Session) -> tuple[str, ...]:
    """What behaviour is watched on: the gradient alone where each quantity is compiled anew."""
    if not session.driver.differentiates:
        return ("value",)
    return ("value", "gradient") if session.thorough else ("gradient",)


class ChainRule:
    """The gradient is multiplied by what comes from above, each time it is asked for."""

    name, title, level = "chain_rule", "gradient from above", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """A different factor for each element; the same graph twice."""
        driver = session.driver
        if not driver.differentiates:
            raise NotClaimed(f"{driver.name} has no autodiff")
        points = sample(session)
        x, t = (driver.array(session.laid_out(v), points.dtype) for v in (points.logits, points.targets))
        function = _bound(session, points)
        value, slope = driver.gradient(function, x, t)
        shape = np.shape(driver.numbers(value))
        # Powers of two, as loss scaling uses them: the product is exact.
        count = int(np.prod(shape))
        factors = 2.0 ** (4.0 * (np.arange(count) % 5) - 4.0) * (-1.0) ** np.arange(count)
        cotangent = driver.array(factors.reshape(shape), points.dtype)
        plain = driver.numbers(slope).reshape(-1)
        scaled = driver.numbers(driver.gradient(function, x, t, cotangent)[1]).reshape(-1)
        tolerance = points.gradient_tolerance * np.abs(factors if factors.size > 1 else factors[0])
        right = agree(scaled, plain * factors, tolerance)
        outcome.expect(
            bool(np.all(right)),
            "the gradient does not follow the chain rule: with 2 l in place of l it is not twice as large",
        )
        if session.thorough:
            self._through_reductions(session, outcome, points)
        repeated = getattr(driver, "repeated_gradient", None)
        if repeated is not None:
            first, second = (driver.numbers(g).reshape(-1) for g in repeated(function, x, t, cotangent))
            outcome.expect(bool(np.array_equal(first, second)), "a second backward pass through the same graph differs")

    def _through_reductions(self, session: Session, outcome: Outcome, points: Sample) -> None:
        """A mean of which only a multiple is used: its gradient is that multiple."""
        driver, dialect = session.driver, session.port.dialect
        for reduction in ("sum", "mean"):
            if dialect.reduction is None or reduction not in dialect.reductions:
                continue
            square = points.shaped(4, 3)
            x, t = (driver.array(v, points.dtype) for v in (square.logits, square.targets))
            function = session.bind(replace(points.parameters, reduction=reduction))
            value, plain = (driver.numbers(part) for part in driver.gradient(function, x, t))
            factor = np.full(value.shape, -1024.0)
            slope = driver.gradient(function, x, t, driver.array(factor, points.dtype))[1]
            right = agree(driver.numbers(slope), -1024.0 * plain, 1e-3 * 1024.0 * np.abs(plain))
            outcome.expect(bool(np.all(right)), f"the gradient of {reduction!r} ignores the factor from above")


class FreshParameters:
    """Results follow alpha and gamma from call to call."""

    name, title, level = "fresh_parameters", "changing alpha and gamma", "required"
    SEQUENCE = ((0.25, 2.0), (0.25, 0.5), (0.75, 2.0), (0.75, 1.5), (0.25, 2.7), (0.25, 2.0), (0.75, 0.0))

    def run(self, session: Session, outcome: Outcome) -> None:
        """The same arrays, other parameters: no result may be an earlier one."""
        dialect = session.port.dialect
        if dialect.alpha is None and dialect.gamma is None:
            raise NotClaimed("it has neither alpha nor gamma")
        usual = usual_parameters(session)
        for alpha, gamma in self.SEQUENCE:
            parameters = Parameters(
                alpha=usual.alpha if dialect.alpha is None else alpha,
                gamma=usual.gamma if dialect.gamma is None else gamma,
            )
            points = sample(session, parameters=parameters)
            for quantity in quantities(session):
                (got,) = session.results(points.logits, points.targets, points.dtype, points.parameters, quantity)
                want, tolerance = getattr(points, quantity), getattr(points, f"{quantity}_tolerance")
                asked = f"alpha={parameters.alpha}, gamma={parameters.gamma:g}"
                text = f"{quantity} is not that of {asked} after other parameters"
                outcome.expect(bool(np.all(agree(got, want, tolerance))), text)


class Repeatable:
    """The same call gives the same bits, also after other calls."""

    name, title, level = "repeatable", "same call, same bits", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """Twice, with other inputs between."""
        points = sample(session)
        for quantity in quantities(session):
            arguments = (points.dtype, points.parameters, quantity)
            (first,) = session.results(points.logits, points.targets, *arguments)
            session.results(points.logits[::-1] * 0.5, 1.0 - points.targets, *arguments)
            (second,) = session.results(points.logits, points.targets, *arguments)
            outcome.expect(
                bool(np.array_equal(first, second, equal_nan=True)), f"{quantity} differs between two equal calls"
            )


class NoTrace:
    """A loss changes neither its inputs nor the settings of the framework."""

    name, title, level = "no_trace", "inputs and settings unchanged", "required"

    def run(self, session: Session, outcome: Outcome) -> None:
        """Compare before and after; draw no random numbers either."""
        driver, points = session.driver, sample(session)
        x, t = (driver.array(session.laid_out(v), points.dtype) for v in (points.logits, points.targets))
        function = _bound(session, points)
        before = driver.global_state()
        driver.value(function, x, t)
        if driver.differentiates:
            driver.gradient(function, x, t)
        outcome.expect(
            bool(np.array_equal(driver.numbers(x).reshape(-1), points.logits)), "it changes the logits it is given"
        )
        outcome.expect(
            bool(np.array_equal(driver.numbers(t).reshape(-1), points.targets)), "it changes the targets it is given"
        )
        outcome.expect(driver.global_state() == before, "it changes global settings or draws random numbers")
        keeps_grad_off = getattr(driver, "keeps_grad_off", None)
        if keeps_grad_off is not None and session.thorough:
            outcome.expect(keeps_grad_off(function, x, t), "it switches gradients on inside torch.no_grad()")
