"""What is wrong with a port that does not conform."""

from focal_conformance.report import Diagnosis, Report
from focal_conformance.session import Session


def diagnose(session: Session, report: Report) -> Diagnosis:
    """The deviations that reproduce what the port gave."""
    return Diagnosis("no catalogue yet")
