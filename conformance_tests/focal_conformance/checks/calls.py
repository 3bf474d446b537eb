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
    return session.bind(replace(points.parameters, reduction=_own(session)))


def quantities(session: Session) -> tuple[str, ...]:
    """What behaviour is watched on: the gradient alone where each quantity is compiled anew."""
    if not session.has_gradient:
        return ("value",)
    return ("value", "gradient") if session.thorough else ("gradient",)


class ChainRule:
    """The gradient is multiplied by what comes from above, each time it is asked for."""

    name, title, level = "chain_rule", "gradient from above", "required"

    def applies(self, session: Session) -> bool:
        """Only where there is autodiff."""
        return session.driver.differentiates

    def run(self, session: Session, outcome: Outcome) -> None:
        """A different factor for each element; the same graph twice."""
        driver = session.driver
        points = sample(session)
        x, t = session.arrays(points.logits, points.targets, points.dtype)
        function = _bound(session, points)
        value, slope = driver.gradient(function, x, t)
        shape = np.shape(driver.numbers(value))
        # Powers of two, as loss scaling uses them: the product is exact.
        count = int(np.prod(shape))
        factors = 2.0 ** (4.0 * (np.arange(count) % 5) - 4.0) * (-1.0) ** np.arange(count)
        cotangent = driver.array(factors.reshape(shape), points.dtype)
        plain = session.of_logits(driver.numbers(slope), points.gradient.shape)
        scaled = session.of_logits(driver.numbers(driver.gradient(function, x, t, cotangent)[1]), plain.shape)
        if session.port.dialect.keeps_class_axis:
            # One factor a row: what the classes of a row get is summed.
            factors = np.repeat(factors[: len(plain)], plain.shape[-1]).reshape(plain.shape)
            cotangent = driver.array(session.laid_out(factors), points.dtype)
            scaled = session.of_logits(driver.numbers(driver.gradient(function, x, t, cotangent)[1]), plain.shape)
        elif factors.size > 1:
            factors = points.spread(factors.reshape(points.value.shape))
        right = agree(scaled, plain * factors, points.gradient_tolerance * np.abs(factors))
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
            x, t = session.arrays(square.logits, square.targets, points.dtype)
            function = session.bind(replace(points.parameters, reduction=reduction))
            value, plain = (driver.numbers(part) for part in driver.gradient(function, x, t))
            factor = np.full(value.shape, -1024.0)
            slope = driver.gradient(function, x, t, driver.array(factor, points.dtype))[1]
            right = agree(driver.numbers(slope), -1024.0 * plain, 1e-3 * 1024.0 * np.abs(plain))
            outcome.expect(bool(np.all(right)), f"the gradient of {reduction!r} ignores the factor from above")


def speaks(session: Session, alpha: float | None) -> bool:
    """Whether the dialect has words for an alpha."""
    try:
        session.port.dialect.keywords(replace(usual_parameters(session), alpha=alpha, reduction=_own(session)))
    except NotClaimed:
        return False
    return True


def _own(session: Session) -> str:
    dialect = session.port.dialect
    return dialect.returns if dialect.reduction is None else "none"


class FreshParameters:
    """Results follow alpha and gamma from call to call."""

    name, title, level = "fresh_parameters", "changing alpha and gamma", "required"
    ROW_SEQUENCE = ((None, 2.0), (None, 0.5), (0.25, 2.0), (0.25, 0.5), (None, 2.7), (None, 2.0), (0.25, 0.0))
    SEQUENCE = ((0.25, 2.0), (0.25, 0.5), (0.75, 2.0), (0.75, 1.5), (0.25, 2.7), (0.25, 2.0), (0.75, 0.0))

    def run(self, session: Session, outcome: Outcome) -> None:
        """The same arrays, other parameters: no result may be an earlier one."""
        dialect = session.port.dialect
        if dialect.alpha is None and dialect.gamma is None:
            raise NotClaimed("it has neither alpha nor gamma")
        usual = usual_parameters(session)
        for alpha, gamma in self.ROW_SEQUENCE if session.rows else self.SEQUENCE:
            parameters = Parameters(
                alpha=usual.alpha if dialect.alpha is None or not speaks(session, alpha) else alpha,
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
            session.results(points.logits[::-1] * 0.5, points.targets[::-1].copy(), *arguments)
            (second,) = session.results(points.logits, points.targets, *arguments)
            outcome.expect(
                bool(np.array_equal(first, second, equal_nan=True)), f"{quantity} differs between two equal calls"
            )


class NoTrace:
    """A loss changes neither its inputs nor the settings of the framework."""

    name, title, level = "no_trace", "inputs and settings unchanged", "required"

    def applies(self, session: Session) -> bool:
        """A port in a process of its own has no hold of them."""
        return bool(getattr(session.driver, "in_process", True))

    def run(self, session: Session, outcome: Outcome) -> None:
        """Compare before and after; draw no random numbers either."""
        driver, points = session.driver, sample(session)
        x, t = session.arrays(points.logits, points.targets, points.dtype)
        logits_before, targets_before = driver.numbers(x).copy(), driver.numbers(t).copy()
        function = _bound(session, points)
        before = driver.global_state()
        driver.value(function, x, t)
        if session.has_gradient:
            driver.gradient(function, x, t)
        outcome.expect(bool(np.array_equal(driver.numbers(x), logits_before)), "it changes the logits it is given")
        outcome.expect(bool(np.array_equal(driver.numbers(t), targets_before)), "it changes the targets it is given")
        outcome.expect(driver.global_state() == before, "it changes global settings or draws random numbers")
        keeps_grad_off = getattr(driver, "keeps_grad_off", None)
        if keeps_grad_off is not None and session.thorough:
            outcome.expect(keeps_grad_off(function, x, t), "it switches gradients on inside torch.no_grad()")
