"""The focal losses for PyTorch: eager, torch.compile, torch.func, autocast; any device.

Every registered loss has a function and a module: ``sigmoid_focal_loss``, ``SigmoidFocalLoss``,
``softmax_focal_loss``, ``SoftmaxFocalLoss``.
"""

from typing import Any

from torch import Tensor

from focal_adapters import pipeline
from focal_adapters import torch_one_pass as one_pass
from focal_adapters import torch_sharded as sharded
from focal_adapters.faces import ACCURACY, VALIDATE, adapter_functions, looked_up
from focal_adapters.torch_backend import BACKEND, KEEPING, RECOMPUTING
from focal_adapters.torch_modules import module_classes
from focal_ref.checks import checked_flag
from focal_ref.faces import Words
from focal_ref.losses import Loss
from focal_ref.targets import smooth_targets

__all__ = ["apply", "smooth_targets"]


def apply(loss: Loss, logits: Tensor, targets: Any, *, recompute: bool = False, **options: Any) -> Tensor:
    """Apply any loss object of focal_ref to tensors.

    Parameters
    ----------
    loss : Loss
        Such as ``focal_ref.SigmoidFocal(alpha=0.25, gamma=2.0)``.
    logits, targets, **options
        As in `sigmoid_focal_loss`, which says what is returned and raised, too.
    """
    backend = RECOMPUTING if checked_flag("recompute", recompute) else BACKEND
    given = pipeline.checked(backend, loss, logits, targets, **options)
    if one_pass.takes(given):
        return one_pass.result(given, recompute=recompute)
    if sharded.is_sharded(given.logits):
        return sharded.result(backend, given)
    if not recompute and given.logits.dtype == given.dtype:
        backend = KEEPING
    result: Tensor = pipeline.computed(backend, given)
    return result


_RECOMPUTE = """
recompute : bool, default False
    True: nothing is kept for the backward pass, which computes the gradient anew. Else it is one array of
    the size of the logits at most, or what the compiler chooses under `torch.compile`.
""".strip()
_WORDS = Words(
    array="tensor",
    number="float or 0-d tensor",
    logits="tensor, real floating\n    float16 and bfloat16 are computed in float32 and rounded once.",
    returns=(
        'tensor of the shape of the losses ("none"), without the classes ("sum_classes") or ().\n'
        "    Its dtype is that of logits, but float32 where half-precision logits are reduced or met under autocast."
    ),
    raises=(
        "TypeError\n    Wrong dtypes; a derivative with respect to targets, weight or normalizer.\n"
        "ValueError\n    Wrong shapes or values.\nRuntimeError\n    On a third derivative."
    ),
    notes=f"Derivatives are analytic, the first and the second.\n{ACCURACY}",
    more_parameters=f"{VALIDATE}\n{_RECOMPUTE}",
)
_FUNCTIONS = adapter_functions(_WORDS, __name__, apply, more_options={"recompute": False})
_CLASSES = module_classes(_FUNCTIONS, __name__)


def __getattr__(name: str) -> Any:
    """Functions and modules of every registered loss."""
    return looked_up(__name__, name, _FUNCTIONS, _CLASSES)


def __dir__() -> list[str]:
    """What is public."""
    return sorted({*globals(), *_FUNCTIONS, *_CLASSES})
