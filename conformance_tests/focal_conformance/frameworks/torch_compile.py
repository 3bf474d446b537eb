"""torch.compile: one graph, few compilations, and never the result of other parameters."""

from collections.abc import Callable
from typing import Any

import torch

from focal_conformance.checks.sample import Sample
from focal_conformance.checks.transforms.trial import Trial

PARAMETER_SETS = 12
BATCHES = (7, 12, 5)
"""Sizes after the first two, from which Dynamo learns that the size changes."""


def compile(trial: Trial) -> None:
    """With default options; at the recommended level also with symbolic sizes from the start."""
    for dynamic in (None,) if trial.session.level == "required" else (None, True):
        torch.compiler.reset()
        # A port that is compiled anew for every gamma is slow, not wrong: it shall come to an end.
        with torch._dynamo.config.patch(recompile_limit=64):
            _judge(trial, dynamic)
        torch.compiler.reset()


def _judge(trial: Trial, dynamic: bool | None) -> None:
    """Values as in evaluation, which Inductor compiles otherwise than values of which a gradient is taken."""
    compiled, graphs = _counted(trial, dynamic)
    first, *others = trial.parameter_sets(PARAMETER_SETS)
    label = f"torch.compile(dynamic={dynamic})"
    # Everything is new in the second call: what it compiles holds for every size, alpha and gamma.
    _evaluate(trial, compiled, trial.points(6, parameters=first), label)
    for judge, kind in ((_evaluate, "in evaluation"), (_differentiate, "in training")):
        judge(trial, compiled, trial.points(9, parameters=others[0]), f"{label} {kind}")
        known = len(graphs)
        for rows in BATCHES:
            judge(trial, compiled, trial.points(rows, parameters=others[0]), f"{label} {kind}, {rows} rows")
            text = f"{label} {kind}: compiled anew for a batch of {rows} after other sizes"
            trial.outcome.expect(len(graphs) == known, text)
            known = len(graphs)
        for parameters in others:
            asked = f"alpha={parameters.alpha}, gamma={parameters.gamma:.6g}"
            points = trial.points(9, parameters=parameters)
            judge(trial, compiled, points, f"{label} {kind}, {asked} after other parameters")


def _counted(trial: Trial, dynamic: bool | None) -> tuple[Callable[..., Any], list[Any]]:
    """The compiled port, and the graphs that were compiled.

    The first graph has all sizes and parameters built in, and a guard for each. At the required
    level no code is generated for it: that takes seconds, and later graphs are the ones in use.
    """
    graphs: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        built_in = dynamic is None and len(graphs) == 1 and trial.session.level == "required"
        return torch._dynamo.lookup_backend("aot_eager" if built_in else "inductor")(graph, inputs)

    call = trial.session.port.call
    return torch.compile(call, fullgraph=True, dynamic=dynamic, backend=backend), graphs


def _evaluate(trial: Trial, compiled: Callable[..., Any], points: Sample, label: str) -> None:
    x, t = trial.arrays(points)
    with torch.no_grad():
        trial.judge("value", compiled(x, t, trial.keywords(points)), points, label)


def _differentiate(trial: Trial, compiled: Callable[..., Any], points: Sample, label: str) -> None:
    x, t = trial.arrays(points)
    keywords = trial.keywords(points)
    value, slope = trial.driver.gradient(lambda x, t: compiled(x, t, keywords), x, t)
    trial.judge_both(value, slope, points, label)
