"""kornia.losses.binary_focal_loss_with_logits."""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: (B, C, *) with at least two axes, values in [0, 1]; fractional targets weight the two terms.
DIALECT = Dialect(
    logits="pred",
    targets="target",
    order=("pred", "target", "alpha", "gamma", "reduction", "pos_weight", "weight", "ignore_index"),
    ignore_index="ignore_index",
    denominators={"mean": "all elements"},
    class_axis=1,
    soft_targets="expected",
    layout="column",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of kornia.losses.binary_focal_loss_with_logits, 0.9.0",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The public function."""
    from kornia.losses import binary_focal_loss_with_logits

    return binary_focal_loss_with_logits, ()


PEER = Peer(
    name="kornia",
    framework="torch",
    packages=("torch", "kornia"),
    install="pip install kornia",
    dialect=DIALECT,
    function=function,
    distributions=("kornia",),
    documentation="https://kornia.readthedocs.io/en/latest/losses.html",
)
