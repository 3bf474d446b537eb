"""What a verification found, as plain data."""

from dataclasses import asdict, dataclass, field
from typing import Any

DIFFERENCE = "documentation and code differ: "
"""How a note begins that says so."""
LEVELS = ("required", "recommended")
PASSED, FAILED, NOT_CLAIMED = "passed", "failed", "not claimed"
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

    @property
    def verdict(self) -> str:
        """In words."""
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
        return cls(checks=checks, **data)


def worst_exit_code(codes: list[int]) -> int:
    """Over several ports: the worst, in the order 2, 3, 1, 0."""
    return max(codes, key=SEVERITY.index, default=WRONG_USE)


def _json_safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_safe(item) for item in value]
    if isinstance(value, float) and not -1e400 < value < 1e400:
        return repr(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return repr(value)
    return value
