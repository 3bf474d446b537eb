"""focal_loss_torch: focal_loss.focal_loss.FocalLoss, which takes probabilities."""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring and page: integer labels; weights, one a class, are like alpha; (N,) probabilities are a binary
# problem, (N, *, C) ones a softmax over the last axis. It does not say what "mean" divides by.
BINARY = Dialect(
    logits="x",
    targets="target",
    order=("gamma", "weights", "reduction", "ignore_index", "eps"),
    alpha="weights",
    alpha_form="pair",
    ignore_index="ignore_index",
    denominators={"mean": "weights"},
    targets_form="indices",
    soft_targets=None,
    refuses_bad_parameters=False,
    source="docstring of focal_loss.focal_loss.FocalLoss of focal_loss_torch, 0.1.2",
)
SOFTMAX = Dialect(
    logits="x",
    targets="target",
    order=BINARY.order,
    alpha=None,
    fixed_alpha=(None,),
    alpha_by_class="weights",
    ignore_index="ignore_index",
    denominators={"mean": "weights"},
    targets_form="indices",
    soft_targets=None,
    flattens=True,
    layout="rows",
    zero_d=False,
    refuses_bad_parameters=False,
    source=BINARY.source,
)


def _function(softmax: bool) -> Callable[[], tuple[Callable[..., Any], tuple[str, ...]]]:
    def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
        """The module, constructed for each call, of the probabilities of the logits."""
        import torch
        from focal_loss.focal_loss import FocalLoss

        def loss(x: Any, target: Any, weights: Any = None, **parameters: Any) -> Any:
            probabilities = torch.softmax(x, -1) if softmax else torch.sigmoid(x)
            if weights is not None:
                weights = x.new_tensor(weights)
            return FocalLoss(weights=weights, **parameters)(probabilities, target.long())

        activation = "softmax over the last axis" if softmax else "sigmoid"
        return loss, (f"it takes probabilities: it is given those of torch's {activation}",)

    return function


def _peer(name: str, dialect: Dialect, softmax: bool, **others: Any) -> Peer:
    return Peer(
        name=name,
        framework="torch",
        packages=("torch", "focal_loss"),
        install="in an environment of its own: pip install torch==2.13.0 focal_loss_torch==0.1.2",
        dialect=dialect,
        function=_function(softmax),
        distributions=("focal-loss-torch",),
        documentation="https://github.com/mathiaszinnen/focal_loss_torch",
        # focal-loss installs the same package.
        environment_packages=("torch==2.13.0", "focal_loss_torch==0.1.2"),
        differences=(
            "eps is documented to keep the logarithm from inf; 1e-16 is 0 in float16, and the loss is inf.",
            *(() if softmax else ("Only one axis is a binary problem: (N, 1) is taken for one class, and raises.",)),
        ),
        **others,
    )


PEERS = (
    _peer("focal-loss-torch", BINARY, softmax=False),
    _peer("focal-loss-torch-softmax", SOFTMAX, softmax=True, loss="softmax_focal"),
)
