"""monai.losses.FocalLoss with use_softmax=True."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers import monai
from focal_conformance.ports.peers.peer import Peer

# Its docstring: -alpha (1 - p_t)^gamma log(p_t) of the target class; one alpha, or one a class; the target is
# one-hot or an index of shape (B, 1, *); the unreduced loss has the logits' shape, and "mean" its elements.
DIALECT = Dialect(
    logits="input",
    targets="target",
    order=monai.ORDER,
    always={"use_softmax": True},
    alpha_by_class="alpha",
    ignore_index="ignore_index",
    denominators={"mean": "rows and classes"},
    class_axis=1,
    keeps_class_axis=True,
    soft_targets=None,
    layout="rows",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of monai.losses.FocalLoss, 1.6.1",
)
CODE = replace(
    DIALECT,
    alpha_form="background",
    denominators={"mean": "rows and classes", "sum": "inner axes"},
    soft_targets="expected",
    result_dtype="float32",
    source="source of monai.losses.focal_loss, 1.6.1",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The module, constructed for each call; class indices get the axis of length 1 that it asks for."""
    from monai.losses import FocalLoss  # type: ignore[attr-defined]

    def loss(input: Any, target: Any, **parameters: Any) -> Any:
        if target.ndim < input.ndim:
            return FocalLoss(to_onehot_y=True, **parameters)(input, target[:, None])
        return FocalLoss(**parameters)(input, target)

    return loss, ()


PEER = Peer(
    name="monai-softmax",
    framework="torch",
    packages=("torch", "monai"),
    install="pip install monai",
    dialect=DIALECT,
    function=function,
    distributions=("monai",),
    documentation="https://monai.readthedocs.io/en/stable/losses.html#focalloss",
    loss="softmax_focal",
    code_dialect=CODE,
    differences=(
        *monai.DIFFERENCES,
        "One number alpha is documented as a factor of the loss; it is 1 - alpha for class 0, alpha for the others.",
    ),
)
