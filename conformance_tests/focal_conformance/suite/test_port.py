"""Each check of the level is one test; what is not claimed is skipped with its reason."""

import pytest

from focal_conformance.ports.port import PortBroken
from focal_conformance.report import CANNOT_RUN
from focal_conformance.suite.case import Case
from focal_conformance.suite.selection import Missing


def test_conforms(request: pytest.FixtureRequest, focal_case: Case) -> None:
    try:
        focal_case.check()
    except PortBroken as error:
        Missing(request.config, f"{focal_case.session.port.name}: {error}", CANNOT_RUN).check()
