"""What a verification found, as plain data."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

DIFFERENCE = "documentation and code differ: "
"""How a note begins that says so."""
LEVELS = ("required", "recommended")
PASSED, FAILED, NOT_CLAIMED = "passed", "failed", "not claimed"
KNOWN = "known failure"
"""Verdict of a check that fails as a file of known failures says it does."""
CONFORMS, DOES_NOT_CONFORM, WRONG_USE, CANNOT_RUN = 0, 1, 2, 3
SEVERITY = (CONFORMS, DOES_NOT_CONFORM, CANNOT_RUN, WRONG_USE)
"""Exit codes from the mildest to the worst, for the exit code over several ports."""


@dataclass
class Point:
    """The point with the largest error of a check."""

    case: str
    logit: float
    target: float
    exact: float
    got: float
    ulp: float
    label: str = ""
    """Which class of a row, where there are rows."""

    def describe(self) -> str:
        """One line, decimal and hexadecimal."""
        return (
            f"logit {self.logit:.9g} ({float(self.logit).hex()}){f' of {self.label}' if self.label else ''}, "
            f"target {self.target:.6g}: "
            f"got {self.got:.9g} ({float(self.got).hex()}), exact {self.exact:.9g} ({float(self.exact).hex()})"
        )


@dataclass
class CheckResult:
    """One check on one port."""

    check: str
    title: str
    level: str
    """Lowest level that the check belongs to."""
    verdict: str
    judged: int = 0
    """Points or calls that were judged."""
    max_ulp: float | None = None
    worst: Point | None = None
    failures: list[str] = field(default_factory=list)
    """Why it failed, the gravest first; or why it is not claimed."""
    flushed: int = 0
    """Subnormal results given as 0 by a backend that declares flush-to-zero."""
    rerun: str = ""
    """The command that runs this case alone."""
    signature: str = ""
    """What failed, without the digits that differ between machines: as a file of known failures says it."""
    known: str = ""
    """Of a known failure: its reason, as its file gives it."""
    seconds: float = 0.0
    """How long it took; a check that asks what another has asked finds the answers there."""


@dataclass
class Cause:
    """An answer of the diagnosis: one or two deviations that reproduce what the port gave."""

    deviations: list[str]
    """Names in the catalogue."""
    sentence: str
    """What the port does, with the estimated parameters."""
    change: str
    """The line to change, as the deviation knows it; where the port's source is at hand, the line itself."""
    parameters: dict[str, float] = field(default_factory=dict)
    """Estimated from the outputs: an epsilon, a bound of clipping."""
    explained: int = 0
    """Results that it reproduces within the tolerance of the required level, of ``Diagnosis.asked``."""
    separates: str = ""
    """The one input that speaks for this answer and against the next one."""
    links: list[str] = field(default_factory=list)
    """Where the same mistake was met."""


@dataclass
class Diagnosis:
    """What is wrong with a port that does not conform."""

    message: str
    """One line: the answer, or that none fits."""
    causes: list[Cause] = field(default_factory=list)
    """Best first; empty where nothing in the catalogue fits."""
    asked: int = 0
    """Results of the port that were compared."""
    right: int = 0
    """Of these, the ones that the specification explains."""
    smallest: str = ""
    """Where nothing fits: the smallest failing input."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Diagnosis":
        """The inverse of `asdict`."""
        causes = [
            Cause(**{**cause, "parameters": {key: float(number) for key, number in cause["parameters"].items()}})
            for cause in data["causes"]
        ]
        return cls(**{**data, "causes": causes})


@dataclass
class Curve:
    """Errors along the logits, for plots: hard targets, alpha 0.25 or off.

    Of rows the first of three classes holds the logit, the others hold 0; the numbers are its own.
    """

    dtype: str
    quantity: str
    gamma: float
    target: float
    """1 or 0; of rows whether the first class is the target."""
    logits: list[float] = field(default_factory=list)
    """Ascending; without those whose exact result is below the smallest normal number."""
    ulps: list[float] = field(default_factory=list)
    relative: list[float] = field(default_factory=list)
    """|got - exact| / |exact|; nan and inf where the port gives them."""


@dataclass
class Report:
    """One port."""

    port: str
    loss: str
    level: str
    device: str
    framework: str = ""
    checks: list[CheckResult] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    notes: list[str] = field(default_factory=list)
    error: str = ""
    """Why the port could not be run."""
    exit_code: int = CANNOT_RUN
    seconds: float = 0.0
    seed: int | None = None
    """Seed of the random points, where there were any."""
    command: str = ""
    """The command line that asked for it."""
    diagnosis: Diagnosis | None = None
    curves: list[Curve] = field(default_factory=list)
    """Filled where plots were asked for."""

    @property
    def verdict(self) -> str:
        """In words."""
        if self.exit_code == CONFORMS and any(check.verdict == KNOWN for check in self.checks):
            return "conforms but for known failures"
        words = {CONFORMS: "conforms", DOES_NOT_CONFORM: "does not conform", WRONG_USE: "wrong use"}
        return words.get(self.exit_code, "cannot be run")

    def close(self) -> "Report":
        """Set the exit code: zero checks that passed or failed is no success."""
        judged = [check for check in self.checks if check.verdict != NOT_CLAIMED]
        if not judged:
            self.error = self.error or "no check could be run: the port claims nothing that can be checked"
            self.exit_code = CANNOT_RUN
        else:
            failed = any(check.verdict == FAILED for check in judged)
            self.exit_code = DOES_NOT_CONFORM if failed else CONFORMS
        return self

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers that JSON does not know become strings."""
        result = asdict(self)
        result["verdict"] = self.verdict
        json_safe: dict[str, Any] = _json_safe(result)
        return json_safe

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Report":
        """The inverse of `to_dict`."""
        data = {key: value for key, value in data.items() if key != "verdict"}
        checks = []
        for check in data.pop("checks"):
            worst = check.pop("worst")
            words = ("case", "label")
            numbers = {} if worst is None else {k: float(v) for k, v in worst.items() if k not in words}
            point = None if worst is None else Point(case=worst["case"], label=worst["label"], **numbers)
            ulp = check.pop("max_ulp")
            checks.append(CheckResult(**check, worst=point, max_ulp=None if ulp is None else float(ulp)))
        diagnosis = data.pop("diagnosis")
        curves = [_curve(curve) for curve in data.pop("curves")]
        return cls(
            checks=checks,
            diagnosis=None if diagnosis is None else Diagnosis.from_dict(diagnosis),
            curves=curves,
            **data,
        )


def _curve(data: dict[str, Any]) -> Curve:
    """Numbers that JSON does not know were written as strings."""
    lists = {key: [float(number) for number in data[key]] for key in ("logits", "ulps", "relative")}
    return Curve(**{**data, **lists})


def worst_exit_code(codes: list[int]) -> int:
    """Over several ports: the worst, in the order 2, 3, 1, 0."""
    return max(codes, key=SEVERITY.index, default=WRONG_USE)


def _json_safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_safe(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(float(value))
    return value
