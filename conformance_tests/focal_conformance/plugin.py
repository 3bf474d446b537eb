"""The pytest plugin: options and parametrisation of the suite. Loaded in every pytest run, so it imports nothing."""

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """One group, one prefix."""
    group = parser.getgroup("focal", "focal loss conformance")
    group.addoption(
        "--focal-port",
        action="append",
        default=[],
        metavar="PORT",
        help="adapter:torch, peer:optax, py:file.py:function",
    )
    group.addoption("--focal-device", default="cpu", metavar="DEVICE", help="cpu, cuda, cuda:0, mps")
    group.addoption(
        "--focal-dtype", action="append", default=[], metavar="DTYPE", help="float32, ... (default: all claimed)"
    )
    group.addoption("--focal-level", default="required", choices=("required", "recommended"))
    group.addoption(
        "--focal-framework", default=None, metavar="NAME", help="for py: ports: torch, tensorflow, jax, numpy"
    )
    group.addoption("--focal-loss", default=None, metavar="NAME", help="default: all of an adapter, a peer's own")


def pytest_generate_tests(metafunc: Any) -> None:
    """One test a check and port."""
    if "focal_check" not in metafunc.fixturenames:
        return
    from focal_conformance.suite.selection import selected

    metafunc.parametrize(("focal_port", "focal_loss", "focal_check"), selected(metafunc.config), scope="session")


def pytest_report_header(config: Any) -> str | None:
    """Name the ports."""
    ports = config.getoption("--focal-port")
    return f"focal: {', '.join(ports)} on {config.getoption('--focal-device')}" if ports else None
