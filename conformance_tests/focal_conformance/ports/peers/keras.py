"""keras.losses.binary_focal_crossentropy with from_logits=True, on each backend."""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: apply_class_balancing switches alpha on; the mean over the last axis is returned.
DIALECT = Dialect(
    logits="y_pred",
    targets="y_true",
    order=("y_true", "y_pred", "apply_class_balancing", "alpha", "gamma", "from_logits", "label_smoothing", "axis"),
    label_smoothing="label_smoothing",
    alpha_off=(0.25,),
    when_balanced={"apply_class_balancing": True},
    always={"from_logits": True},
    reduction=None,
    layout="column",
    element_axes="all but last",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of keras.losses.binary_focal_crossentropy, 3.15",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The public function."""
    from keras.losses import binary_focal_crossentropy

    return binary_focal_crossentropy, ()


def _peer(backend: str) -> Peer:
    return Peer(
        name=f"keras@{backend}",
        framework=backend,
        packages=("keras", backend),
        install=f"pip install keras {backend}",
        dialect=DIALECT,
        function=function,
        distributions=("keras",),
        documentation="https://keras.io/api/losses/probabilistic_losses/#binaryfocalcrossentropy-class",
        environment={"KERAS_BACKEND": backend},
        differences=(
            "The docstring's second example is documented as the binary cross-entropy, [0.916, 0.714]; gamma is 2 by "
            "default, and it gives the focal loss, [0.330, 0.206].",
        ),
    )


PEERS = tuple(_peer(backend) for backend in ("tensorflow", "jax", "torch"))
