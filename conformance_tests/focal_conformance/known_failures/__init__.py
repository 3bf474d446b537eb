"""Failures that are expected: a file a port, a line each with what fails, a reason and a link.

A line is kept honest from both sides: the check has to fail, and in the way that the line says.
"""

from focal_conformance.known_failures.entries import HEADER, Entry, KnownFailures, from_text, read, split_name
from focal_conformance.known_failures.judge import Run, absent, judge, judge_check, refuse_mismatch, unasked
from focal_conformance.known_failures.update import updated

__all__ = [
    "HEADER",
    "Entry",
    "KnownFailures",
    "Run",
    "absent",
    "from_text",
    "judge",
    "judge_check",
    "read",
    "refuse_mismatch",
    "split_name",
    "unasked",
    "updated",
]
