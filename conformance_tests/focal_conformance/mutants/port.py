"""`mutant:NAME`: a port that has the deviations it is named after, and is right otherwise."""

from dataclasses import replace
from typing import Any

from focal_conformance.deviations import CONDUCTS, REDUCED, Reduction
from focal_conformance.dialect import Dialect
from focal_conformance.mutants.elements import Elements
from focal_conformance.mutants.formula_port import FormulaPort
from focal_conformance.mutants.names import Mutation, losses_of, mutations
from focal_conformance.ports import adapters
from focal_conformance.ports.port import Options, Port, UsageError
from focal_ref import LOSSES

DTYPES = ("float32", "float64")
BY_PRODUCT = {"ignored_reaches_the_gradient": "mask", "ignore_index_reaches_the_gradient": "ignore_index"}
IN_TORCH = ("ignores_upstream_gradient", "second_backward_differs", "switches_gradients_on", "no_gradient")


def load(name: str, options: Options) -> Port:
    """The mutant for one loss."""
    found = mutations(name)
    if options.loss not in losses_of(name):
        raise UsageError(f"mutant:{name} is about {', '.join(losses_of(name)) or 'no loss'}, not {options.loss}")
    first = found[0].deviation.name if found else ""
    if first in CONDUCTS and first not in BY_PRODUCT:
        return _conduct(name, first, options)
    rows = LOSSES[options.loss].consumes_classes
    rule = declared_rule(found)
    change = next((m.deviation for m in found if isinstance(m.deviation, Reduction)), None)
    of_formula = tuple(m for m in found if m.deviation.name not in REDUCED and m.deviation.name not in CONDUCTS)
    port = FormulaPort(Elements(rows, rule, of_formula), change, BY_PRODUCT.get(first, ""))
    dialect = Dialect(
        weight="weight",
        mask="mask",
        ignore_index="ignore_index",
        normalizer="normalizer",
        alpha_by_class="alpha" if rows else None,
        soft_targets=rule,
        dtypes=DTYPES,
        source="docs/mutants.md",
    )
    return Port(f"mutant:{name}", "numpy", dialect, port, loss=options.loss, companion=port.with_gradient)


def declared_rule(found: tuple[Mutation, ...]) -> str:
    """The rule for soft targets that a mutant declares: one that it does not follow where that is its deviation."""
    followed = {m.deviation.rule for m in found}
    return "linear" if "linear" not in followed else "cross_entropy"


def _conduct(name: str, conduct: str, options: Options) -> Port:
    backend = "torch" if conduct in IN_TORCH else "array_api-numpy"
    right = adapters.load(backend, "eager", options)
    wrap: Any
    if backend == "torch":
        from focal_conformance.mutants.conduct_torch import IN_TORCH as WRAPS

        wrap = WRAPS[conduct]
    else:
        from focal_conformance.mutants.conduct import IN_NUMPY

        wrap = IN_NUMPY[conduct]
    return replace(
        right,
        name=f"mutant:{name}",
        function=wrap(right.function),
        companion=None if right.companion is None else wrap(right.companion),
        second_companion=None,
        dialect=replace(right.dialect, dtypes=DTYPES, transforms=()),
    )
