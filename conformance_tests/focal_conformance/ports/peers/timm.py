"""timm.loss.PolyBinaryCrossEntropy with epsilon=0, which its docstring calls the focal loss."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.alone import imported_or_alone
from focal_conformance.ports.peers.peer import Peer

# Its docstring: alpha=None disables the balance; smoothing moves targets towards 0.5; "batchmean" is not claimed here.
DIALECT = Dialect(
    logits="x",
    targets="target",
    order=("epsilon", "gamma", "alpha", "smoothing", "reduction"),
    label_smoothing="smoothing",
    always={"epsilon": 0.0},
    layout="rows",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of timm.loss.PolyBinaryCrossEntropy, 1.0.31",
)


def module() -> tuple[ModuleType, tuple[str, ...]]:
    """The file that has the class."""
    return imported_or_alone("timm.loss.poly_loss")


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The class, constructed for each call."""
    loaded, notes = module()

    def loss(x: Any, target: Any, **parameters: Any) -> Any:
        return loaded.PolyBinaryCrossEntropy(**parameters)(x, target)

    return loss, notes


PEER = Peer(
    name="timm",
    framework="torch",
    packages=("torch", "timm"),
    install="pip install timm",
    dialect=DIALECT,
    function=function,
    distributions=("timm",),
    documentation="https://github.com/huggingface/pytorch-image-models/blob/main/timm/loss/poly_loss.py",
)
