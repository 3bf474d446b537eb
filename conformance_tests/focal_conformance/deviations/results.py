"""Deviations of the loss as a whole, of its terms, and of its gradient alone."""

import autograd.numpy as np

from focal_conformance.deviations.deviation import ELEMENTS, Deviation, Parameter
from focal_conformance.deviations.formula import State, constant, power

GITHUB = "https://github.com"
TO_LOG10, TO_LOG2 = 1.0 / np.log(10.0), 1.0 / np.log(2.0)


def _slope(s: State, values: np.ndarray, factor: float) -> np.ndarray:
    """The same values with a multiple of the gradient."""
    fixed = constant(values)
    return np.where(np.isfinite(fixed), fixed + factor * (values - fixed), fixed)


RESULTS = (
    Deviation(
        "negatives_dropped",
        "terms",
        "negatives have no loss: only -t log p is there (docs/article.md is about a published one)",
        "add -(1 - targets) * log(1 - p)",
        {"loss": lambda s, before, _: -s.positive_weight * s.targets * power(s, s.not_p, s.gamma) * s.log_p},
        (ELEMENTS,),
        written=r"log\(",
    ),
    Deviation(
        "cross_entropy_of_positives_alone",
        "terms",
        "the cross entropy is -t log p alone, with the p_t of both classes (docs/article.md is about a published one)",
        "add -(1 - targets) * log(1 - p)",
        {"cross_entropy": lambda s, before, _: -s.targets * s.log_p},
        (ELEMENTS,),
        written=r"log\(",
    ),
    Deviation(
        "positives_dropped",
        "terms",
        "positives have no loss: only -(1-t) log(1-p) is there",
        "add -targets * log(p)",
        {"cross_entropy": lambda s, before, _: -(1.0 - s.targets) * s.log_not_p},
        (ELEMENTS,),
        written=r"log\(",
    ),
    Deviation(
        "log10",
        "terms",
        "the logarithm is to base 10",
        "natural logarithm",
        {"result": lambda s, before, _: before() * TO_LOG10},
        links=("https://huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1",),
        written=r"log10",
    ),
    Deviation(
        "log2",
        "terms",
        "the logarithm is to base 2",
        "natural logarithm",
        {"result": lambda s, before, _: before() * TO_LOG2},
        written=r"log2",
    ),
    Deviation(
        "sign_missing",
        "terms",
        "the minus is missing: the loss is negative, training makes it worse",
        "-alpha_t * (1 - p_t) ** gamma * log(p_t)",
        {"result": lambda s, before, _: -before()},
        links=(f"{GITHUB}/xingyizhou/CenterNet/issues/18",),
    ),
    Deviation(
        "scaled",
        "terms",
        "the loss is multiplied by {value}",
        "no factor",
        {"result": lambda s, before, factor: before() * factor},
        parameter=Parameter("factor", 1e-3, 1e3, (2.0, 0.5, 10.0, 100.0, 0.1, 0.25, 4.0)),
    ),
    Deviation(
        "constant_added",
        "terms",
        "{value} is added to every loss",
        "no constant",
        {"result": lambda s, before, added: before() + added},
        parameter=Parameter("constant", 1e-8, 1.0, (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)),
        written=r"eps|\+",
    ),
    Deviation(
        "value_capped",
        "terms",
        "no loss is above {value}",
        "no ceiling",
        {"result": lambda s, before, cap: np.minimum(before(), cap)},
        parameter=Parameter("cap", 0.05, 1e3, (100.0, 10.0, 50.0, 1.0, 20.0)),
        written=r"clip|clamp|minimum",
    ),
    Deviation(
        "gradient_reversed",
        "gradient",
        "the gradient has the wrong sign, the values are right",
        "the derivative of the loss with respect to the logits",
        {"result": lambda s, before, _: _slope(s, before(), -1.0)},
    ),
    Deviation(
        "gradient_missing",
        "gradient",
        "there is no gradient: it is 0 everywhere",
        "do not detach; no rounding, no integers, no NumPy between logits and loss",
        {"result": lambda s, before, _: constant(before()) + 0.0},
        written=r"detach|no_grad|numpy|stop_gradient",
    ),
    Deviation(
        "gradient_scaled",
        "gradient",
        "the gradient is {value} times the right one, the values are right",
        "the derivative of the loss with respect to the logits",
        {"result": lambda s, before, factor: _slope(s, before(), factor)},
        parameter=Parameter("factor", 1e-3, 1e3, (2.0, 0.5, 0.1, 10.0)),
    ),
    Deviation(
        "gradient_clipped",
        "gradient",
        "logits beyond {value} have no gradient, the values are right",
        "no clip on the way from the logits to the loss",
        {
            "result": lambda s, before, bound: np.where(
                np.max(np.abs(s.questions.logits), axis=-1) > bound if s.rows else np.abs(s.questions.logits) > bound,
                constant(before()),
                before(),
            )
        },
        parameter=Parameter("bound", 2.0, 800.0, (10.0, 15.0, 20.0, 16.1)),
    ),
)
