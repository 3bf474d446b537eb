"""monai.losses.FocalLoss with use_softmax=False."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

ORDER = ("include_background", "to_onehot_y", "gamma", "alpha", "weight", "reduction", "use_softmax", "ignore_index")
"""Of the constructor."""
DIFFERENCES = (
    "'sum' is documented as the sum of the output; it is divided by the elements of one (item, class) pair, "
    "and with two axes by all elements: it is the mean.",
    "With ignore_index and targets of one channel, 'mean' is documented to divide by the elements of the output; "
    "it divides by the voxels that are not ignored, whatever the number of classes.",
)

# Its docstring: input and target (B, N, *) of one shape; "sum" sums the output; no dtype of its own.
DIALECT = Dialect(
    logits="input",
    targets="target",
    order=ORDER,
    alpha_by_class="alpha",
    ignore_index="ignore_index",
    class_axis=1,
    soft_targets="margin",
    layout="column",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of monai.losses.FocalLoss, 1.6.1",
)
CODE = replace(
    DIALECT,
    alpha_by_class=None,
    denominators={"mean": "elements", "sum": "inner axes"},
    result_dtype="float32",
    source="source of monai.losses.focal_loss, 1.6.1",
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
    code_dialect=CODE,
    differences=(
        *DIFFERENCES,
        "A sequence alpha is documented as the alpha of the alpha-balanced loss, a class each; "
        "it weights positives by it and negatives by 1, not by 1 - alpha.",
    ),
)
