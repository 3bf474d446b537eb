"""Ways to compute the right formula that are inaccurate or nan somewhere; other deviations stand beside them."""

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, primitive

from focal_conformance.deviations.deviation import ELEMENTS, Deviation, Step
from focal_conformance.deviations.formula import State, constant
from focal_conformance.deviations.probabilities import logarithms

GITHUB = "https://github.com"
MMCV_HALF = f"{GITHUB}/open-mmlab/mmcv/issues/1488"


def _difference(s: State, base: Any) -> Any:
    """1 - p_t as a difference in the dtype of the port."""
    return 1.0 - s.working(1.0 - base)


def _summed(s: State) -> Any:
    """Every target times its logarithm, that of 0 included."""
    negative = 0.0 if s.rows else (1.0 - s.targets) * s.log_not_p
    return -s.total(s.targets * s.log_p + negative)


def _plain_power(s: State, base: Any, gamma: Any) -> Any:
    """What autodiff makes of it: gamma q^(gamma - 1), infinite at q = 0 for gamma below 1, no gradient at gamma 0."""
    return np.where(gamma == 0.0, 1.0, _difference(s, base) ** s.working(gamma))


def _power_nan_at_zero(s: State, base: Any, gamma: Any) -> Any:
    """As above, with 0 * inf at gamma 0."""
    q = _difference(s, base)
    at_zero = np.where((gamma == 0.0) & (constant(q) <= 0.0), 1.0 + gamma * q ** (s.working(gamma) - 1.0), 1.0)
    return np.where(gamma == 0.0, at_zero, q ** s.working(gamma))


def _underflowing_power(s: State, base: Any, gamma: Any) -> Any:
    """Of sigmoid(-x), which is right until it underflows to 0."""
    return np.where(gamma == 0.0, 1.0, s.working(base) ** s.working(gamma))


def _by_logarithm(s: State, base: Any, gamma: Any) -> Any:
    """exp(gamma log q), nan where q is 0."""
    return np.exp(s.working(gamma) * np.log(s.working(base)))


def _in(dtype: str) -> dict[str, Step]:
    """Arguments and result rounded to a dtype; bfloat16 by its significand alone."""

    def rounded(s: State, before: Callable[[], Any], _: float) -> Any:
        return before().astype(dtype).astype("float64") if dtype != "bfloat16" else to_bits(before(), 8)

    return dict.fromkeys(("logits", "targets", "alpha", "gamma", "result"), rounded)


@primitive  # type: ignore[untyped-decorator]
def to_bits(values: Any, bits: int) -> Any:
    """Rounded to a number of significant bits."""
    significand, exponent = numpy.frexp(values)
    return numpy.ldexp(numpy.rint(significand * 2.0**bits) / 2.0**bits, exponent)


defvjp(to_bits, lambda result, values, bits: lambda slope: slope, argnums=(0,))


def _softplus(x: np.ndarray) -> np.ndarray:
    """As torch has it: x itself beyond 20."""
    return np.where(x > 20.0, x, np.logaddexp(0.0, np.minimum(x, 20.0)))


STYLES = (
    Deviation(
        "power_of_one_minus_p_t",
        "gamma below 1",
        "1 - p_t is a difference that rounds to 0, and autodiff of its power gives nan there for gamma below 1",
        "take 1 - p_t from sigmoid(-x), or exp(gamma * log_sigmoid(-x)), and give the gradient in closed form",
        power=_plain_power,
        links=(
            f"{GITHUB}/kornia/kornia/issues/918",
            f"{GITHUB}/liuyuisanai/Focal-Loss/issues/11",
        ),
        written=r"\*\*|pow",
        style=True,
    ),
    Deviation(
        "power_nan_at_gamma_zero",
        "gamma 0",
        "1 - p_t is a difference that rounds to 0, and its power has a nan gradient there at gamma 0 and below 1",
        "leave the factor out at gamma 0, or give the gradient in closed form",
        power=_power_nan_at_zero,
        links=(f"{GITHUB}/google-deepmind/optax/issues/1267", f"{GITHUB}/tensorflow/tensorflow/issues/70326"),
        written=r"\*\*|pow",
        style=True,
    ),
    Deviation(
        "power_of_underflow",
        "gamma below 1",
        "1 - p_t is taken from sigmoid(-x), which underflows to 0 far out, where autodiff of its power gives nan",
        "exp(gamma * log_sigmoid(-x)), or give the gradient in closed form",
        power=_underflowing_power,
        written=r"\*\*|pow",
        style=True,
    ),
    Deviation(
        "power_by_logarithm",
        "gamma 0",
        "the factor is exp(gamma * log(1 - p_t)), and 1 - p_t underflows to 0: nan there, at gamma 0 in the value, too",
        "exp(gamma * log_sigmoid(-x)), with the logarithm of the sigmoid taken from the logits",
        power=_by_logarithm,
        written=r"exp\(|log\(",
        style=True,
    ),
    Deviation(
        "log_of_probability",
        "log of 0",
        "the logarithm is of a rounded probability: infinite or nan where it is 0",
        "use the logits: logsigmoid, log_softmax",
        logarithms(lambda s, before, _: before()),
        links=(f"{GITHUB}/fudannlp16/focal-loss/issues/4",),
        written=r"log\(",
        style=True,
    ),
    Deviation(
        "zero_times_log_of_zero",
        "log of 0",
        "targets are multiplied with the logarithm of rounded probabilities: 0 * -inf is nan",
        "log_softmax of the logits",
        {
            **logarithms(lambda s, before, _: before()),
            "cross_entropy": lambda s, before, _: _summed(s),
        },
        links=(f"{GITHUB}/fudannlp16/focal-loss/issues/4",),
        written=r"log\(",
        style=True,
    ),
    Deviation(
        "plain_probabilities",
        "log of 0",
        "logarithm and power are of rounded probabilities: infinite or nan where they are 0 or 1",
        "use the logits: logsigmoid, log_softmax; give the gradient in closed form",
        {
            **logarithms(lambda s, before, _: before()),
        },
        power=_plain_power,
        links=(f"{GITHUB}/fudannlp16/focal-loss/issues/4",),
        written=r"log\(",
        style=True,
    ),
    *(
        Deviation(
            f"computed_in_{dtype}",
            "low precision",
            f"it computes in {dtype} whatever the dtype of the logits",
            change,
            _in(dtype),
            coarse=coarse,
            bits=bits,
            written=written,
            links=links,
            style=True,
        )
        for dtype, bits, coarse, change, written, links in (
            ("float16", 11, 0.02, "compute in float32 and round once", r"half|float16|autocast", (MMCV_HALF,)),
            ("bfloat16", 8, 0.06, "compute in float32 and round once", r"bfloat16|autocast", ()),
            ("float32", 24, 1e-5, "keep the dtype of the logits", r"float32|\.float\(", ()),
        )
    ),
    Deviation(
        "softplus_beyond_20",
        "low precision",
        "softplus(x) is x from x = 20 on, as torch.nn.functional.softplus has it: off by 2e-9 in float64",
        "logsigmoid, or log1p(exp(-abs(x))) + max(x, 0)",
        {
            "log_p": lambda s, before, _: -_softplus(-s.logits) if not s.rows else before(),
            "log_not_p": lambda s, before, _: -_softplus(s.logits) if not s.rows else before(),
        },
        (ELEMENTS,),
        links=(f"{GITHUB}/pytorch/pytorch/blob/main/torch/nn/functional.py",),
        written=r"softplus",
        style=True,
    ),
    Deviation(
        "overflowing_modulator",
        "overflow",
        "the factor is exp(-gamma y x - gamma log(1 + exp(-x))), which overflows: 0 or nan beyond",
        "exp(gamma * logsigmoid(-x))",
        {
            "modulator": lambda s, before, _: np.exp(
                -s.gamma * s.targets * s.logits - s.gamma * np.log(1.0 + np.exp(-s.working(s.logits)))
            )
        },
        (ELEMENTS,),
        links=(f"{GITHUB}/vandit15/Class-balanced-loss-pytorch/blob/master/class_balanced_loss.py",),
        written=r"exp\(",
        style=True,
    ),
)
