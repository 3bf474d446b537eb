"""paddle.nn.functional.sigmoid_focal_loss of PaddlePaddle."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: logit and label of one shape [N, *], float32 or float64; labels are numbers between 0 and 1, and the
# formula is -label alpha (1-p)^gamma log(p) - (1-label)(1-alpha) p^gamma log(1-p), divided by the normalizer, a tensor
# of one number; alpha is between 0 and 1. A shape [N], which it admits, raises whatever is in it: two axes are asked
# for here, so that the checks see more than that.
DIALECT = Dialect(
    logits="logit",
    targets="label",
    order=("logit", "label", "normalizer", "alpha", "gamma", "reduction", "name"),
    normalizer="normalizer",
    alpha_off=(),
    soft_targets="expected",
    layout="column",
    dtypes=("float32", "float64"),
    zero_d=False,
    integer_targets=False,
    refuses_bad_parameters=False,
    source="docstring of paddle.nn.functional.sigmoid_focal_loss, 3.3",
)
CODE = replace(
    DIALECT,
    soft_targets="linear",
    source="source of paddle.nn.functional.sigmoid_focal_loss, 3.3.1",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The public function; a normalizer becomes the tensor that it asks for."""
    import paddle
    from paddle.nn.functional import sigmoid_focal_loss

    def loss(logit: Any, label: Any, normalizer: float | None = None, **parameters: Any) -> Any:
        if normalizer is not None:
            parameters["normalizer"] = paddle.to_tensor([normalizer], dtype=logit.dtype, place=logit.place)
        return sigmoid_focal_loss(logit, label, **parameters)

    return loss, ()


PEER = Peer(
    name="paddle",
    framework="paddle",
    packages=("paddle",),
    install="in an environment of its own: pip install paddlepaddle==3.3.1",
    dialect=DIALECT,
    function=function,
    distributions=("paddlepaddle",),
    documentation="https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/sigmoid_focal_loss_en.html",
    # It asks for one version of opt_einsum, which is not the one that jax is tested with.
    environment_packages=("paddlepaddle==3.3.1",),
    code_dialect=CODE,
    differences=(
        "Labels are documented to lie between 0 and 1, and the formula as label times the loss of a positive plus "
        "1 - label times that of a negative; the code takes one power, of 1 - p_t with p_t linear in the label.",
        "Logits are documented to have any number of axes after the first; with none, shape [N], it raises ValueError.",
        "At a logit of exactly 0 the gradient holds -label - 1/2 where 1/2 - label, the derivative of the "
        "cross-entropy, is right: a negative is pushed the wrong way.",
        "In float64 gamma is rounded to float32 before the power is taken.",
    ),
)
