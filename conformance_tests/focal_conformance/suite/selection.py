"""Which checks on which ports, from pytest's options; the ports are opened here, once each."""

from functools import lru_cache
from typing import Any

import pytest

from focal_conformance.checks import Check
from focal_conformance.engine import applicable_checks, open_session, selected_checks
from focal_conformance.formats import FORMATS
from focal_conformance.ports import PortMissing, UsageError
from focal_conformance.ports.port import Options
from focal_conformance.ports.resolve import check_name, losses_of
from focal_conformance.session import Session
from focal_ref import LOSSES


@lru_cache
def opened(config: Any, port: str, loss: str) -> Session:
    """Opens each port once: importing a framework and evaluating the vectors takes seconds."""
    option = config.getoption
    options = Options(loss=loss, framework=option("--focal-framework"))
    return open_session(
        port,
        level=option("--focal-level"),
        device=option("--focal-device"),
        dtypes=tuple(option("--focal-dtype")),
        options=options,
    )


def selected(config: Any) -> list[Any]:
    """Port, loss, and check that makes sense for them; exit code 2 for options that name nothing."""
    ports, loss = config.getoption("--focal-port"), config.getoption("--focal-loss")
    try:
        if not ports:
            raise UsageError("name the port: --focal-port adapter:torch (`focal-ref list` names them all)")
        for dtype in config.getoption("--focal-dtype"):
            if dtype not in FORMATS:
                raise UsageError(f"--focal-dtype: unknown {dtype!r}; there are {', '.join(FORMATS)}")
        if loss is not None and loss not in LOSSES:
            raise UsageError(f"--focal-loss: unknown {loss!r}; there are {', '.join(LOSSES)}")
        for port in ports:
            check_name(port)
        asked = [(port, name) for port in ports for name in losses_of(port, loss)]
        checks = selected_checks(config.getoption("--focal-level"))
    except UsageError as error:
        # Raised here, pytest's own UsageError prints the way through its internals.
        pytest.exit(str(error), returncode=2)
    return [
        pytest.param(port, loss, check.name, id=f"{port}-{loss}-{check.name}")
        for port, loss in asked
        for check in _applicable(config, port, loss, checks)
    ]


def _applicable(config: Any, port: str, loss: str, checks: list[Check]) -> list[Check]:
    try:
        return applicable_checks(opened(config, port, loss), checks)
    except (PortMissing, UsageError):
        # Said when the first test is run: pytest takes whatever is raised here for an error in a file.
        return checks
