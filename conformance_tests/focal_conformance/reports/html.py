"""Reports as one self-contained page."""

from focal_conformance.report import Report


def page(reports: list[Report]) -> str:
    """HTML with tables, plots and diagnosis; nothing is loaded from elsewhere."""
    raise NotImplementedError
