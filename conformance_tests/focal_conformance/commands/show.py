"""``focal-ref show``: one case, its exact value, and what a port gives."""

from argparse import Namespace
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from rich.console import Console

from focal_conformance.bounds import bound
from focal_conformance.commands.options import port_options
from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.engine import open_session
from focal_conformance.errors import required_tolerance, ulp_errors
from focal_conformance.formats import FORMATS
from focal_conformance.frameworks.driver import NoDerivative
from focal_conformance.ports import PortMissing, UsageError
from focal_conformance.report import CANNOT_RUN
from focal_conformance.session import QUANTITIES, raised
from focal_conformance.vectors.load import Case, cases, document

DIGITS = 30


@dataclass(frozen=True)
class Named:
    """A case id, understood."""

    case: Case
    index: int
    quantities: tuple[str, ...]


def run(parsed: Namespace) -> int:
    """Print the case; with --port also the port's answer."""
    named = find(parsed.case)
    case, index = named.case, named.index
    console = Console(highlight=False, markup=False, soft_wrap=True)
    x, t = float(case.logits[index]), float(case.targets[index])
    console.print(f"{case.point_id(index)}")
    console.print(f"  logit   {x!r:24} {x.hex()}")
    console.print(f"  target  {t!r:24} {t.hex()}")
    console.print(f"  alpha   {case.alpha!r}")
    console.print(f"  gamma   {case.gamma!r:24} {case.gamma.hex()}")
    explanations = document(case.loss, case.dtype)["flags"]
    for flag in case.flags[index].split():
        console.print(f"  {flag}: {explanations[flag]}")
    digits = _digits(case, x, t)
    code, port_lines = (0, {}) if parsed.port is None else _ask(parsed, named)
    for quantity in named.quantities:
        exact = float(case.exact[quantity][index])
        console.print(f"{quantity}")
        console.print(f"  exact   {digits.get(quantity, f'{exact!r} (nearest float64)')}")
        console.print(f"          {exact.hex()} nearest float64")
        for line in port_lines.get(quantity, []):
            console.print(f"  {line}")
    if not digits and np.isfinite(x):
        console.print(f"for {DIGITS} digits: pip install 'focal-ref[oracle]'")
    for line in port_lines.get("", []):
        console.print(line)
    return code


def find(name: str) -> Named:
    """The case that an id names; UsageError if there is none."""
    parts = name.strip().split("/")
    quantities: tuple[str, ...] = QUANTITIES
    if len(parts) == 7 and parts[-1] in QUANTITIES:
        quantities = (parts.pop(),)
    if len(parts) != 6 or parts[1] not in FORMATS or not parts[5].isdigit():
        raise UsageError(
            f"no case {name!r}; a case is named loss/dtype/alpha=A/gamma=G/points/index[/quantity], "
            "sigmoid_focal/float32/alpha=0.25/gamma=2/special/17 for one"
        )
    from focal_ref import LOSSES

    if parts[0] not in LOSSES:
        raise UsageError(f"no case {name!r}: unknown loss {parts[0]!r}; there are {', '.join(LOSSES)}")
    wanted, index = "/".join(parts[:5]), int(parts[5])
    found = [case for case in cases(parts[0], parts[1]) if case.group == wanted]
    for case in found:
        positions = np.flatnonzero(case.indices == index)
        if positions.size:
            return Named(case, int(positions[0]), quantities)
    if found:
        raise UsageError(f"no case {name!r}: {wanted} has the indices 0 to {sum(c.indices.size for c in found) - 1}")
    raise UsageError(f"no case {name!r}: the vectors hold no {wanted}")


def _digits(case: Case, x: float, t: float) -> dict[str, str]:
    """Thirty digits from the oracle, where it is installed and the logit is finite."""
    if find_spec("flint") is None or not np.isfinite(x):
        return {}
    from focal_conformance.oracle.sigmoid_focal import digits

    return dict(zip(QUANTITIES, digits(x, t, case.alpha, case.gamma, DIGITS), strict=True))


def _ask(parsed: Namespace, named: Named) -> tuple[int, dict[str, list[str]]]:
    case, index = named.case, named.index
    try:
        session = open_session(parsed.port, device=parsed.device, dtypes=(case.dtype,), options=port_options(parsed))
    except PortMissing as error:
        return CANNOT_RUN, {"": [f"{parsed.port}: {error}"]}
    lines: dict[str, list[str]] = {}
    failed = False
    for quantity in named.quantities:
        try:
            # All points of the case, as in a verification: a port may treat a single one differently.
            parameters = Parameters(case.alpha, case.gamma)
            (got,) = session.results(case.logits, case.targets, case.dtype, parameters, quantity)
        except (NotClaimed, NoDerivative) as reason:
            lines[quantity] = [f"{parsed.port}: not claimed, {reason}"]
        except Exception as error:  # the port's answer
            lines[quantity], failed = [f"{parsed.port}: {raised(error)}"], True
        else:
            text, wrong = _judged(session.backend, case, index, quantity, got)
            lines[quantity], failed = [f"{parsed.port}: {line}" for line in text], failed or wrong
    return int(failed), lines


def _judged(backend: str, case: Case, index: int, quantity: str, got: Any) -> tuple[list[str], bool]:
    number, exact = float(got[index]), float(case.exact[quantity][index])
    error = float(ulp_errors(got, case.exact[quantity], case.scale[quantity], case.format)[index])
    limit = bound(case.loss, backend, quantity, case.dtype, case.gamma)
    tolerance = float(required_tolerance(case.exact[quantity], case.alpha_t, case.format)[index])
    with np.errstate(invalid="ignore"):
        right = number == exact or abs(number - exact) <= tolerance or (np.isnan(number) and np.isnan(exact))
    verdict = "within" if right else "beyond"
    return [
        f"{number!r}  {number.hex()}",
        f"off by {error:.4g} ULP of {case.dtype} (recommended level: at most {limit:g})",
        f"{verdict} the required level's tolerance, {tolerance:.3g}",
    ], not right
