"""kornia.losses.focal_loss, the softmax loss."""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: class indices (B, *) for logits (B, C, *); class 0 is the background; the result keeps the class
# axis, and "mean" divides by every element of it, the ignored ones included.
DIALECT = Dialect(
    logits="pred",
    targets="target",
    order=("pred", "target", "alpha", "gamma", "reduction", "weight", "ignore_index"),
    alpha_form="background",
    ignore_index="ignore_index",
    denominators={"mean": "rows and classes"},
    targets_form="indices",
    class_axis=1,
    keeps_class_axis=True,
    soft_targets=None,
    layout="rows",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of kornia.losses.focal_loss, 0.9.0",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The public function."""
    from kornia.losses import focal_loss

    return focal_loss, ()


PEER = Peer(
    name="kornia-softmax",
    framework="torch",
    packages=("torch", "kornia"),
    install="pip install kornia",
    dialect=DIALECT,
    function=function,
    distributions=("kornia",),
    documentation="https://kornia.readthedocs.io/en/latest/losses.html#kornia.losses.focal_loss",
    loss="softmax_focal",
)
