"""Which checks on which ports, from pytest's options."""

from typing import Any

import pytest

from focal_conformance.engine import selected_checks
from focal_conformance.formats import FORMATS
from focal_conformance.ports import UsageError
from focal_conformance.ports.resolve import check_name


def selected(config: Any) -> list[Any]:
    """Pairs of port and check; pytest.UsageError for options that name nothing."""
    ports = config.getoption("--focal-port")
    if not ports:
        raise pytest.UsageError("name the port: --focal-port adapter:torch (`focal-ref list` names them all)")
    for dtype in config.getoption("--focal-dtype"):
        if dtype not in FORMATS:
            raise pytest.UsageError(f"--focal-dtype: unknown {dtype!r}; there are {', '.join(FORMATS)}")
    try:
        for port in ports:
            check_name(port)
        checks = selected_checks(config.getoption("--focal-level"))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    return [pytest.param(port, check.name, id=f"{port}-{check.name}") for port in ports for check in checks]
