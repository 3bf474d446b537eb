"""pytorch_toolbelt.losses: BinaryFocalLoss and CrossEntropyFocalLoss."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.alone import imported_or_alone, undecorated
from focal_conformance.ports.peers.peer import Peer

# Their docstrings: targets one-hot or class indices (B, *) for (B, C, *); "mean" divides by the elements of the output.
BINARY = Dialect(
    logits="inputs",
    targets="targets",
    order=(
        *("alpha", "gamma", "ignore_index", "reduction", "normalized", "reduced_threshold", "activation"),
        *("softmax_dim", "class_weights"),
    ),
    ignore_index="ignore_index",
    denominators={"mean": "all elements"},
    class_indices=True,
    class_axis=1,
    refuses_bad_parameters=False,
    source="docstrings of pytorch_toolbelt.losses.BinaryFocalLoss and focal_loss_with_logits, 0.8.0",
)
SOFTMAX = Dialect(
    logits="inputs",
    targets="targets",
    order=("gamma", "reduction", "normalized", "reduced_threshold", "ignore_index", "class_weights"),
    alpha=None,
    fixed_alpha=(None,),
    alpha_by_class="class_weights",
    ignore_index="ignore_index",
    denominators={"mean": "all elements"},
    targets_form="indices",
    class_axis=1,
    soft_targets=None,
    layout="rows",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstrings of pytorch_toolbelt.losses.CrossEntropyFocalLoss and softmax_focal_loss_with_logits, 0.8.0",
)


def module() -> tuple[ModuleType, tuple[str, ...]]:
    """The file that has the classes."""
    package = "pytorch_toolbelt.losses"
    stubs = {"pytorch_toolbelt.utils": {"pytorch_toolbelt_deprecated": undecorated}}
    return imported_or_alone(f"{package}.focal", f"{package}.functional", stubs=stubs)


def _function(name: str) -> Callable[[], tuple[Callable[..., Any], tuple[str, ...]]]:
    def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
        """The class, constructed for each call."""
        loaded, notes = module()

        def loss(inputs: Any, targets: Any, class_weights: Any = None, **parameters: Any) -> Any:
            if class_weights is not None:
                parameters["class_weights"] = inputs.new_tensor(class_weights)
            return getattr(loaded, name)(**parameters)(inputs, targets)

        return loss, notes

    return function


def _peer(name: str, class_name: str, dialect: Dialect, **others: Any) -> Peer:
    return Peer(
        name=name,
        framework="torch",
        packages=("torch", "pytorch_toolbelt"),
        install="pip install pytorch-toolbelt",
        dialect=dialect,
        function=_function(class_name),
        distributions=("pytorch-toolbelt",),
        documentation="https://github.com/BloodAxe/pytorch-toolbelt/blob/develop/pytorch_toolbelt/losses/focal.py",
        **others,
    )


BATCHWISE = "'batchwise_mean' is documented as a mean for each sample; it is the sum over the samples."
PEERS = (
    _peer(
        "toolbelt",
        "BinaryFocalLoss",
        BINARY,
        differences=(
            BATCHWISE,
            "alpha is documented as the prior probability of a positive target; it is the weight of the positives.",
            "Ignored targets are documented to stay out of the computation; they are masked after the power, and with "
            "gamma=1.5 their gradient is nan.",
        ),
    ),
    _peer(
        "toolbelt-softmax",
        "CrossEntropyFocalLoss",
        SOFTMAX,
        loss="softmax_focal",
        differences=(
            BATCHWISE,
            "It is documented as the softmax version of the focal loss; it is the binary cross-entropy of every class "
            "times a factor of the softmax, summed over the classes, which no dialect expresses.",
        ),
    ),
)
