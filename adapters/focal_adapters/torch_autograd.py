"""Element losses of PyTorch with analytic first and second derivatives, in every kind of differentiation.

Dynamo does not trace the Functions below: it refuses any with a ``jvp``, and nests those without
one wrongly under ``torch.func`` (torch 2.13: a compiled ``grad(grad(...))`` of a Function is
silently 0 when its input was computed). It puts one opaque call into its graph, which AOTAutograd
then traces as eager execution would run it.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.utils.checkpoint import CheckpointPolicy

from focal_adapters import torch_namespace as xp
from focal_adapters.parameters import held_in_float32
from focal_ref.losses import Loss
from focal_ref.powers import MOST_PRODUCTS

_KIND = 2
"""Position of the class of the loss among the inputs of a Function."""
_THIRD = "the focal losses have analytic first and second derivatives; third derivatives are not provided"


def element_losses(loss: Loss, logits: Tensor, targets: Tensor, *, keep: bool = False) -> Tensor:
    """Loss of each element or row, differentiable twice with respect to the logits.

    Parameters
    ----------
    loss : Loss, a dataclass
        Its parameters are rounded to the dtype of the logits.
    logits, targets : tensors, float32 or float64
        ``targets`` of the shape and dtype of ``logits``, or class indices.
    keep : bool
        Compiled, the gradient of independent logits is kept, whatever the compiler would rather do.

    Returns
    -------
    tensor of the dtype of logits, in nats

    Raises
    ------
    TypeError
        On differentiation with respect to the targets.
    RuntimeError
        On a third differentiation.
    """
    if torch.compiler.is_dynamo_compiling():
        values = _values(loss)
        floats = [value if isinstance(value, float) else None for value in values]
        tensors = [_as_tensor(value, logits) for value in values]
        kept = keep and logits.requires_grad and torch.is_grad_enabled() and not loss.consumes_classes
        return _in_graph(id(type(loss)), kept, logits, targets, *floats, *tensors)
    held = loss if logits.dtype == torch.float64 else held_in_float32(loss)
    # A tuple would be taken apart by vmap, as any container is.
    values = [logits.new_tensor(v) if isinstance(v, tuple) else v for v in _values(held)]
    losses: Tensor = _Value.apply(logits, targets, type(loss), *values)
    return losses


def gradient_of_elements(loss: Loss, logits: Tensor, targets: Tensor) -> Tensor:
    """Derivative of the sum of the losses, differentiable once more; takes what `element_losses` takes."""
    values = [logits.new_tensor(v) if isinstance(v, tuple) else v for v in _values(loss)]
    gradient: Tensor = _Gradient.apply(logits, targets, type(loss), *values)
    return gradient


def refusal(name: str) -> str:
    """Why a derivative with respect to an argument is refused."""
    return f"{name} must not require a derivative: derivatives are provided with respect to the logits only"


def _values(loss: Loss) -> list[Any]:
    return [getattr(loss, field.name) for field in dataclasses.fields(loss)]  # type: ignore[arg-type]


def _assembled(kind: type[Loss], values: tuple[Any, ...]) -> Loss:
    """Make a loss of the values of its fields; not by its constructor, whose checks are for numbers."""
    loss = object.__new__(kind)
    for field, value in zip(dataclasses.fields(kind), values, strict=True):  # type: ignore[arg-type]
        object.__setattr__(loss, field.name, value)
    return loss


def _as_tensor(value: Any, like: Tensor) -> Any:
    """Turn a float into a 0-d tensor of the dtype and on the device of another one.

    Inductor returns stale results for a Python float that changes between calls and is used both as
    an exponent and elsewhere (pytorch#194976, #197889). A product with a tensor is one of the few
    forms that it neither gets wrong nor compiles anew for every value, as it does
    ``torch.tensor(value)``.
    """
    if isinstance(value, tuple):
        return torch.stack([_as_tensor(number, like) for number in value])
    if not isinstance(value, float):
        return value
    limits = torch.finfo(like.dtype)
    return (torch.ones((), dtype=like.dtype, device=like.device) * value).clamp(limits.min, limits.max)


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def _in_graph(kind_id: int, kept: bool, logits: Tensor, targets: Tensor, *floats_and_tensors: Any) -> Tensor:
    # By id, because Dynamo's graph cannot hold a class; it has guarded the type of the loss.
    kind = next(kind for kind in _subclasses(Loss) if id(kind) == kind_id)
    count = len(floats_and_tensors) // 2
    pairs = zip(floats_and_tensors[:count], floats_and_tensors[count:], strict=True)
    values = [number if _is_constant(number) else tensor for number, tensor in pairs]
    function = _KeptValue if kept else _Value
    return function.apply(logits, targets, kind, *values)


def _is_constant(number: Any) -> bool:
    """Whether this is a multiple of 1/2 that has not changed: a number that has is a SymFloat.

    A gamma that takes products instead of a power, and that every dtype holds.
    """
    return type(number) is float and abs(number) <= MOST_PRODUCTS and 2.0 * number == int(2.0 * number)


def _subclasses(kind: type) -> Iterator[type]:
    subclass: type
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


class _ElementFunction(Function):  # type: ignore[misc]
    """A function of (logits, targets, class of the loss, values of its fields)."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        tensors = [value for value in inputs if isinstance(value, Tensor)]
        ctx.plain = [None if isinstance(value, Tensor) else value for value in inputs]
        ctx.is_tensor = [isinstance(value, Tensor) for value in inputs]
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)
        # Else targets without a tangent could not be told from targets with one.
        ctx.set_materialize_grads(False)


def _inputs(ctx: Any) -> list[Any]:
    saved = iter(ctx.saved_tensors)
    pairs = zip(ctx.is_tensor, ctx.plain, strict=True)
    return [next(saved) if is_tensor else value for is_tensor, value in pairs]


def _loss_of(ctx: Any) -> Loss:
    """The loss, with tensors for the parameters that are tensors."""
    return _assembled(ctx.plain[_KIND], tuple(_inputs(ctx)[_KIND + 1 :]))


def _refuse_targets(asked: bool) -> None:
    if asked:
        raise TypeError(refusal("targets"))


def _all_levels_forward() -> Any:
    # PyTorch turns forward mode off for all levels while a jvp runs, not for its own level only:
    # jvp of jvp, and jacfwd of jacfwd, would silently lose the outer tangent.
    return forward_ad._set_fwd_grad_enabled(True)


def _primals(ctx: Any) -> list[Any]:
    return [_primal(value) for value in _inputs(ctx)]


def _primal(value: Any) -> Any:
    # The level is named, because Dynamo's graph enters it without saying so to forward_ad.
    return forward_ad.unpack_dual(value, level=0).primal if isinstance(value, Tensor) else value


class _Value(_ElementFunction):
    @staticmethod
    def forward(x: Tensor, t: Tensor, kind: type[Loss], *values: Any) -> Tensor:
        return _assembled(kind, values).fused_value(x, t, xp=xp)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        _refuse_targets(ctx.needs_input_grad[1])
        nothing = [None] * (len(ctx.plain) - 1)
        if upstream is None:
            return (None, *nothing)
        return (_loss_of(ctx).spread(upstream, xp) * _Gradient.apply(*_inputs(ctx)), *nothing)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        _refuse_targets(tangents[1] is not None)
        with _all_levels_forward():
            return _loss_of(ctx).contracted(tangents[0] * _Gradient.apply(*_primals(ctx)), xp)


class _KeptValue(_Value):
    """For the partitioner of AOTAutograd (torch 2.13), which keeps logits instead of a gradient, and computes twice.

    It keeps what is marked, if the forward pass has a use for it: a nan of the gradient is one of the
    value anyway. The backward pass asks for the same gradient, which is then found to be there.
    """

    @staticmethod
    def forward(x: Tensor, t: Tensor, kind: type[Loss], *values: Any) -> Tensor:
        loss = _assembled(kind, values)
        value = loss.fused_value(x, t, xp=xp)
        gradient = loss.fused_gradient(x, t, xp=xp)
        tracing = get_proxy_mode()
        if tracing is not None:
            last = next(reversed(tracing.tracer.graph.nodes))
            last.meta["recompute"] = CheckpointPolicy.MUST_SAVE
        return torch.where(gradient == gradient, value, gradient)


class _Gradient(_ElementFunction):
    @staticmethod
    def forward(x: Tensor, t: Tensor, kind: type[Loss], *values: Any) -> Tensor:
        return _assembled(kind, values).fused_gradient(x, t, xp=xp)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        # The Hessian is symmetric: forwards and backwards it is the same product.
        _refuse_targets(ctx.needs_input_grad[1])
        nothing = [None] * (len(ctx.plain) - 1)
        return (None if upstream is None else _hessian_product(_inputs(ctx), upstream), *nothing)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        _refuse_targets(tangents[1] is not None)
        with _all_levels_forward():
            return _hessian_product(_primals(ctx), tangents[0])


def _hessian_product(inputs: list[Any], vector: Tensor) -> Tensor:
    """Where an element depends on no other, a product of two tensors, whose derivatives PyTorch knows."""
    kind: type[Loss] = inputs[_KIND]
    product: Tensor = (
        _HessianProduct.apply(*inputs, vector) if kind.consumes_classes else (_Curvature.apply(*inputs) * vector)
    )
    return product


class _Curvature(_ElementFunction):
    @staticmethod
    def forward(x: Tensor, t: Tensor, kind: type[Loss], *values: Any) -> Tensor:
        return _assembled(kind, values).curvature(x, t, xp=xp)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        raise RuntimeError(_THIRD)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        raise RuntimeError(_THIRD)


class _HessianProduct(_ElementFunction):
    """Of a row's Hessian with a vector, the last input."""

    @staticmethod
    def forward(x: Tensor, t: Tensor, kind: type[Loss], *values: Any) -> Tensor:
        return _assembled(kind, values[:-1]).hessian_product(x, t, values[-1], xp=xp)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        raise RuntimeError(_THIRD)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        if tangents[0] is not None:
            raise RuntimeError(_THIRD)
        # Linear in the vector.
        with _all_levels_forward():
            *inputs, _ = _primals(ctx)
            return _hessian_product(inputs, tangents[-1])
