"""optax.losses.sigmoid_focal_loss."""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: alpha=None is no weighting; continuous labels in [0, 1]; labels are broadcast to the logits.
DIALECT = Dialect(
    logits="logits",
    targets="labels",
    order=("logits", "labels"),
    reduction=None,
    broadcasts_targets=True,
    refuses_bad_parameters=False,
    source="docstring of optax.losses.sigmoid_focal_loss, 0.2.8",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The public function."""
    from optax.losses import sigmoid_focal_loss

    return sigmoid_focal_loss, ()


PEER = Peer(
    name="optax",
    framework="jax",
    packages=("jax", "optax"),
    install="pip install optax",
    dialect=DIALECT,
    function=function,
    distributions=("optax",),
    documentation="https://optax.readthedocs.io/en/latest/api/losses.html#optax.losses.sigmoid_focal_loss",
    differences=(
        "The result is documented to have the logits' shape; (4,) logits and (4, 1) labels give a (4, 4) result.",
    ),
)
