"""Which checks on which ports, from pytest's options; the ports are opened here, once each."""

import re
from argparse import Namespace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from focal_conformance.commands.options import port_options, refuse_idle_flags
from focal_conformance.engine import applicable_checks, open_session, selected_checks
from focal_conformance.formats import FORMATS
from focal_conformance.known_failures import KnownFailures, Run, read, refuse_mismatch
from focal_conformance.plugin import EXIT_CODE
from focal_conformance.ports import PortMissing, UsageError
from focal_conformance.ports.resolve import check_name, losses_of
from focal_conformance.report import CANNOT_RUN, WRONG_USE
from focal_conformance.session import Session
from focal_conformance.suite.case import Case, cases_of

REPEATED = ("argument", "always", "transform")
ONCE = (
    "loss",
    "framework",
    "alpha_off",
    "soft_targets",
    "gradient",
    "dialect",
    "answer_timeout",
    "device",
    "class_indices",
)


class Missing:
    """In the place of all cases of a port that cannot be run: never a skip."""

    name = "can_be_run"

    def __init__(self, config: Any, message: str, code: int) -> None:
        self.config, self.message, self.code = config, message, code

    def check(self) -> None:
        """End the run with the exit code of the command line."""
        if not hasattr(self.config, "workeroutput"):
            pytest.exit(self.message, returncode=self.code)
        # An exit would look like a crash of the worker: its main process reads the code at the end.
        self.config.workeroutput[EXIT_CODE] = self.code
        pytest.fail(self.message, pytrace=False)


def selected(config: Any) -> list[Any]:
    """A case for each port, loss, and check that makes sense for them."""
    refuse_wrong_use(config)
    parsed, parameters = port_flags(config), []
    for port in config.getoption("--focal-port"):
        for loss in losses_of(port, parsed.loss):
            cases = _cases(config, port, loss)
            parameters += [pytest.param(case, id=f"{port}-{loss}-{case.name}") for case in cases]
    return parameters


def refuse_wrong_use(config: Any) -> None:
    """Exit code 2 for options that name nothing, or do not go together."""
    parsed, ports = port_flags(config), config.getoption("--focal-port")
    try:
        if not ports:
            raise UsageError("name the port: --focal-port adapter:torch (`focal-ref list` names them all)")
        for dtype in config.getoption("--focal-dtype"):
            if dtype not in FORMATS:
                raise UsageError(f"--dtype: unknown {dtype!r}; there are {', '.join(FORMATS)}")
        port_options(parsed)
        for port in ports:
            check_name(port)
            losses_of(port, parsed.loss, port_options(parsed).answer_timeout)
        refuse_idle_flags(parsed, ports)
        known_failures(config)
    except UsageError as error:
        # Raised here, pytest's own UsageError prints the way through its internals.
        message = in_words_of_pytest(str(error))
        if hasattr(config, "workeroutput"):
            config.workeroutput[EXIT_CODE] = WRONG_USE
            raise pytest.Collector.CollectError(message) from error
        pytest.exit(message, returncode=WRONG_USE)


def port_flags(config: Any) -> Namespace:
    """The options as the command line has them."""
    return Namespace(**{name: config.getoption(f"--focal-{name.replace('_', '-')}") for name in (*REPEATED, *ONCE)})


def in_words_of_pytest(message: str) -> str:
    """Each flag with its prefix."""
    names = "|".join(name.replace("_", "-") for name in (*REPEATED, *ONCE, "known-failures", "dtype"))
    return re.sub(rf"(?<![\w-])--({names})\b", r"--focal-\1", message)


def known_failures(config: Any) -> KnownFailures | None:
    """The file of known failures; UsageError where it is about something else."""
    name = config.getoption("--focal-known-failures")
    if name is None:
        return None
    ports, loss = config.getoption("--focal-port"), config.getoption("--focal-loss")
    if len(ports) != 1:
        raise UsageError(f"--known-failures is about one port, a file a port; here are {len(ports)}")
    known = read(Path(name))
    refuse_mismatch(known, run_of(config, ports[0], losses_of(ports[0], loss)))
    return known


def run_of(config: Any, port: str, losses: tuple[str, ...]) -> Run:
    """What this run of pytest asks for."""
    code = " --dialect code" if config.getoption("--focal-dialect") == "code" else ""
    level, device = config.getoption("--focal-level"), config.getoption("--focal-device")
    return Run(port + code, losses, level, device, dtypes=tuple(config.getoption("--focal-dtype")))


@lru_cache
def opened(config: Any, port: str, loss: str) -> Session:
    """Opens each port once: importing a framework and evaluating the vectors takes seconds."""
    option = config.getoption
    return open_session(
        port,
        level=option("--focal-level"),
        device=option("--focal-device"),
        dtypes=tuple(option("--focal-dtype")),
        options=port_options(port_flags(config), loss),
    )


def _cases(config: Any, port: str, loss: str) -> list[Case] | list[Missing]:
    try:
        session = opened(config, port, loss)
    except (PortMissing, UsageError) as error:
        # Said when the test is run: pytest takes whatever is raised here for an error in a file.
        code = CANNOT_RUN if isinstance(error, PortMissing) else WRONG_USE
        return [Missing(config, f"{port}: {in_words_of_pytest(str(error).removeprefix(f'{port}: '))}", code)]
    names = [check.name for check in applicable_checks(session, selected_checks(session.level))]
    known = known_failures(config)
    entries = [] if known is None else [entry for entry in known.entries if entry.loss == loss]
    return cases_of(session, names, entries, run_of(config, port, (loss,)))
