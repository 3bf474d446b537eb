"""segmentation_models_pytorch.losses.FocalLoss in its three modes."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.alone import imported_or_alone
from focal_conformance.ports.peers.peer import Peer

ORDER = (
    *("mode", "alpha", "gamma", "ignore_index", "from_logits", "eps", "reduction", "normalized", "reduced_threshold"),
    "class_weights",
)
"""Of the constructor."""

# Its docstring gives alpha one sentence and no formula, and shapes (N, C, H, W); it says nothing of soft targets
# nor of a dtype, and names no reduction.
BINARY = Dialect(
    logits="y_pred",
    targets="y_true",
    order=ORDER,
    always={"mode": "binary"},
    ignore_index="ignore_index",
    soft_targets="cross_entropy",
    flattens=True,
    refuses_bad_parameters=False,
    source="docstring of segmentation_models_pytorch.losses.FocalLoss, 0.6.0",
)
MULTILABEL = replace(
    BINARY,
    always={"mode": "multilabel"},
    ignore_index=None,
    reduction=None,
    returns="mean",
    class_axis=1,
    flattens=False,
    layout="column",
    zero_d=False,
)
MULTICLASS = replace(
    MULTILABEL,
    always={"mode": "multiclass"},
    alpha=None,
    fixed_alpha=(None,),
    ignore_index="ignore_index",
    soft_targets=None,
    targets_form="indices",
    layout="rows",
)
MULTICLASS_CODE = replace(
    MULTICLASS,
    alpha="alpha",
    fixed_alpha=(),
    class_indices=True,
    source="source of segmentation_models_pytorch.losses.FocalLoss, 0.6.0",
)


def module() -> tuple[ModuleType, tuple[str, ...]]:
    """The file that has the class."""
    package = "segmentation_models_pytorch.losses"
    return imported_or_alone(f"{package}.focal", f"{package}.constants", f"{package}._functional")


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The class, constructed for each call."""
    loaded, notes = module()

    def loss(y_pred: Any, y_true: Any, **parameters: Any) -> Any:
        return loaded.FocalLoss(**parameters)(y_pred, y_true)

    return loss, notes


def _peer(mode: str, dialect: Dialect, **others: Any) -> Peer:
    return Peer(
        name=f"smp-{mode}",
        framework="torch",
        packages=("torch", "segmentation_models_pytorch"),
        install="pip install segmentation-models-pytorch",
        dialect=dialect,
        function=function,
        distributions=("segmentation-models-pytorch",),
        documentation="https://smp.readthedocs.io/en/latest/losses.html#focalloss",
        **others,
    )


ALPHA = "alpha is documented as the prior probability of a positive target; it is the weight of the positives."
NO_NONE = "reduction='none' is accepted and gives the mean: every class is averaged before the reduction is looked at."
PEERS = (
    _peer("binary", BINARY, differences=(ALPHA,)),
    _peer(
        "multilabel",
        MULTILABEL,
        differences=(ALPHA, NO_NONE, "ignore_index raises IndexError for targets of the logits' shape."),
    ),
    _peer(
        "multiclass",
        MULTICLASS,
        loss="softmax_focal",
        code_dialect=MULTICLASS_CODE,
        code_loss="sigmoid_focal",
        differences=(
            ALPHA,
            NO_NONE,
            "With from_logits=False it takes the probabilities of a softmax; with logits it takes no softmax: each "
            "class is a sigmoid loss of its own, and the mean is over rows and classes.",
        ),
    ),
)
