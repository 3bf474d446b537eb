"""The decorator for a test file of five lines in somebody else's repository."""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from focal_conformance.commands.options import port_options
from focal_conformance.engine import applicable_checks, open_session, selected_checks
from focal_conformance.known_failures import Entry, KnownFailures, Run, from_text, read, refuse_mismatch, split_name
from focal_conformance.ports import PortMissing, UsageError
from focal_conformance.ports.objects import from_object, name_of
from focal_conformance.ports.port import DEFAULT_LOSS, Options
from focal_conformance.ports.python import load_object
from focal_conformance.ports.resolve import check_name, losses_of
from focal_conformance.session import Session
from focal_conformance.suite.case import Case, cases_of

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
UNNAMED = "py:"
"""A function that no command line can name, a local one for example."""
ExpectedFailures = Mapping[str, str] | str | Path


def parametrize_with_cases(
    port: str | Callable[..., Any],
    *,
    expected_failures: ExpectedFailures | None = None,
    loss: str | None = None,
    framework: str | None = None,
    level: str = "required",
    device: str = "cpu",
    dtypes: tuple[str, ...] | list[str] | str = (),
    arguments: Mapping[str, str] | None = None,
    always: Mapping[str, Any] | None = None,
    alpha_off: Any = None,
    soft_targets: str | None = "linear",
    gradient: Callable[..., Any] | str | None = None,
    transforms: tuple[str, ...] | list[str] | str = (),
    class_indices: bool = False,
) -> Callable[[Decorated], Decorated]:
    """Parametrize a test with the checks of a port: one ``case`` a check, and ``case.check()`` runs it.

    >>> from focal_conformance import parametrize_with_cases
    >>> from focal_ref import sigmoid_focal_loss
    >>> @parametrize_with_cases(sigmoid_focal_loss, framework="numpy", dtypes="float64")
    ... def test_focal_loss(case):
    ...     case.check()

    Parameters
    ----------
    port : callable or str
        A function, a class of losses, or a name as on the command line: 'adapter:torch'.
    expected_failures : mapping, str or path
        Check -> 'reason, link', or 'failure | reason | link' with the failure as a file of known
        failures has it; or the path of such a file, relative to the test file. Strict: what is
        listed and passes, or is not there, fails.
    loss : str
        'sigmoid_focal' or 'softmax_focal'; default: all of an adapter, a peer's own, 'sigmoid_focal'.
    framework : {"torch", "tensorflow", "jax", "numpy"}
        Whose arrays a function takes; found by what its module imports where that is one framework.
    level : {"required", "recommended"}
        As on the command line.
    device : str
        'cpu', 'cuda', 'cuda:0', 'mps'.
    dtypes : str or tuple of str
        Empty: all that the port claims.
    arguments : mapping
        Names that are not recognised: {'logits': 'z'}.
    always : mapping
        What every call needs: {'from_logits': True}.
    alpha_off : object
        What switches alpha off; None and -1 are found by trying.
    soft_targets : str or None
        The rule that the port declares: 'linear', 'expected', 'margin', 'cross_entropy'; None: hard targets only.
    gradient : callable or str
        Of a NumPy port the function that returns the pair (value, gradient).
    transforms : str or tuple of str
        Transformations that the port claims: 'vmap', 'compile', 'jit', ...
    class_indices : bool
        Whether the port claims class indices as targets of the sigmoid loss, the number of classes for background.

    Returns
    -------
    callable
        The decorator. What cannot be understood is an error of the test file, at collection.
    """

    def decorate(test: Decorated) -> Decorated:
        parsed = Namespace(
            loss=loss,
            framework=framework,
            argument=[f"{name}={value}" for name, value in (arguments or {}).items()],
            always=[],
            alpha_off=None,
            soft_targets="none" if soft_targets is None else soft_targets,
            gradient=gradient if isinstance(gradient, str) else None,
            transform=list(_words(transforms)),
            class_indices=class_indices,
            dialect="documentation",
            answer_timeout=None,
        )
        try:
            losses = (loss or DEFAULT_LOSS,) if not isinstance(port, str) else losses_of(_checked(port), loss)
            parameters = []
            for name in losses:
                options = replace(
                    port_options(parsed, name),
                    always=dict(always or {}),
                    alpha_off=None if alpha_off is None else (alpha_off,),
                )
                run = Run(_name(port), (name,), level, device, dtypes=_words(dtypes))
                cases = _cases(
                    _session(port, options, gradient, run), run, _known(expected_failures, losses, test, run)
                )
                parameters += [
                    pytest.param(case, id=case.name if len(losses) == 1 else f"{name}-{case.name}") for case in cases
                ]
        except (UsageError, PortMissing) as error:
            # The one exception that pytest shows as its text alone.
            raise pytest.Collector.CollectError(f"parametrize_with_cases: {error}") from error
        return pytest.mark.parametrize("case", parameters)(test)

    return decorate


def _words(given: tuple[str, ...] | list[str] | str) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _checked(connectable: str) -> str:
    check_name(connectable)
    return connectable


def _name(port: str | Callable[..., Any]) -> str:
    return port if isinstance(port, str) else f"py:{name_of(port)}"


def _session(
    port: str | Callable[..., Any], options: Options, gradient: Callable[..., Any] | str | None, run: Run
) -> Session:
    companion = load_object(gradient.removeprefix("py:")) if isinstance(gradient, str) else gradient
    opened = port if isinstance(port, str) else from_object(port, options, companion)
    return open_session(opened, level=run.level, device=run.device, dtypes=run.dtypes, options=options)


def _cases(session: Session, run: Run, entries: list[Entry]) -> list[Case]:
    checks = [check.name for check in applicable_checks(session, selected_checks(run.level))]
    cases = cases_of(session, checks, entries, run)
    return [replace(case, nameable=run.port != UNNAMED, own_file=True) for case in cases]


def _known(given: ExpectedFailures | None, losses: tuple[str, ...], test: Any, run: Run) -> list[Entry]:
    """What is known of this loss; UsageError for what cannot be read or is about something else."""
    if given is None:
        return []
    place = "expected_failures"
    if not isinstance(given, (str, Path)):
        named = [(split_name(name, losses, place), text) for name, text in given.items()]
        return [from_text(*name, text, f"{place}[{name[1]!r}]") for name, text in named if name[0] == run.losses[0]]
    file = getattr(sys.modules.get(test.__module__), "__file__", None)
    known = read(Path(file or ".").parent / given)
    refuse_mismatch(known, replace(run, port=_as_listed(known, run.port)))
    return [entry for entry in known.entries if entry.loss == run.losses[0]]


def _as_listed(known: KnownFailures, port: str) -> str:
    """The file's own name for a function: py:losses.py:f and py:package.losses:f are one object here."""
    listed = known.header["port"]
    same = listed.startswith("py:") and port.startswith("py:") and port.split(":")[-1] in ("", listed.split(":")[-1])
    return listed if same else port
