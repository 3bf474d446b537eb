"""What a port that declares nothing can do, found by trying it on five easy points."""

from dataclasses import replace
from typing import Any

import numpy as np

from focal_conformance.dialect import Dialect, Parameters
from focal_conformance.formats import FORMATS, Float64
from focal_conformance.frameworks.driver import Driver
from focal_conformance.ports.port import Port, PortMissing
from focal_conformance.session import raised
from focal_conformance.vectors.load import cases

DTYPES = ("float32", "float64", "float16", "bfloat16")


def probed(port: Port, driver: Driver, dtypes: tuple[str, ...]) -> Port:
    """The port with the dtypes, off-switch, reductions and layout that it was found to have.

    Nothing is taken for right here: what is found only says how to call the port. A port that
    accepts no call at all cannot be run, and the message is its own.
    """
    probe = _Probe(port, driver)
    notes: list[str] = []
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
    notes += [f"{dtype} is not claimed: it {reason}" for dtype, reason in refusals.items()]
    dialect = probe.dialect
    if dialect.alpha is not None and not probe.alpha_given:
        dialect = replace(dialect, alpha_off=probe.alpha_off(working[0]))
        if dialect.alpha_off and dialect.alpha_off != (None,):
            notes.append(f"alpha is switched off by {dialect.alpha_off[0]!r}")
    if dialect.reduction is not None:
        dialect = replace(dialect, reductions=probe.reductions(working[0]))
    if dialect.reduction is None and dialect.returns != "none":
        notes.append(f"it returns one number, the {dialect.returns}: points are given to it one by one")
    if dialect.alpha is None:
        notes.append(
            f"it has no alpha argument: held against alpha={dialect.fixed_alpha[0]} (--always alpha=... names another)"
        )
    if dialect.gamma is None:
        notes.append(f"it has no gamma argument: held against gamma={dialect.fixed_gamma[0]:g} (--always gamma=...)")
    return replace(port, dialect=replace(dialect, dtypes=tuple(working)), notes=(*port.notes, *notes))


class _Probe:
    def __init__(self, port: Port, driver: Driver) -> None:
        self.port, self.driver, self.dialect = port, driver, port.dialect
        self.alpha_given = port.dialect.alpha_off != (None,)
        case = next(
            c for c in cases(port.loss, "float32") if c.points == "special" and c.alpha == 0.25 and c.gamma == 2.0
        )
        hard = (case.targets == 0.0) | (case.targets == 1.0)
        self.chosen = np.flatnonzero(hard & (np.abs(case.logits) >= 0.5) & (np.abs(case.logits) <= 5.0))[
            [1, 4, 6, 9, 11]
        ]
        self.logits, self.targets = case.logits[self.chosen], case.targets[self.chosen]

    def refusal(self, dtype: str) -> str:
        """Why the dtype does not work, or nothing; learns layout and reduction from the first that does."""
        reason = ""
        for dialect in self._ways():
            self.dialect = dialect
            try:
                numbers = self._numbers(dtype, self._usual())
            except Exception as error:  # a refusal is what is looked for
                reason = reason or raised(error)
                continue
            return self._learn(numbers)
        self.dialect = self.port.dialect
        return reason

    def _learn(self, numbers: Float64) -> str:
        if numbers.size == self.logits.size:
            if self.dialect.layout == "column" and numbers.ndim == 1:
                self.dialect = replace(self.dialect, element_axes="all but last")
        elif numbers.size == 1:
            exact = self._exact(0.25 if self.dialect.alpha else self.dialect.fixed_alpha[0])
            total, got = float(np.sum(exact)), float(numbers.reshape(-1)[0])
            # Whichever is nearer in ratio: a wrong port is judged later, against the nearer claim.
            as_mean = abs(np.log(max(got, 1e-300) / (total / exact.size))) < abs(np.log(max(got, 1e-300) / total))
            self.dialect = replace(self.dialect, reduction=None, returns="mean" if as_mean else "sum")
        else:
            return f"returned shape {numbers.shape} for logits of shape {self.logits.shape}"
        return ""

    def _ways(self) -> list[Dialect]:
        ways = [self.dialect]
        if self.dialect.reduction is not None:
            ways.append(replace(self.dialect, reductions={**self.dialect.reductions, "none": None}))
        return ways + [replace(way, layout="column") for way in ways if way.layout != "column"]

    def _usual(self) -> Parameters:
        return Parameters(
            alpha=0.25 if self.dialect.alpha is not None else self.dialect.fixed_alpha[0],
            gamma=2.0 if self.dialect.gamma is not None else self.dialect.fixed_gamma[0],
            reduction=self.dialect.returns if self.dialect.reduction is None else "none",
        )

    def alpha_off(self, dtype: str) -> tuple[Any, ...]:
        """None or -1, if the port takes it for "no balancing"."""
        exact = self._exact(None)
        for candidate in (None, -1.0, -1):
            trial = replace(self.dialect, alpha_off=(candidate,))
            self.dialect, before = trial, self.dialect
            try:
                numbers = self._numbers(dtype, replace(self._usual(), alpha=None)).reshape(-1)
            except Exception:  # refused: not this one
                self.dialect = before
                continue
            self.dialect = before
            if candidate is None or (numbers.size == exact.size and np.allclose(numbers, exact, rtol=0.05)):
                return (candidate,)
        return ()

    def reductions(self, dtype: str) -> dict[str, Any]:
        """Those of none, sum and mean that the port accepts."""
        accepted = dict(self.dialect.reductions)
        for reduction in ("sum", "mean"):
            if self._refuses(dtype, replace(self._usual(), reduction=reduction)):
                del accepted[reduction]
        return accepted

    def _refuses(self, dtype: str, parameters: Parameters) -> bool:
        """Whether it says no; any other exception is a mistake, which the checks will meet again."""
        try:
            self._numbers(dtype, parameters)
        except (ValueError, NotImplementedError, KeyError, AssertionError):
            return True
        except Exception:  # a mistake, not a refusal
            return False
        return False

    def _exact(self, alpha: float | None) -> Float64:
        gamma = self._usual().gamma
        case = next(
            (
                c
                for c in cases(self.port.loss, "float64")
                if c.points == "special" and c.ordinary and c.alpha == alpha and c.gamma == gamma
            ),
            None,
        )
        if case is None:
            return np.ones_like(self.logits)
        return np.array(
            [
                float(case.exact["value"][np.flatnonzero((case.logits == x) & (case.targets == t))[0]])
                for x, t in zip(self.logits, self.targets, strict=True)
            ]
        )

    def _numbers(self, dtype: str, parameters: Parameters) -> Float64:
        column = self.dialect.layout == "column"
        arrays = (v[:, None] if column else v for v in (self.logits, self.targets))
        x, t = (self.driver.array(FORMATS[dtype].rounded(v), dtype) for v in arrays)
        result = self.port.call(x, t, self.dialect.keywords(parameters))
        if isinstance(result, (tuple, list, dict)):
            raise TypeError(f"returned a {type(result).__name__}, not an array of {self.driver.name}")
        # A foreign array is found by the checks; here it only has to be readable.
        return self.driver.numbers(result) if self.driver.is_array(result) else np.asarray(result, dtype=np.float64)
