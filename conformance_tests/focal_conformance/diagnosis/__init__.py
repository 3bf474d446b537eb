"""What is wrong with a port that does not conform: the deviations of the catalogue that reproduce what it gave."""

from focal_conformance.diagnosis.diagnose import diagnose

__all__ = ["diagnose"]
