"""The one engine under the command line, the pytest plugin and `focal_conformance.verify`."""

import os
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from focal_conformance import frameworks
from focal_conformance.checks import CHECKS, Check
from focal_conformance.checks.check import applies, perform
from focal_conformance.frameworks.driver import DeviceMissing
from focal_conformance.ports import Port, PortMissing, UsageError, resolve
from focal_conformance.ports.port import Options, PortBroken
from focal_conformance.probe import probed
from focal_conformance.report import (
    CANNOT_RUN,
    DIFFERENCE,
    DOES_NOT_CONFORM,
    FAILED,
    LEVELS,
    PASSED,
    CheckResult,
    Diagnosis,
    Report,
)
from focal_conformance.session import EAGER_MODES, Session, raised
from focal_conformance.summary import summarise

Progress = Callable[[int, int, str], None]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def selected_checks(level: str, names: tuple[str, ...] = ()) -> list[Check]:
    """The checks of a level, or those named."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise UsageError(f"unknown check {unknown[0]!r}; there are {', '.join(CHECKS)}")
    if names:
        return [CHECKS[name] for name in names]
    return [check for check in CHECKS.values() if LEVELS.index(check.level) <= LEVELS.index(level)]


def applicable_checks(session: Session, checks: list[Check]) -> list[Check]:
    """Those that make sense for the port's framework and mode; the others are absent from its report."""
    return [check for check in checks if applies(check, session)]


def open_session(
    port: "str | Port",
    *,
    level: str = "required",
    device: str = "cpu",
    dtypes: tuple[str, ...] = (),
    full: bool | None = None,
    options: Options | None = None,
) -> Session:
    """A port, made ready: framework imported, device found, dialect declared or probed."""
    if level not in LEVELS:
        raise UsageError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
    if isinstance(port, str):
        _prepare_environment(port, device)
        port = resolve(port, options or Options())
    if port.framework == "jax":
        _ask_for_two_devices()
    try:
        driver = frameworks.load(port.framework, device)
    except DeviceMissing as error:
        raise PortMissing(str(error)) from error
    except ModuleNotFoundError as error:
        wanted = frameworks.DISTRIBUTIONS.get(error.name or "", error.name)
        raise PortMissing(f"{port.name} needs {error.name}: pip install {wanted}") from error
    asked = dtypes or port.dialect.dtypes
    if port.probed:
        port = probed(port, driver, asked)
    usable = tuple(dtype for dtype in port.dialect.dtypes if dtype in asked)
    if not usable:
        raise PortMissing(f"{port.name} does not claim {', '.join(asked)}; it claims {', '.join(port.dialect.dtypes)}")
    if full is None:
        full = level == "recommended" or port.mode in EAGER_MODES
    try:
        return Session(port, driver, level, usable, full)
    except DeviceMissing as error:
        raise PortMissing(str(error)) from error


def verify(
    port: "str | Port",
    *,
    level: str = "required",
    device: str = "cpu",
    dtypes: tuple[str, ...] = (),
    checks: tuple[str, ...] = (),
    options: Options | None = None,
    fuzz: int = 0,
    seed: int = 0,
    exhaust: bool = False,
    diagnosis: bool = True,
    curves: bool = False,
    progress: Progress = lambda done, total, label: None,
) -> Report:
    """Verify one port in this process.

    Parameters
    ----------
    port : str or Port
        A connectable, ``adapter:torch``, ``peer:optax``, ``py:my_losses.py:focal_loss``, or a `Port`.
    level : {"required", "recommended"}
        Required: training goes wrong otherwise. Recommended: full relative accuracy everywhere.
    device : str
        'cpu', 'cuda', 'cuda:0', 'mps'.
    dtypes : tuple of str
        Empty: all that the port claims.
    checks : tuple of str
        Empty: all of the level.
    options : Options
        For ``py:`` ports: framework, loss, names of arguments.
    fuzz : int
        Random points a dtype beside the golden ones, judged against the oracle.
    seed : int
        Of the random points.
    exhaust : bool
        Every bit pattern of the half types as logits, judged against the oracle.
    diagnosis : bool
        Whether a port that does not conform is diagnosed.
    curves : bool
        Whether errors along the logits are kept, for plots.

    Returns
    -------
    Report
        Its ``exit_code`` is 0 if the port conforms, 1 if not, 3 if it cannot be run.

    Raises
    ------
    UsageError
        The connectable or a check names nothing.
    """
    started = time.monotonic()
    name = port if isinstance(port, str) else port.name
    report = Report(name, (options or Options()).loss, level, device)
    selected = selected_checks(level, checks)
    try:
        session = open_session(port, level=level, device=device, dtypes=dtypes, options=options)
    except PortMissing as error:
        report.error = str(error)
        return report
    report.framework, report.loss = session.driver.name, session.port.loss
    report.versions = {**session.port.versions, **session.driver.versions(), **environment()}
    report.notes = [*session.port.notes, *_notes(session)]
    try:
        applicable = applicable_checks(session, selected)
        if not applicable:
            names = ", ".join(check.name for check in selected)
            report.error = f"{names}: makes no sense for {report.framework} in mode {session.port.mode}"
        for index, check in enumerate(applicable):
            progress(index, len(applicable), check.title)
            report.checks.append(perform(check, session))
        if fuzz or exhaust:
            _ask_at_random(
                session, report, fuzz, seed, exhaust, lambda text: progress(len(applicable), len(applicable), text)
            )
        progress(len(applicable), len(applicable), "")
        if not checks:
            report.summary = summarise(session)
            report.notes += _against_the_code(session, report, applicable)
        report.close()
        if diagnosis and report.exit_code == DOES_NOT_CONFORM:
            from focal_conformance.diagnosis import diagnose

            progress(len(applicable), len(applicable), "diagnosis")
            report.diagnosis = _diagnosed(diagnose, session, report)
        if curves:
            from focal_conformance.curves import error_curves

            report.curves = error_curves(session)
        session.port.close()
    except PortBroken as error:
        report.error, report.exit_code = str(error), CANNOT_RUN
    report.seconds = time.monotonic() - started
    return report


def _ask_at_random(
    session: Session, report: Report, count: int, seed: int, exhaust: bool, progress: Callable[[str], None]
) -> None:
    """Random points, and every pattern of the half types."""
    from focal_conformance.fuzz import exhausted, fuzz_note, fuzzed

    report.notes.append(fuzz_note(session, count, seed, exhaust))
    if count:
        report.checks += fuzzed(session, count, seed, progress)
        report.seed = seed
    if exhaust:
        report.checks += exhausted(session, progress)


def _against_the_code(session: Session, report: Report, checks: list[Check]) -> list[str]:
    """Which of the documentation and the code a package with both dialects follows, and how they differ."""
    port = session.port
    if port.code is None:
        return []
    code = port.code()
    other = Session(code, session.driver, session.level, session.dtypes, session.full)
    notes = [f"{DIFFERENCE}{text}" for text in port.differences]
    failed = [check.check for check in report.checks if check.verdict == FAILED]
    again = [perform(check, other) for check in applicable_checks(other, checks) if check.name in failed]
    held = [result.check for result in again if result.verdict == PASSED]
    if failed:
        notes.append(
            f"of the {len(failed)} checks that fail against the documentation, {len(held)} pass against the code's own "
            f"dialect ({code.loss}){': ' + ', '.join(held) if held else ''}"
        )
    return notes


def _diagnosed(diagnose: Callable[[Session, Report], Diagnosis], session: Session, report: Report) -> Diagnosis:
    """The verdict stands whatever a port's numbers do to the search for their cause."""
    try:
        return diagnose(session, report)
    except Exception as error:
        return Diagnosis(f"the diagnosis itself failed, a mistake of this kit: {raised(error)}")


def run_check(check: str, session: Session) -> CheckResult:
    """One check, for the pytest suite."""
    return perform(CHECKS[check], session)


def environment() -> dict[str, str]:
    """What numbers may depend on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "threads": _threads(),
    }


def _threads() -> str:
    """How many threads computed: torch says so; others take what the environment or the cores give."""
    torch = sys.modules.get("torch")
    told = [] if torch is None else [f"torch {torch.get_num_threads()}"]
    told += [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if os.environ.get(name)]
    return ", ".join(told) or f"not limited, {os.cpu_count()} cores"


def _notes(session: Session) -> list[str]:
    dialect = session.port.dialect
    notes = [f"dtypes: {', '.join(session.dtypes)}"]
    if dialect.soft_targets != "linear" and dialect.soft_targets_argument is None:
        notes.append(f"declared rule for soft targets: {dialect.soft_targets or 'none, hard targets only'}")
    if not session.full:
        notes.append("short grid: gamma 0, 0.5, 2, 2.7 with alpha 0.25, in float32 also with alpha off")
    return notes


def _ask_for_two_devices() -> None:
    """JAX divides the CPU in two, for the check of devices, if no computation has started it yet."""
    flag, flags = "--xla_force_host_platform_device_count", os.environ.get("XLA_FLAGS", "")
    if flag not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {flag}=2".strip()


def _prepare_environment(connectable: str, device: str) -> None:
    from focal_conformance.ports.peers import PEERS

    # Keras reads its backend when it is imported; TensorFlow its log level.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Triton reads it when it is imported, which `import torch` may do.
    if connectable.endswith("@triton") and device == "cpu":
        os.environ["TRITON_INTERPRET"] = "1"
    peer: Any = PEERS.get(connectable.removeprefix("peer:"))
    if peer is not None:
        os.environ.update(peer.environment)
