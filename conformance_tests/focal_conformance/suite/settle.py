"""A check's result in the words of pytest: skipped, expected to fail, failed."""

import os

import pytest

from focal_conformance.known_failures import Entry, Run, judge_check
from focal_conformance.report import FAILED, KNOWN, NOT_CLAIMED, CheckResult


def settle(result: CheckResult, rerun: str, entry: Entry | None, run: Run) -> None:
    """Return for a pass; a listed check has to fail as it is listed."""
    if entry is not None:
        if result.verdict != FAILED:
            # Of a check that passes and is listed there is no wrong number to show.
            result.worst = None
        judge_check(result, entry, run, entry.place)
    if result.verdict == NOT_CLAIMED:
        pytest.skip(f"not claimed: {result.failures[0]}")
    if result.verdict == KNOWN:
        pytest.xfail(result.known)
        # With --runxfail the line above does nothing, and a known failure is one like any other.
    if result.verdict in (FAILED, KNOWN):
        pytest.fail(message(result, rerun), pytrace=False)


def message(result: CheckResult, rerun: str) -> str:
    """What is wrong, the worst input, and the commands that show it."""
    lines = list(result.failures)
    if result.worst is not None and result.worst.case:
        largest = "" if result.max_ulp is None else f"largest error {result.max_ulp:.4g} ULP, "
        lines.append(f"{largest}{result.worst.describe()}")
    return "\n".join([*lines, rerun]).strip()


def this_test() -> str:
    """The command that runs the test which is running."""
    # As pytest tells it: 'tests/test_loss.py::test_loss[gamma_zero] (call)'.
    return f"pytest '{os.environ.get('PYTEST_CURRENT_TEST', '').rpartition(' ')[0]}'"
