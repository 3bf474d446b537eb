"""Bad conduct that only a framework with autodiff can show."""

from collections.abc import Callable
from typing import Any

import torch

Call = Callable[..., Any]
"""A named function of the adapter for torch."""


class _Kept(torch.autograd.Function):
    """A saved gradient, and what is done with it when the one from above comes."""

    @staticmethod
    def forward(ctx: Any, logits: Any, value: Any, slope: Any, backward: Any) -> Any:
        ctx.slope, ctx.backward_of, ctx.rank = slope, backward, value.ndim
        return value.clone()

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:  # type: ignore[override]
        while upstream.ndim and upstream.ndim < ctx.slope.ndim:
            upstream = upstream[..., None]
        return ctx.backward_of(ctx.slope, upstream), None, None, None


def _with_backward(call: Call, backward: Callable[[Any, Any], Any]) -> Call:
    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        if not logits.requires_grad:
            return call(logits, targets, **keywords)
        x = logits.detach().clone().requires_grad_()
        with torch.enable_grad():
            value = call(x, targets, **keywords)
            (slope,) = torch.autograd.grad(value.sum(), x)
        return _Kept.apply(logits, value.detach(), slope, backward)

    return port


def ignores_upstream_gradient(call: Call) -> Call:
    """The saved gradient, whatever comes from above."""
    return _with_backward(call, lambda slope, upstream: slope.clone())


def second_backward_differs(call: Call) -> Call:
    """The saved gradient is scaled in place."""
    return _with_backward(call, lambda slope, upstream: slope.mul_(upstream))


def switches_gradients_on(call: Call) -> Call:
    """Gradients are switched off for the factor, and on again whatever they were."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        result = call(logits, targets, **keywords)
        torch.set_grad_enabled(True)
        return result

    return port


def no_gradient(call: Call) -> Call:
    """The result is detached."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        return call(logits, targets, **keywords).detach()

    return port


IN_TORCH: dict[str, Callable[[Call], Call]] = {
    wrap.__name__: wrap
    for wrap in (ignores_upstream_gradient, second_backward_differs, switches_gradients_on, no_gradient)
}
