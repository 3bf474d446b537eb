"""Each check of the level is one test; what is not claimed is skipped with its reason."""

import pytest

from focal_conformance.engine import run_check
from focal_conformance.ports import PortMissing, UsageError
from focal_conformance.report import FAILED, NOT_CLAIMED
from focal_conformance.suite.selection import opened


def test_conforms(request: pytest.FixtureRequest, focal_port: str, focal_loss: str, focal_check: str) -> None:
    try:
        session = opened(request.config, focal_port, focal_loss)
    except (PortMissing, UsageError) as error:
        # A port that is named and cannot be run is a failure of the run, never a skip.
        pytest.exit(f"{focal_port}: {error}", returncode=3 if isinstance(error, PortMissing) else 2)
    result = run_check(focal_check, session)
    if result.verdict == NOT_CLAIMED:
        pytest.skip(f"not claimed: {result.failures[0]}")
    if result.verdict == FAILED:
        worst = (
            f"\nlargest error {result.max_ulp:.4g} ULP, {result.worst.describe()}"
            if result.worst and result.worst.case
            else ""
        )
        pytest.fail("\n".join(result.failures) + worst + f"\n{result.rerun}", pytrace=False)
