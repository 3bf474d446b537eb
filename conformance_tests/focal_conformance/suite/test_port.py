"""Each check of the level is one test; what is not claimed is skipped with its reason."""

from collections.abc import Callable
from functools import lru_cache

import pytest

from focal_conformance.engine import open_session, run_check
from focal_conformance.ports import PortMissing, UsageError
from focal_conformance.ports.port import Options
from focal_conformance.report import FAILED, NOT_CLAIMED
from focal_conformance.session import Session


@pytest.fixture(scope="session")
def focal_session(request: pytest.FixtureRequest) -> Callable[[str], Session]:
    """Opens each port once: importing a framework and evaluating the vectors takes seconds."""
    option = request.config.getoption

    @lru_cache
    def session(port: str) -> Session:
        options = Options(loss=option("--focal-loss"), framework=option("--focal-framework"))
        try:
            return open_session(
                port,
                level=option("--focal-level"),
                device=option("--focal-device"),
                dtypes=tuple(option("--focal-dtype")),
                options=options,
            )
        except (PortMissing, UsageError) as error:
            # A port that is named and cannot be run is a failure of the run, never a skip.
            pytest.exit(f"{port}: {error}", returncode=3 if isinstance(error, PortMissing) else 2)

    return session


def test_conforms(focal_session: Callable[[str], Session], focal_port: str, focal_check: str) -> None:
    result = run_check(focal_check, focal_session(focal_port))
    if result.verdict == NOT_CLAIMED:
        pytest.skip(f"not claimed: {result.failures[0]}")
    if result.verdict == FAILED:
        worst = f"\nlargest error {result.max_ulp:.4g} ULP, {result.worst.describe()}" if result.worst else ""
        pytest.fail("\n".join(result.failures) + worst + f"\n{result.rerun}", pytrace=False)
