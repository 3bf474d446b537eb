"""monai.losses.FocalLoss with use_softmax=False."""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: input and target (B, N, *) of one shape; "sum" sums the output; no dtype of its own.
DIALECT = Dialect(
    logits="input",
    targets="target",
    soft_targets="margin",
    layout="column",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of monai.losses.FocalLoss, 1.6.1",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The module, constructed for each call."""
    from monai.losses import FocalLoss  # type: ignore[attr-defined]

    def loss(input: Any, target: Any, **parameters: Any) -> Any:
        return FocalLoss(**parameters)(input, target)

    return loss, ()


PEER = Peer(
    name="monai",
    framework="torch",
    packages=("torch", "monai"),
    install="pip install monai",
    dialect=DIALECT,
    function=function,
    distributions=("monai",),
    documentation="https://monai.readthedocs.io/en/stable/losses.html#focalloss",
)
