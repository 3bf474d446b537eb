"""torch: eager and compiled, on CPU and CUDA; a step is a forward pass and ``backward()``."""

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch.nn.functional import one_hot

from benchmarks.cases import ADD, COPY, OURS, RECOMPUTE, Case, Work
from benchmarks.contestants import Entrant, NotMeasured
from benchmarks.data import Data
from focal_adapters import torch as adapter

Loss = Callable[[Any, Any], Any]


def opened(case: Case, data: Data) -> Callable[[str], Entrant]:
    """Contestants by name, on the same two tensors."""
    work = case.work
    dtype = getattr(torch, work.dtype)
    x = torch.from_numpy(data.logits).to(case.device, dtype).requires_grad_()
    t = torch.from_numpy(data.targets).to(case.device, dtype if work.targets == "dense" else torch.int64)

    def entrant(name: str) -> Entrant:
        if name == COPY:
            return _copy(work, case.device)
        function, whole = (torch.add, True) if name == ADD else _loss(name, work)
        if case.mode == "compile":
            torch.compiler.reset()
            function = torch.compile(function, fullgraph=whole)
        return _addition(function, x, t) if name == ADD else _step(function, x, t)

    return entrant


def _step(function: Loss, x: Any, t: Any) -> Entrant:
    def call() -> tuple[Any, Any]:
        x.grad = None
        value = function(x, t)
        value.backward()
        return value.detach(), x.grad

    def clear() -> None:
        x.grad = None

    def numbers(result: Any) -> tuple[float, Any]:
        return float(result[0]), result[1].float().cpu().numpy()

    return Entrant(call, numbers, clear, lambda: function(x, t), (x, t))


def _addition(function: Loss, x: Any, t: Any) -> Entrant:
    def call() -> Any:
        with torch.no_grad():
            return function(x, t)

    return Entrant(call, None)


def _copy(work: Work, device: str) -> Entrant:
    """Reads and writes as many bytes as one pass over logits, targets and gradient moves."""
    source = torch.zeros(work.elements * work.least_bytes // 2, dtype=torch.uint8, device=device)
    return Entrant(lambda: source.clone(), None)


def _loss(name: str, work: Work) -> tuple[Loss, bool]:
    """A function of logits and targets, and whether it has to be one graph."""
    if name in (OURS, RECOMPUTE):
        return _ours(name, work), True
    return PEERS[name, work.loss](work), False


def _ours(name: str, work: Work) -> Loss:
    function = getattr(adapter, f"{work.loss}_loss")
    options: dict[str, Any] = {"alpha": work.alpha, "gamma": work.gamma, "reduction": "sum"}
    if name == RECOMPUTE:
        if "recompute" not in inspect.signature(function).parameters:
            raise NotMeasured(f"{function.__name__} has no argument recompute")
        options["recompute"] = True
    return lambda x, t: function(x, t, **options)


def _torchvision(work: Work) -> Loss:
    from focal_conformance.ports.peers.torchvision import function

    loss, _ = function()
    _make_importable(loss)
    if work.targets == "dense":
        return lambda x, t: loss(x, t, alpha=work.alpha, gamma=work.gamma, reduction="sum")

    def with_one_hot(x: Any, t: Any) -> Any:
        dense = one_hot(t, work.classes + 1)[:, : work.classes].to(x.dtype)
        return loss(x, dense, alpha=work.alpha, gamma=work.gamma, reduction="sum")

    return with_one_hot


def _make_importable(loss: Loss) -> None:
    """Dynamo imports the module of a function that it traces; one that was loaded alone is not to be found by name."""
    name = loss.__globals__["__name__"]
    if name not in sys.modules:
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__dict__.update(loss.__globals__)


def _kornia(work: Work) -> Loss:
    from kornia.losses import binary_focal_loss_with_logits

    return lambda x, t: binary_focal_loss_with_logits(x, t, alpha=work.alpha, gamma=work.gamma, reduction="sum")


def _kornia_softmax(work: Work) -> Loss:
    from kornia.losses import focal_loss

    return lambda x, t: focal_loss(x, t, alpha=work.alpha, gamma=work.gamma, reduction="sum")


def _monai(work: Work) -> Loss:
    from monai.losses import FocalLoss

    # Its "sum" is a mean (docs/findings/monai-sum.md).
    module = FocalLoss(alpha=work.alpha, gamma=work.gamma, reduction="none")
    return lambda x, t: module(x, t).sum()


def _monai_softmax(work: Work) -> Loss:
    from monai.losses import FocalLoss

    module = FocalLoss(alpha=work.alpha, gamma=work.gamma, reduction="none", use_softmax=True, to_onehot_y=True)
    return lambda x, t: module(x, t[:, None]).sum()


PEERS: dict[tuple[str, str], Callable[[Work], Loss]] = {
    ("torchvision", "sigmoid_focal"): _torchvision,
    ("kornia", "sigmoid_focal"): _kornia,
    ("MONAI", "sigmoid_focal"): _monai,
    ("kornia", "softmax_focal"): _kornia_softmax,
    ("MONAI", "softmax_focal"): _monai_softmax,
}
