"""Reports as JUnit XML."""

from focal_conformance.report import Report


def junit(reports: list[Report]) -> str:
    """One test suite a port, one test a check."""
    raise NotImplementedError
