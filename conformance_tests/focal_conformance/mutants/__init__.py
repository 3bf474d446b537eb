"""Every known deviation as a port that has it: the suite must catch each, and the diagnosis name it."""

from focal_conformance.mutants.port import load

__all__ = ["load"]
