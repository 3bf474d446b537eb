"""focal-loss for TensorFlow: binary_focal_loss and sparse_categorical_focal_loss with from_logits=True."""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: -alpha y (1-p)^gamma log(p) - (1-y) p^gamma log(1-p) with alpha = pos_weight, which is not the
# balance alpha, 1 - alpha; labels 0 and 1; shapes that broadcast; a formula for smoothed labels follows from that one.
BINARY = Dialect(
    logits="y_pred",
    targets="y_true",
    order=("y_true", "y_pred", "gamma"),
    alpha=None,
    fixed_alpha=(None,),
    label_smoothing="label_smoothing",
    smoothed_targets="expected",
    always={"from_logits": True},
    reduction=None,
    soft_targets=None,
    broadcasts_targets=True,
    refuses_bad_parameters=False,
    source="docstring of focal_loss.binary_focal_loss, 0.0.7",
)
SPARSE = Dialect(
    logits="y_pred",
    targets="y_true",
    order=("y_true", "y_pred", "gamma"),
    axis="axis",
    alpha=None,
    fixed_alpha=(None,),
    alpha_by_class="class_weight",
    always={"from_logits": True},
    reduction=None,
    soft_targets=None,
    targets_form="indices",
    layout="rows",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of focal_loss.sparse_categorical_focal_loss, 0.0.7",
)


def _function(name: str) -> Callable[[], tuple[Callable[..., Any], tuple[str, ...]]]:
    def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
        """The public function."""
        import focal_loss

        return getattr(focal_loss, name), ()

    return function


def _peer(name: str, function_name: str, dialect: Dialect, **others: Any) -> Peer:
    return Peer(
        name=name,
        framework="tensorflow",
        packages=("tensorflow", "focal_loss"),
        install="in an environment of its own: pip install tensorflow==2.21.0 focal-loss==0.0.7",
        dialect=dialect,
        function=_function(function_name),
        distributions=("focal-loss",),
        documentation=f"https://focal-loss.readthedocs.io/en/latest/generated/focal_loss.{function_name}.html",
        # It asks for tensorflow by that name, and focal_loss_torch installs the same package.
        environment_packages=("tensorflow==2.21.0", "focal-loss==0.0.7"),
        **others,
    )


PEERS = (
    _peer(
        "focal-loss",
        "binary_focal_loss",
        BINARY,
        differences=(
            "label_smoothing=0 is documented as no smoothing, like None; it switches to another code path, which "
            "takes fractional labels by the documented formula where None takes every label but 0 for a positive.",
        ),
    ),
    _peer(
        "focal-loss-sparse",
        "sparse_categorical_focal_loss",
        SPARSE,
        loss="softmax_focal",
        differences=("gamma is documented to be at least 0; a negative one is accepted.",),
    ),
)
