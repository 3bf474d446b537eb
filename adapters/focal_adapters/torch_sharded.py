"""DTensors: every rank computes the losses of its own part by the plain tensors' code; what is reduced is global.

An element, or a row of classes, needs no other. So the parts are taken out, and the losses go back in
as the parts of a DTensor, whose sums and counts are over all ranks. Formulas do not see DTensors: what
they make of no array, such as class numbers, would be a plain tensor beside them, which PyTorch refuses.

`torch.distributed` is loaded only where a DTensor is at hand, which has loaded it.
"""

from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor

from focal_adapters import pipeline, torch_namespace
from focal_adapters.backend import Backend
from focal_ref.losses import Loss


def is_sharded(value: Any) -> bool:
    """Whether this is a DTensor."""
    # By name: isinstance would load torch.distributed.tensor.
    return isinstance(value, Tensor) and type(value).__name__ == "DTensor"


def beside(name: str, array: Tensor, value: Any, logits: Tensor) -> Tensor:
    """An argument beside the logits; TypeError where one is a DTensor and the other is not.

    ``array`` is the tensor of ``value``. A plain tensor may be the whole array or a rank's own part, and
    nobody can tell. One number is the same on every rank.
    """
    if is_sharded(logits) and not is_sharded(array):
        if array.ndim > 0:
            raise TypeError(
                f"{name} must be a DTensor, as logits is one, got a {type(value).__name__}: give "
                f"distribute_tensor({name}, logits.device_mesh, placements) of the whole array, or "
                f"DTensor.from_local({name}, logits.device_mesh, placements) of a rank's own part"
            )
        return _replicated(array, logits.device_mesh)
    if is_sharded(array) and not is_sharded(logits):
        raise TypeError(f"logits must be a DTensor, as {name} is one, got {type(logits).__name__}")
    if is_sharded(array) and array.device_mesh != logits.device_mesh:
        raise ValueError(f"{name} must lie on the device mesh of logits, {logits.device_mesh}, got {array.device_mesh}")
    return array


def result(backend: Backend, given: pipeline.Given) -> Tensor:
    """The reduced loss of DTensors."""
    around: Any = _Around(given.logits.device_mesh)
    # Here, so that what counts the losses does not gather parts of rows once more.
    given = replace(given, logits=_computable(given.loss, given.logits, given.indices))
    inputs = pipeline.prepared(around, given)
    reduced: Tensor = pipeline.finished(around, inputs, _elements(backend, inputs.loss, inputs.x, inputs.t))
    return reduced


def _elements(backend: Backend, loss: Loss, x: Any, t: Any) -> Tensor:
    """Element losses of all parts, placed as the logits are, or as their rows."""
    indices = t.ndim < x.ndim
    # Beside a mask in parts the logits are in parts, too.
    x = _computable(loss, x, indices)
    if x.device_mesh.get_coordinate() is None:
        # A rank outside of the mesh has no numbers: all that counts is the shape, of the gradient, too.
        outside: Tensor = loss.contracted(x * x, torch_namespace)
        return outside
    per_row = [_without(placement, loss.axis % x.ndim) for placement in x.placements] if x.ndim else x.placements
    t = t.redistribute(placements=per_row if indices else x.placements)
    part = backend.elements(loss, _part(x), _part(t))
    shape = loss.losses_shape(tuple(x.shape))
    return _whole(part, x.device_mesh, per_row if loss.consumes_classes else x.placements, shape)


def _computable(loss: Loss, x: Any, indices: bool) -> Any:
    """The logits in parts that have losses of their own: terms of a sum have none, nor parts of a row."""
    from torch.distributed.tensor import Replicate, Shard

    rows = loss.consumes_classes or indices or isinstance(loss.alpha, tuple)
    class_axis = loss.axis % x.ndim if rows else x.ndim

    def kept(placement: Any) -> bool:
        axis = getattr(placement, "dim", -1)
        # Strided shards, which views make, have no public name, and so none without the class axis.
        return not placement.is_partial() and (axis < class_axis or (axis > class_axis and type(placement) is Shard))

    return x.redistribute(placements=[placement if kept(placement) else Replicate() for placement in x.placements])


def _without(placement: Any, class_axis: int) -> Any:
    """The same placement of an array without the class axis."""
    from torch.distributed.tensor import Shard

    return Shard(placement.dim - 1) if getattr(placement, "dim", -1) > class_axis else placement


def _part(array: Any) -> Tensor:
    """A rank's own part."""
    part: Any = array.to_local()
    return part.wait() if hasattr(part, "wait") else part


def _whole(part: Tensor, mesh: Any, placements: Any, shape: tuple[int, ...]) -> Tensor:
    """The DTensor of all parts, which need not have the same size."""
    from torch.distributed.tensor import DTensor

    strides = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    array = DTensor.from_local(part.contiguous(), mesh, placements, shape=torch.Size(shape), stride=strides)
    # It is there already; but a gradient that lies elsewhere comes back by this step, which can be
    # differentiated again. That of from_local would lose the second derivative, and say nothing.
    return array.redistribute(placements=placements)


def _replicated(array: Tensor, mesh: Any) -> Tensor:
    from torch.distributed.tensor import DTensor, Replicate

    result: Tensor = DTensor.from_local(array, mesh, [Replicate()] * mesh.ndim)
    return result


class _Around:
    """What the pipeline asks of a backend, around the element losses."""

    def __init__(self, mesh: Any) -> None:
        self.xp = _Namespace(mesh)


class _Namespace:
    """Of torch; what is made of no array lies whole on every rank."""

    def __init__(self, mesh: Any) -> None:
        self._mesh = mesh

    def arange(self, *limits: int, **options: Any) -> Tensor:
        return _replicated(torch.arange(*limits, **options), self._mesh)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch_namespace, name)
