"""The pytest plugin: options and parametrisation of the suite. Loaded in every pytest run, so it imports nothing."""

from typing import Any

import pytest

EXIT_CODE = "focal_exit_code"
"""What a worker of pytest-xdist tells its main process where a port cannot be run."""


def pytest_addoption(parser: Any) -> None:
    """One group, one prefix; the words are those of the command line."""
    group = parser.getgroup("focal", "focal loss conformance")
    once, many = {"default": None}, {"action": "append", "default": []}
    for name, kind, metavar, text in (
        ("port", many, "PORT", "adapter:torch, peer:optax, py:file.py:function"),
        ("dtype", many, "DTYPE", "float32, ... (default: all claimed)"),
        ("loss", once, "NAME", "default: all of an adapter, a peer's own, sigmoid_focal"),
        ("framework", once, "NAME", "for py: ports: torch, tensorflow, jax, numpy"),
        ("argument", many, "NAME=ARGUMENT", "for py: ports: logits=x, the port's name for it"),
        ("always", many, "ARGUMENT=VALUE", "for py: ports: pass this in every call"),
        ("alpha-off", once, "VALUE", "for py: ports: what switches alpha off"),
        ("gradient", once, "MODULE:OBJECT", "for NumPy ports: function that returns (value, gradient)"),
        ("transform", many, "NAME", "for py: ports: claim a transformation: vmap, compile, jit, ..."),
        ("answer-timeout", once, "SECONDS", "for cmd: ports: longest time an answer (60)"),
        ("known-failures", once, "FILE", "failures that are expected, as `focal-ref verify --update` writes them"),
    ):
        group.addoption(f"--focal-{name}", metavar=metavar, help=text, **kind)
    group.addoption(
        "--focal-class-indices",
        action="store_true",
        help="for py: ports: claim class indices as targets of the sigmoid loss, the number of classes for background",
    )
    group.addoption("--focal-device", default="cpu", metavar="DEVICE", help="cpu, cuda, cuda:0, mps")
    group.addoption("--focal-level", default="required", choices=("required", "recommended"))
    group.addoption("--focal-dialect", default="documentation", choices=("documentation", "code"))
    group.addoption(
        "--focal-soft-targets",
        default="linear",
        choices=("linear", "expected", "margin", "cross_entropy", "none"),
        help="for py: ports: the rule that the port declares",
    )


def pytest_configure(config: Any) -> None:
    """Say what is wrong with the options before anything is collected, in the main process of xdist, too."""
    if config.getoption("--focal-port") and not hasattr(config, "workerinput"):
        from focal_conformance.suite.selection import refuse_wrong_use

        refuse_wrong_use(config)


def pytest_generate_tests(metafunc: Any) -> None:
    """One test a check and port."""
    if "focal_case" not in metafunc.fixturenames:
        return
    from focal_conformance.suite.selection import selected

    metafunc.parametrize("focal_case", selected(metafunc.config), scope="session")


def pytest_report_header(config: Any) -> str | None:
    """Name the ports."""
    ports = config.getoption("--focal-port")
    return f"focal: {', '.join(ports)} on {config.getoption('--focal-device')}" if ports else None


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """A worker of pytest-xdist has ended: keep the exit code that it asks for."""
    code = getattr(node, "workeroutput", {}).get(EXIT_CODE, 0)
    node.config.stash[_asked] = max(code, node.config.stash.get(_asked, 0))


def pytest_sessionfinish(session: Any) -> None:
    """Exit codes 2 and 3 mean the same as on the command line, with workers, too."""
    code = session.config.stash.get(_asked, 0)
    if code:
        session.exitstatus = code


_asked: "pytest.StashKey[int]" = pytest.StashKey()
