"""What a port that declares nothing can do, found by trying it on a few easy points."""

from dataclasses import replace
from typing import Any

import numpy as np

from focal_conformance.dialect import Dialect, Parameters
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.frameworks.driver import DTYPES, Driver
from focal_conformance.ports.port import Port, PortMissing
from focal_conformance.session import raised
from focal_conformance.vectors.load import cases
from focal_ref import LOSSES


def probed(port: Port, driver: Driver, dtypes: tuple[str, ...]) -> Port:
    """The port with the dtypes, off-switch, reductions and layout that it was found to have.

    Nothing is taken for right here: what is found only says how to call the port. A port that
    accepts no call at all cannot be run, and the message is its own.
    """
    from focal_conformance.probe_rows import RowProbe

    probe = RowProbe(port, driver) if LOSSES[port.loss].consumes_classes else Probe(port, driver)
    working: list[str] = []
    refusals: dict[str, str] = {}
    for dtype in [d for d in DTYPES if d in dtypes]:
        refusal = probe.refusal(dtype)
        if refusal:
            refusals[dtype] = refusal
        else:
            working.append(dtype)
    if not working:
        first = next(iter(refusals.values()), "no dtype was asked for")
        raise PortMissing(f"{port.name} accepts no call: it {first}")
    probe.learn_the_rest(working[0])
    notes = [*port.notes, *(f"{dtype} is not claimed: it {reason}" for dtype, reason in refusals.items())]
    notes += [*probe.notes, *_said_of(probe.dialect)]
    return replace(probe.port, dialect=replace(probe.dialect, dtypes=tuple(working)), notes=tuple(notes))


def _said_of(dialect: Dialect) -> list[str]:
    """What a user may want to say otherwise, and the flag for it."""
    notes = []
    if dialect.alpha_off and dialect.alpha_off != (None,):
        notes.append(f"alpha is switched off by {dialect.alpha_off[0]!r}")
    if dialect.reduction is None and dialect.returns != "none":
        notes.append(f"it returns one number, the {dialect.returns}: points are given to it one by one")
    if dialect.alpha is None and dialect.alpha_by_class is None:
        notes.append(
            f"it has no alpha argument: held against alpha={dialect.fixed_alpha[0]} (--always alpha=... names another)"
        )
    if dialect.gamma is None:
        notes.append(f"it has no gamma argument: held against gamma={dialect.fixed_gamma[0]:g} (--always gamma=...)")
    return notes


class Probe:
    """A loss that is one number an element."""

    OFF_SWITCHES: tuple[Any, ...] = (None, -1.0, -1)

    def __init__(self, port: Port, driver: Driver) -> None:
        self.port, self.driver, self.dialect = port, driver, port.dialect
        self.alpha_given = port.dialect.alpha_off != (None,)
        self.notes: list[str] = []
        self.logits, self.targets = self.points()

    def points(self) -> tuple[Float64, Any]:
        """Five easy ones with hard targets."""
        case = next(
            c for c in cases(self.port.loss, "float32") if c.points == "special" and (c.alpha, c.gamma) == (0.25, 2.0)
        )
        hard = (case.targets == 0.0) | (case.targets == 1.0)
        easy = np.flatnonzero(hard & (np.abs(case.logits) >= 0.5) & (np.abs(case.logits) <= 5.0))
        chosen = easy[[1, 4, 6, 9, 11]]
        return case.logits[chosen], case.targets[chosen]

    def refusal(self, dtype: str) -> str:
        """Why the dtype does not work, or nothing; learns layout and reduction from the first that does."""
        reason = ""
        for dialect in self.ways():
            self.dialect = dialect
            try:
                numbers = self.numbers(dtype, self.usual())
            except Exception as error:  # a refusal is what is looked for
                reason = reason or raised(error)
                continue
            return self.learn(numbers)
        self.dialect = self.port.dialect
        return reason

    def learn(self, numbers: Float64) -> str:
        """What the shape of a result says; nothing, or why it cannot be a loss."""
        if numbers.size == 1:
            self.learn_of_one_number(numbers)
        elif numbers.size != self.logits.size:
            return f"returned shape {numbers.shape} for logits of shape {self.logits.shape}"
        elif self.dialect.layout == "column" and numbers.ndim == 1:
            self.dialect = replace(self.dialect, element_axes="all but last")
        return ""

    def learn_of_one_number(self, numbers: Float64) -> None:
        """A sum or a mean, whichever is nearer in ratio: a wrong port is judged later, against the nearer claim."""
        exact = self.exact(self.usual().alpha)
        total, got = float(np.sum(exact)), float(numbers.reshape(-1)[0])
        as_mean = abs(np.log(max(got, 1e-300) / (total / exact.size))) < abs(np.log(max(got, 1e-300) / total))
        self.dialect = replace(self.dialect, reduction=None, returns="mean" if as_mean else "sum")

    def learn_the_rest(self, dtype: str) -> None:
        """Off-switch and reductions, in the first dtype that works."""
        if self.dialect.alpha is not None and not self.alpha_given:
            self.dialect = replace(self.dialect, alpha_off=self.alpha_off(dtype))
        if self.dialect.reduction is not None:
            self.dialect = replace(self.dialect, reductions=self.reductions(dtype))

    def ways(self) -> list[Dialect]:
        """How it may have to be called."""
        ways = self.reducing_ways()
        return ways + [replace(way, layout="column") for way in ways if way.layout != "column"]

    def reducing_ways(self) -> list[Dialect]:
        """With both words for no reduction."""
        ways = [self.dialect]
        if self.dialect.reduction is not None:
            ways.append(replace(self.dialect, reductions={**self.dialect.reductions, "none": None}))
        return ways

    def usual(self) -> Parameters:
        """What is asked for while trying."""
        return Parameters(
            alpha=0.25 if self.dialect.alpha is not None else self.dialect.fixed_alpha[0],
            gamma=2.0 if self.dialect.gamma is not None else self.dialect.fixed_gamma[0],
            reduction=self.dialect.returns if self.dialect.reduction is None else "none",
        )

    def alpha_off(self, dtype: str) -> tuple[Any, ...]:
        """None or -1, if the port takes it for "no balancing"."""
        exact = self.exact(None)
        for candidate in self.OFF_SWITCHES:
            before, self.dialect = self.dialect, replace(self.dialect, alpha_off=(candidate,))
            try:
                numbers = self.numbers(dtype, replace(self.usual(), alpha=None)).reshape(-1)
            except Exception:  # refused: not this one
                continue
            finally:
                self.dialect = before
            if candidate is None or (numbers.size == exact.size and np.allclose(numbers, exact, rtol=0.05)):
                return (candidate,)
        return ()

    def reductions(self, dtype: str) -> dict[str, Any]:
        """Those of none, sum and mean that the port accepts."""
        accepted = dict(self.dialect.reductions)
        for reduction in ("sum", "mean"):
            if self._refuses(dtype, replace(self.usual(), reduction=reduction)):
                del accepted[reduction]
        return accepted

    def _refuses(self, dtype: str, parameters: Parameters) -> bool:
        """Whether it says no; any other exception is a mistake, which the checks will meet again."""
        try:
            self.numbers(dtype, parameters)
        except (ValueError, NotImplementedError, KeyError, AssertionError):
            return True
        except Exception:  # a mistake, not a refusal
            return False
        return False

    def exact(self, alpha: Any) -> Float64:
        """The reference's losses of the points."""
        loss = LOSSES[self.port.loss](alpha=alpha, gamma=self.usual().gamma)  # type: ignore[call-arg]
        return np.asarray(loss.value(self.logits, self.targets))

    def arrays(self, dtype: str) -> tuple[Any, Any]:
        """The points in the framework's arrays."""
        column = self.dialect.layout == "column"
        arrays = (v[:, None] if column else v for v in (self.logits, self.targets))
        x, t = (self.driver.array(FORMATS[dtype].rounded(v), dtype) for v in arrays)
        return x, t

    def numbers(self, dtype: str, parameters: Parameters) -> Float64:
        """What the port gives, in its dialect as far as it is known."""
        return self.called(*self.arrays(dtype), parameters)

    def called(self, x: Any, t: Any, parameters: Parameters) -> Float64:
        """What the port gives for two arrays."""
        result = self.port.call(x, t, self.dialect.keywords(parameters))
        if result is None or isinstance(result, (tuple, list, dict, str)):
            what = "None" if result is None else f"a {type(result).__name__}"
            raise TypeError(f"returned {what}, not an array of {self.driver.name}")
        # A foreign array is found by the checks; here it only has to be readable.
        return self.driver.numbers(result) if self.driver.is_array(result) else np.asarray(result, dtype=np.float64)
