"""fvcore.nn.sigmoid_focal_loss."""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring speaks of float tensors and says nothing of a dtype of its own.
DIALECT = Dialect(
    logits="inputs",
    targets="targets",
    order=("inputs", "targets", "alpha", "gamma", "reduction"),
    alpha_off=(-1,),
    integer_targets=False,
    refuses_bad_parameters=False,
    source="docstring of fvcore.nn.sigmoid_focal_loss, 0.1.5.post20221221",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The public function."""
    from fvcore.nn import sigmoid_focal_loss

    return sigmoid_focal_loss, ()


PEER = Peer(
    name="fvcore",
    framework="torch",
    packages=("torch", "fvcore"),
    install="pip install fvcore",
    dialect=DIALECT,
    function=function,
    distributions=("fvcore",),
    documentation="https://github.com/facebookresearch/fvcore/blob/main/fvcore/nn/focal_loss.py",
)
