"""Calls of the losses whose arrays the tests of DTensors spread over ranks."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from scale.problem import class_indices, logits_and_targets
from torch.distributed.tensor import Replicate, Shard, distribute_tensor

from focal_adapters.torch import sigmoid_focal_loss, softmax_focal_loss

REDUCTIONS = ["none", "sum_classes", "sum", "mean", "mean_positives"]


@dataclass(frozen=True)
class Case:
    """A call; ``class_axis`` is the axis of the logits that class indices and losses of rows do not have."""

    loss: Callable[..., torch.Tensor]
    logits: torch.Tensor
    targets: torch.Tensor
    options: dict[str, Any] = field(default_factory=dict)
    class_axis: int = 1

    def placements(self):
        """Every way to lie on a mesh of one dimension."""
        return {f"axis {axis}": Shard(axis) for axis in range(self.logits.ndim)} | {"copies": Replicate()}

    def spread(self, mesh, placement):
        """The same call of DTensors; what has no axis of that length is on every rank."""

        def on_mesh(array):
            axes = [
                axis for axis in range(self.logits.ndim) if array.ndim == self.logits.ndim or axis != self.class_axis
            ]
            axis = axes.index(placement.dim) if placement.is_shard() and placement.dim in axes else None
            whole = axis is None or array.shape[axis] != self.logits.shape[placement.dim]
            return distribute_tensor(array, mesh, [Replicate() if whole else Shard(axis)])

        options = {key: on_mesh(v) if isinstance(v, torch.Tensor) else v for key, v in self.options.items()}
        return replace(self, logits=on_mesh(self.logits), targets=on_mesh(self.targets), options=options)

    def reductions(self):
        """Those that make sense."""
        return REDUCTIONS if self.loss is sigmoid_focal_loss else [name for name in REDUCTIONS if name != "sum_classes"]

    def results(self, reduction):
        """Value, gradient, gradient that can be differentiated, and a Hessian times a vector."""
        logits = self.logits.detach().requires_grad_()

        def value():
            return self.loss(logits, self.targets, reduction=reduction, **self.options)

        first = value()
        (gradient,) = torch.autograd.grad(first.sum(), logits)
        (again,) = torch.autograd.grad(value().sum(), logits, create_graph=True)
        (second,) = torch.autograd.grad((again * again).sum(), logits)
        return first, gradient, again, second


X, T = (torch.from_numpy(array) for array in logits_and_targets())
I = torch.from_numpy(class_indices())  # noqa: E741
MASK, WEIGHT = X > -1.0, X.abs()
IGNORED = torch.where(WEIGHT[:, 0] > 4.0, -1, I)
ALPHA = [0.1 * number for number in range(2, 10)]
ROW = {"mask": MASK[:, 0], "weight": WEIGHT[:, 0]}
IMAGES, PIXELS = X.reshape(5, 25, 8, 8).movedim(-1, 1), I.reshape(5, 25, 8)
UNEVEN = X[:999, :7]
SIGMOID = {
    "plain": (X, T),
    "masked": (X, T, {"mask": MASK, "weight": WEIGHT}),
    "rough": (X, T, {"gamma": 1.5, "alpha": None}),
    "uneven": (UNEVEN, T[:999, :7]),
    "one row": (X[:1], T[:1]),
    "bfloat16": (X.bfloat16(), T),
    "ignored": (X, torch.where(WEIGHT > 4.0, -1.0, T), {"ignore_index": -1}),
    "alpha per class": (X, T, {"alpha": ALPHA}),
    # The number of classes is the background.
    "indices": (X, torch.where(MASK[:, 1], I, 8)),
    "indices, masked": (X, I, {"mask": MASK, "weight": WEIGHT[:, :1]}),
    "indices, rows masked": (X, IGNORED, {"mask": MASK[:, :1], "ignore_index": -1}),
    "indices, alpha per class": (UNEVEN, I[:999] % 7, {"alpha": ALPHA[:7]}),
}
SOFTMAX = {
    "rows": (X, I),
    "rows, masked": (X, I, ROW),
    "rows, ignored": (X, IGNORED, {"ignore_index": -1, "gamma": 1.5}),
    "rows, alpha per class": (X, I, {"alpha": ALPHA}),
    "rows, uneven": (UNEVEN, I[:999] % 7),
    "one row of classes": (X[:1], I[:1]),
    "rows, bfloat16": (X.bfloat16(), I),
    "soft rows": (X, torch.softmax(X.flip(0), 1), {"alpha": ALPHA, **ROW}),
    "images": (IMAGES, PIXELS, {"axis": 1, "mask": MASK[:, 0].reshape(5, 25, 8)}),
    "soft images": (IMAGES, torch.softmax(IMAGES.flip(0), 1), {"axis": -3, "soft_targets": "cross_entropy"}),
    "classes first": (X.T, I, {"axis": 0, "alpha": ALPHA}, 0),
}
CASES = {name: Case(sigmoid_focal_loss, *given) for name, given in SIGMOID.items()} | {
    name: Case(softmax_focal_loss, *given) for name, given in SOFTMAX.items()
}
