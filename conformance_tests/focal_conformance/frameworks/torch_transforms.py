"""Transformations of PyTorch but torch.compile: torch.func, autocast, export, tensors without data."""

from collections.abc import Callable
from typing import Any

import torch
from torch import func

from focal_conformance.checks.transforms.trial import Trial
from focal_conformance.frameworks.driver import Function

GROUPS = 4


def _total(function: Function) -> Callable[..., Any]:
    return lambda x, t: function(x, t).sum()


def grad(trial: Trial) -> None:
    """torch.func.vjp and torch.func.grad."""
    points = trial.points()
    x, t = trial.arrays(points)
    function = trial.function(points)
    value, pullback = func.vjp(lambda x: function(x, t), x)
    trial.judge_both(value, pullback(torch.ones_like(value))[0], points, "torch.func.vjp")
    trial.judge("gradient", func.grad(_total(function))(x, t), points, "torch.func.grad")


def vmap(trial: Trial) -> None:
    """Values, and gradients of each group."""
    points = trial.points()
    x, t = trial.arrays(points, GROUPS)
    function = trial.function(points)
    trial.judge_groups("value", func.vmap(function)(x, t), points, GROUPS, "torch.func.vmap")
    slopes = func.vmap(func.grad(_total(function)))(x, t)
    trial.judge_groups("gradient", slopes, points, GROUPS, "torch.func.vmap of grad")


def jvp(trial: Trial) -> None:
    """Forward mode, alone and under vmap."""
    points = trial.points()
    x, t = trial.arrays(points)
    function = trial.function(points)
    direction = trial.driver.array(trial.direction(points).reshape(tuple(x.shape)), points.dtype)
    value, tangent = func.jvp(lambda x: function(x, t), (x,), (direction,))
    trial.judge("value", value, points, "torch.func.jvp")
    trial.judge_product(tangent, points, "torch.func.jvp")


def hessian(trial: Trial) -> None:
    """Forward over reverse."""
    points = trial.points()
    x, t = trial.arrays(points)
    trial.judge_hessian(func.hessian(_total(trial.function(points)))(x, t), points, "torch.func.hessian")


def autocast(trial: Trial) -> None:
    """Logits as a layer under autocast gives them, and in float32; the derivative is taken outside."""
    kind = torch.device(trial.driver.device).type
    for dtype in ("bfloat16", "float32"):
        if dtype not in trial.session.dtypes:
            continue
        points = trial.points(dtype=dtype)
        x, t = trial.arrays(points)
        function = trial.function(points)
        x.requires_grad_(True)
        with torch.autocast(kind, dtype=torch.bfloat16):
            value = function(x, t)
        label = f"{dtype} logits under autocast"
        trial.judge_both(value, torch.autograd.grad(value.sum(), x)[0], points, label)
        trial.judge_dtype(value, points, label, also=("float32",))


def export(trial: Trial) -> None:
    """One program for every batch size. Values alone: a program that was exported is not trained."""
    points = trial.points()
    call, keywords = trial.session.port.call, trial.keywords(points)

    class Loss(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any, t: Any) -> Any:
            return call(x, t, keywords)

    batch = torch.export.Dim("batch")
    program = torch.export.export(Loss(), trial.arrays(points), dynamic_shapes=({0: batch}, {0: batch}))
    loss = program.module()
    for rows in (len(points.logits), 5, 19):
        other = trial.points(rows)
        trial.judge("value", loss(*trial.arrays(other)), other, f"torch.export, {rows} rows")


def meta_device(trial: Trial) -> None:
    """Shape and dtype as with data, and no data needed."""
    points = trial.points()
    x, t = trial.arrays(points)
    function, driver = trial.function(points), trial.driver
    value, slope = driver.gradient(function, x, t)
    _judge_meta(trial, "value", driver.value(function, x.to("meta"), t.to("meta")), value)
    _judge_meta(trial, "gradient", driver.gradient(function, x.to("meta"), t.to("meta"))[1], slope)


def _judge_meta(trial: Trial, name: str, got: Any, with_data: Any) -> None:
    trial.outcome.expect(got.device.type == "meta", f"{name} of meta tensors is on {got.device}")
    kind, want = ((tuple(array.shape), array.dtype) for array in (got, with_data))
    trial.outcome.expect(kind == want, f"{name} of meta tensors: {kind}, expected {want}")
