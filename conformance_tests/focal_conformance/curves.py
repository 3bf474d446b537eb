"""Errors along the logits, for plots."""

from focal_conformance.report import Curve
from focal_conformance.session import Session


def error_curves(session: Session) -> list[Curve]:
    """Curves of the golden points that the port claims."""
    raise NotImplementedError
