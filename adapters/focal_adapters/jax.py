"""The focal losses for JAX: eager, jit, grad, jvp, hessian, vmap, scan, checkpoint; any device."""

from typing import Any

from jax.core import Tracer

from focal_adapters import pipeline
from focal_adapters.jax_backend import BACKEND
from focal_ref.losses import ElementwiseLoss, SigmoidFocal

Array = Any


def apply(
    loss: ElementwiseLoss,
    logits: Any,
    targets: Any,
    *,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Array:
    """Any loss object of focal_ref on JAX arrays; the arguments are those of `sigmoid_focal_loss`."""
    options: dict[str, Any] = {"weight": weight, "mask": mask, "reduction": reduction}
    return pipeline.apply(BACKEND, loss, logits, targets, **options, normalizer=normalizer, validate=validate)


def sigmoid_focal_loss(
    logits: Any,
    targets: Any,
    *,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    weight: Any = None,
    mask: Any = None,
    reduction: str = "none",
    normalizer: Any = None,
    validate: bool | None = None,
) -> Array:
    """Sigmoid focal loss of JAX arrays, with analytic first and second derivatives.

    Parameters
    ----------
    logits : array of any shape S, float64, float32, bfloat16 or float16
        The half types are computed in float32 and rounded once.
    targets : array of shape S, floating in [0, 1], integer or bool
        Probability of the positive class; soft targets follow the linear rule.
    alpha : float in [0, 1] or None
        Weight of the positive class, ``1 - alpha`` that of the negative one; None switches it off.
    gamma : float >= 0
        Focusing parameter. As alpha a Python number: static under `jax.jit`.
    weight : array, optional
        Multiplies element losses; of shape S or broadcast to it. In no denominator.
    mask : bool array, optional
        True counts; of shape S or broadcast to it. What a masked element holds reaches nothing.
    reduction : {"none", "sum", "mean", "sum_classes", "mean_positives"}
        "mean" divides by the number of unmasked elements, "mean_positives" by
        max(1, number of unmasked targets >= 0.5); "sum_classes" sums over the last axis.
    normalizer : float or 0-d array > 0, optional
        With "sum": divides it.
    validate : bool, optional
        Whether values of targets and normalizer are checked. None: where that waits for no device,
        on CPU outside of tracing.

    Returns
    -------
    array
        In nats. Shape S ("none"), S without its last axis ("sum_classes"), or (). Of the dtype of
        logits; reduced values of half types are float32.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter, the value and the rule. Differentiation with respect to anything but
        the logits is a TypeError, a third derivative a NotImplementedError.

    Notes
    -----
    At most 32 ULP in float32 and float64 for gamma <= 5, value and derivatives, also under jit; of
    the sum of absolute terms where terms of opposite sign are added. Results below the smallest
    normal number may be 0 on CPU. Source: Lin et al. 2017, arXiv:1708.02002, eq. (5).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from focal_adapters.jax import sigmoid_focal_loss
    >>> round(float(sigmoid_focal_loss(jnp.array([2.0, -1.0]), jnp.array([1, 0]), reduction="sum")), 4)
    0.0174
    """
    for name, parameter in (("alpha", alpha), ("gamma", gamma)):
        if isinstance(parameter, Tracer):
            raise TypeError(
                f"{name} must be a Python number, not a traced array: make it static, as in "
                f"jax.jit(function, static_argnames={name!r})"
            )
    loss = SigmoidFocal(alpha=alpha, gamma=gamma)
    options: dict[str, Any] = {"weight": weight, "mask": mask, "reduction": reduction}
    return apply(loss, logits, targets, **options, normalizer=normalizer, validate=validate)
