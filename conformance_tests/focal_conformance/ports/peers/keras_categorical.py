"""keras.losses.categorical_focal_crossentropy with from_logits=True, on each backend."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: one-hot targets; alpha, a number or one a class, is always on; one loss for each row.
DIALECT = Dialect(
    logits="y_pred",
    targets="y_true",
    order=("y_true", "y_pred", "alpha", "gamma", "from_logits", "label_smoothing", "axis"),
    axis="axis",
    label_smoothing="label_smoothing",
    alpha_off=(1.0,),
    alpha_by_class="alpha",
    always={"from_logits": True},
    reduction=None,
    soft_targets=None,
    targets_form="rows",
    layout="rows",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of keras.losses.categorical_focal_crossentropy, 3.15",
)
CODE = replace(
    DIALECT,
    soft_targets="expected",
    source="source of keras.losses.categorical_focal_crossentropy, 3.15.1",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The public function."""
    from keras.losses import categorical_focal_crossentropy

    return categorical_focal_crossentropy, ()


def _peer(backend: str) -> Peer:
    return Peer(
        name=f"keras-categorical@{backend}",
        framework=backend,
        packages=("keras", backend),
        install=f"pip install keras {backend}",
        dialect=DIALECT,
        function=function,
        distributions=("keras",),
        documentation="https://keras.io/api/losses/probabilistic_losses/#categoricalfocalcrossentropy-class",
        environment={"KERAS_BACKEND": backend},
        loss="softmax_focal",
        code_dialect=CODE,
        differences=(
            "p_t is documented as the output where y_true is 1 and 1 - output elsewhere, which leaves smoothed labels "
            "without a meaning; each class's own (1 - p_c)^gamma weights its part of the cross-entropy.",
            "label_smoothing is documented to divide by the number of classes; it divides by the length of the last "
            "axis, also where `axis` names another one.",
        ),
    )


PEERS = tuple(_peer(backend) for backend in ("tensorflow", "jax", "torch"))
