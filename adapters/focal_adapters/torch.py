"""The focal losses for PyTorch: eager, torch.compile, torch.func, autocast; any device."""

from typing import Any

import torch
from torch import Tensor

from focal_adapters import pipeline
from focal_adapters.torch_backend import BACKEND
from focal_ref.checks import check_reduction
from focal_ref.losses import ElementwiseLoss, SigmoidFocal


def apply(
    loss: ElementwiseLoss,
    logits: Tensor,
    targets: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Tensor:
    """Apply any loss object of focal_ref to tensors.

    Parameters
    ----------
    loss : ElementwiseLoss
        Such as ``focal_ref.SigmoidFocal(alpha=0.25, gamma=2.0)``.
    logits, targets, weight, mask, reduction, normalizer, validate
        As in `sigmoid_focal_loss`, which says what is returned and raised, too.
    """
    options: dict[str, Any] = {"weight": weight, "mask": mask, "normalizer": normalizer, "validate": validate}
    result: Tensor = pipeline.apply(BACKEND, loss, logits, targets, reduction=reduction, **options)
    return result


def sigmoid_focal_loss(
    logits: Tensor,
    targets: Any,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Tensor:
    """Sigmoid focal loss with analytic first and second derivatives.

    Parameters
    ----------
    logits : tensor of any shape S, real floating
        float16 and bfloat16 are computed in float32 and rounded once.
    targets : tensor of shape S, floating in [0, 1], integer or bool; or NumPy array, or nested list
        Probability of the positive class; soft targets follow the linear rule.
    alpha : float in [0, 1] or None
        Weight of the positive class, ``1 - alpha`` that of the negative one; None switches it off.
    gamma : float >= 0
        Focusing parameter.
    weight : tensor, optional
        Multiplies element losses; of shape S or broadcast to it. In no denominator.
    mask : bool tensor, optional
        True counts; of shape S or broadcast to it. What a masked element holds reaches nothing.
    reduction : {"none", "sum", "mean", "sum_classes", "mean_positives"}
        "mean" divides by the number of unmasked elements, "mean_positives" by
        max(1, number of unmasked targets >= 0.5); "sum_classes" sums over the last axis.
    normalizer : float > 0 or 0-d tensor, optional
        With "sum": divides it.
    validate : bool, optional
        Whether values are checked. None: on the CPU, outside of torch.compile and vmap.

    Returns
    -------
    tensor
        Of shape S ("none"), S without its last axis ("sum_classes") or (). Its dtype is that of
        logits, but float32 where half-precision logits are reduced or met under autocast.

    Raises
    ------
    TypeError
        Wrong dtypes; a derivative with respect to targets, weight or normalizer.
    ValueError
        Wrong shapes or values.
    RuntimeError
        On a third derivative.

    Notes
    -----
    Unit: nats. For gamma <= 5 on the CPU within 16 ULP of float32 or float64 (gradient and second
    derivative: of the sum of their absolute terms), halves within 0.51 ULP, of the exact result at
    the alpha and gamma that the dtype of computation holds; compiled by Inductor, too.
    Source: Lin et al. 2017, arXiv:1708.02002, eq. (5).

    Examples
    --------
    >>> import torch
    >>> x, t = torch.tensor([2.0, -1.0, 0.5, -3.0]), torch.tensor([1, 0, 0, 1])
    >>> sigmoid_focal_loss(x, t, reduction="sum")
    tensor(0.9921)
    """
    loss = SigmoidFocal(alpha=alpha, gamma=gamma)
    options: dict[str, Any] = {"weight": weight, "mask": mask, "normalizer": normalizer, "validate": validate}
    return apply(loss, logits, targets, reduction=reduction, **options)


class SigmoidFocalLoss(torch.nn.Module):  # type: ignore[misc]
    """`sigmoid_focal_loss` as a module without state.

    Parameters
    ----------
    alpha, gamma, reduction, validate
        As in `sigmoid_focal_loss`, checked here. ``alpha`` and ``gamma`` may be assigned later on.

    Examples
    --------
    >>> import torch
    >>> SigmoidFocalLoss(gamma=2.0)(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor(0.0433)
    """

    def __init__(
        self,
        *,
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        reduction: str = "mean",
        validate: bool | None = None,
    ) -> None:
        super().__init__()
        check_reduction(reduction, None)
        loss = SigmoidFocal(alpha=alpha, gamma=gamma)
        self.alpha, self.gamma = loss.alpha, loss.gamma
        self.reduction = reduction
        self.validate = validate

    def forward(
        self, logits: Tensor, targets: Any, *, weight: Any = None, mask: Any = None, normalizer: Any = None
    ) -> Tensor:
        """Reduced loss; takes what `sigmoid_focal_loss` takes."""
        options: dict[str, Any] = {"weight": weight, "mask": mask, "normalizer": normalizer}
        options |= {"reduction": self.reduction, "validate": self.validate}
        return sigmoid_focal_loss(logits, targets, alpha=self.alpha, gamma=self.gamma, **options)

    def extra_repr(self) -> str:
        """Show the parameters in ``repr``."""
        text = f"alpha={self.alpha}, gamma={self.gamma}, reduction={self.reduction!r}"
        return text if self.validate is None else f"{text}, validate={self.validate}"
