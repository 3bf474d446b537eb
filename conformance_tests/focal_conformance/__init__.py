"""Does a focal loss compute what it says? One engine under a command line, pytest and Python.

from focal_conformance import verify
report = verify("adapter:torch")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from focal_conformance.engine import verify
    from focal_conformance.parametrize import parametrize_with_cases
    from focal_conformance.report import Report

__all__ = ["Report", "parametrize_with_cases", "verify"]


def __getattr__(name: str) -> Any:
    """Load on first use: the pytest plugin imports this package in every pytest run."""
    if name == "verify":
        from focal_conformance.engine import verify

        return verify
    if name == "Report":
        from focal_conformance.report import Report

        return Report
    if name == "parametrize_with_cases":
        from focal_conformance.parametrize import parametrize_with_cases

        return parametrize_with_cases
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
