"""``focal-ref show``: one case, its exact value, and what a port gives."""

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console

from focal_conformance.bounds import bound
from focal_conformance.commands.digits import DIGITS, decimals
from focal_conformance.commands.options import port_options
from focal_conformance.engine import open_session
from focal_conformance.errors import required_tolerance, ulp_errors
from focal_conformance.formats import FORMATS
from focal_conformance.fuzz.ask import allowance, answers
from focal_conformance.fuzz.case import RandomCase
from focal_conformance.fuzz.names import named_point, names_random_point
from focal_conformance.fuzz.truth import oracle_installed
from focal_conformance.ports import PortMissing, UsageError
from focal_conformance.ports.port import PortBroken
from focal_conformance.ports.resolve import check_name, losses_of
from focal_conformance.report import CANNOT_RUN
from focal_conformance.session import QUANTITIES, Evaluation, Session
from focal_conformance.vectors.load import Case, all_cases, document


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
    console.print(f"{case.point_id(index)}")
    for line in _inputs(case, index):
        console.print(f"  {line}")
    explanations = document(case.loss, case.dtype)["flags"]
    for flag in case.flags[index].split():
        console.print(f"  {flag}: {explanations[flag]}")
    digits = decimals(case, index)
    proven = not isinstance(case, RandomCase) or oracle_installed()
    code, port_lines = (0, {}) if parsed.port is None else _ask(parsed, named)
    for quantity in named.quantities:
        console.print(f"{quantity}")
        for name, place in _places(case, index, quantity):
            exact = float(case.exact[quantity][place])
            nearest = "nearest float64" if proven else "the reference's float64"
            shown = digits.get((quantity, place[1:]), f"{exact!r} ({nearest})")
            console.print(f"  exact{name}   {shown}")
            console.print(f"          {exact.hex()} {nearest}")
        for line in port_lines.get(quantity, []):
            console.print(f"  {line}")
    if not oracle_installed() and np.isfinite(case.logits[index]).all():
        console.print(f"for {DIGITS} digits: pip install 'focal-ref[oracle]'")
    for line in port_lines.get("", []):
        console.print(line)
    return code


SHOWN_CLASSES, FIRST_CLASSES = 12, 6


def _inputs(case: Case, index: int) -> list[str]:
    lines = []
    if case.logits.ndim == 1:
        x, t = float(case.logits[index]), float(case.targets[index])
        lines += [f"logit   {x!r:24} {x.hex()}", f"target  {t!r:24} {t.hex()}"]
    else:
        row, targets = case.logits[index], case.targets[index]
        lines.append(f"{row.size} classes; logits")
        # Those whose exact derivatives are shown below, and the first few.
        shown = sorted(
            {*range(min(row.size, FIRST_CLASSES)), *np.flatnonzero(case.known[index])[:SHOWN_CLASSES].tolist()}
        )
        indices = case.target_kind == "indices"
        for c in shown:
            x, v = float(row[c]), 0.0 if case.vector is None else float(case.vector[c])
            target = "" if indices else f"  target {float(targets[c])!r}"
            lines.append(f"  class {c}: {x!r:24} {x.hex():26}{target}  vector {v!r}")
        if row.size > len(shown):
            lines.append(f"  and {row.size - len(shown)} more, in the vector file")
        if indices:
            lines.append(f"target  class {int(targets)}")
    lines.append(f"alpha   {case.alpha!r}")
    lines.append(f"gamma   {case.gamma!r:24} {case.gamma.hex()}")
    if case.soft_targets != "linear" or case.detach_modulator:
        lines.append(f"rule    {case.soft_targets}" + (", modulator detached" if case.detach_modulator else ""))
    return lines


def _places(case: Case, index: int, quantity: str) -> list[tuple[str, tuple[int, ...]]]:
    """Where the exact numbers of a point are, with a name for each."""
    if case.exact[quantity].ndim == 1:
        return [("", (index,))]
    known = np.flatnonzero(case.known[index])
    return [(f", class {c}", (index, int(c))) for c in known[:SHOWN_CLASSES]]


def find(name: str) -> Named:
    """The case that an id names; UsageError if there is none."""
    if names_random_point(name):
        point = named_point(name)
        return Named(point.case, 0, point.quantities)
    parts = name.strip().split("/")
    quantities: tuple[str, ...] = ()
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
    found = [case for case in all_cases(parts[0], parts[1]) if case.group == wanted]
    for case in found:
        positions = np.flatnonzero(case.indices == index)
        if positions.size:
            shown = quantities or tuple(name for name in QUANTITIES if name in case.exact)
            return Named(case, int(positions[0]), shown)
    if found:
        raise UsageError(f"no case {name!r}: {wanted} has the indices 0 to {sum(c.indices.size for c in found) - 1}")
    raise UsageError(f"no case {name!r}: the vectors hold no {wanted}")


def _ask(parsed: Namespace, named: Named) -> tuple[int, dict[str, list[str]]]:
    case = named.case
    # A peer has a loss of its own; UsageError where it is another.
    check_name(parsed.port)
    losses_of(parsed.port, case.loss)
    try:
        session = open_session(
            parsed.port, device=parsed.device, dtypes=(case.dtype,), options=port_options(parsed, case.loss)
        )
        answered = _answered(parsed, named, session)
        session.port.close()
        return answered
    except (PortMissing, PortBroken) as error:
        return CANNOT_RUN, {"": [f"{parsed.port}: {error}"]}


def _answered(parsed: Namespace, named: Named, session: Session) -> tuple[int, dict[str, list[str]]]:
    case, index = named.case, named.index
    lines: dict[str, list[str]] = {}
    failed = False
    evaluations: dict[str, Evaluation] = {}
    if isinstance(case, RandomCase):
        evaluations = {each.quantity: each for each in answers(session, case)}
    for quantity in named.quantities:
        if session.rows and quantity == "curvature":
            lines[quantity] = ["the diagonal of a row's Hessian is nothing that autodiff gives"]
            continue
        evaluation = evaluations[quantity] if quantity in evaluations else session.evaluate(case, quantity)
        if evaluation.got is None:
            word = "not claimed, " if evaluation.not_claimed else ""
            lines[quantity] = [f"{parsed.port}: {word}{evaluation.error}"]
            failed = failed or not evaluation.not_claimed
            continue
        for name, place in _places(case, index, quantity):
            excused = allowance(session, case, quantity) if isinstance(case, RandomCase) else np.zeros(1)
            text, wrong = _judged(session.backend, case, place, quantity, evaluation.got, float(excused.max()))
            lines.setdefault(quantity, []).extend(f"{parsed.port}{name}: {line}" for line in text)
            failed = failed or wrong
    return int(failed), lines


def _judged(
    backend: str, case: Case, place: tuple[int, ...], quantity: str, got: Any, excused: float
) -> tuple[list[str], bool]:
    number, exact = float(got[place]), float(case.exact[quantity][place])
    error = float(ulp_errors(got, case.exact[quantity], case.scale[quantity], case.format)[place])
    limit = bound(case.loss, backend, quantity, case.dtype, case.gamma)
    tolerance = float(required_tolerance(np.asarray(exact), case.alpha_t[place[0]], case.format)) + excused
    with np.errstate(invalid="ignore"):
        right = number == exact or abs(number - exact) <= tolerance or (np.isnan(number) and np.isnan(exact))
    verdict = "within" if right else "beyond"
    return [
        f"{number!r}  {number.hex()}",
        f"off by {error:.4g} ULP of {case.dtype} (recommended level: at most {limit:g})",
        f"{verdict} the required level's tolerance, {tolerance:.3g}",
    ], not right
