"""Deviations of the modulating factor (1 - p_t)^gamma."""

import autograd.numpy as np

from focal_conformance.deviations.deviation import ELEMENTS, Deviation, Parameter
from focal_conformance.deviations.formula import State, constant, power

GITHUB = "https://github.com"


def _of_p(s: State) -> np.ndarray:
    """1 - p whatever the target; of rows of the most probable class."""
    return np.min(s.not_p, axis=-1) if s.rows else s.not_p


def _reduced(s: State, threshold: float) -> np.ndarray:
    p_t = 1.0 - s.q
    return np.where(p_t < threshold, 1.0, power(s, s.q / threshold, s.gamma))


def _star(s: State) -> np.ndarray:
    gamma = np.where(s.gamma == 0.0, 1.0, s.gamma)
    margin = s.total(s.targets * (s.log_p - s.log_not_p)) if s.rows else s.logits * (2.0 * s.targets - 1.0)
    return s.alpha_t * np.logaddexp(0.0, -gamma * margin) / gamma


def _poly(s: State, before: np.ndarray, epsilon: float) -> np.ndarray:
    return before + epsilon * power(s, s.q, s.gamma + 1.0)


FOCUSING = (
    Deviation(
        "modulator_missing",
        "modulator",
        "the modulating factor is missing: it is the balanced cross entropy",
        "(1 - p_t) ** gamma * cross_entropy",
        {"modulator": lambda s, before, _: 1.0 + 0.0 * s.q},
        links=(f"{GITHUB}/CJHMPower/Simultaneous-Traffic-Sign-Detection-and-Classification-with-RetinaNet/issues/17",),
    ),
    Deviation(
        "gamma_multiplied",
        "modulator",
        "gamma is a factor, gamma * (1 - p_t), not the exponent",
        "(1 - p_t) ** gamma",
        {"modulator": lambda s, before, _: s.gamma * s.q},
        links=(f"{GITHUB}/fudannlp16/focal-loss/issues/2",),
        written=r"gamma\s*\*|\*\s*(self\.)?gamma",
    ),
    Deviation(
        "modulator_of_p_t",
        "modulator",
        "the factor is p_t ** gamma: easy examples weigh most",
        "(1 - p_t) ** gamma",
        {"modulator": lambda s, before, _: power(s, 1.0 - s.q, s.gamma)},
        written=r"p_?t\s*\*\*|pow\(\s*p_?t\b",
    ),
    Deviation(
        "modulator_of_p",
        "modulator",
        "the factor is (1 - p) ** gamma for positives and negatives alike",
        "p_t = p * targets + (1 - p) * (1 - targets)",
        {"q": lambda s, before, _: _of_p(s)},
        written=r"1\.?0?\s*-\s*(p|prob|probs|pred|y_pred)\b",
    ),
    Deviation(
        "modulator_one_minus_power",
        "modulator",
        "the factor is 1 - p_t ** gamma",
        "(1 - p_t) ** gamma",
        {"modulator": lambda s, before, _: 1.0 - power(s, 1.0 - s.q, s.gamma)},
        written=r"1\.?0?\s*-\s*\w+\s*\*\*",
    ),
    Deviation(
        "modulator_detached",
        "gradient",
        "the modulating factor has no gradient: the values are right, every gradient lacks a term",
        "do not detach (no_grad, stop_gradient, detach) the modulating factor",
        {"modulator": lambda s, before, _: constant(before())},
        links=(f"{GITHUB}/Alibaba-MIIL/ASL/issues/31", f"{GITHUB}/ultralytics/ultralytics/pull/23152"),
        written=r"detach|stop_gradient|no_grad|\.data\b|lax\.stop",
    ),
    Deviation(
        "cross_entropy_detached",
        "gradient",
        "the cross entropy has no gradient, the modulating factor alone has",
        "do not detach the cross entropy",
        {"cross_entropy": lambda s, before, _: constant(before())},
        written=r"detach|stop_gradient|no_grad",
    ),
    Deviation(
        "modulator_of_mean_cross_entropy",
        "modulator",
        "p_t is exp(-CE) of the mean over the batch: one factor for all, no hard examples",
        "p_t = exp(-CE) of each element: reduction='none' in the cross entropy, mean at the end",
        {"q": lambda s, before, _: -np.expm1(-s.mean_over_call(s.cross_entropy))},
        links=(f"{GITHUB}/foamliu/InsightFace-v2/issues/38",),
        written=r"mean|cross_entropy\(|CrossEntropyLoss\(|BCE",
        over_batch=True,
    ),
    Deviation(
        "modulator_of_log_p_t",
        "modulator",
        "the factor is (1 - log p_t) ** gamma: p_t is left as a logarithm",
        "p_t = exp(log_p_t)",
        {"modulator": lambda s, before, _: power(s, 1.0 + s.cross_entropy, s.gamma)},
        written=r"log_softmax|logsigmoid|log_sigmoid",
    ),
    Deviation(
        "gamma_fixed",
        "modulator",
        "gamma is {value} whatever is asked for",
        "use the argument",
        {"gamma": lambda s, before, gamma: gamma + 0.0 * s.questions.gamma},
        parameter=Parameter("gamma", 0.05, 8.0, (2.0, 1.0, 1.5, 0.5, 3.0, 4.0, 5.0), logarithmic=False),
        links=(f"{GITHUB}/zylo117/Yet-Another-EfficientDet-Pytorch/issues/236",),
    ),
    Deviation(
        "gamma_of_first_call",
        "state",
        "gamma is that of the first call with these shapes: compiled or cached, and not looked at again",
        "make gamma an argument of what is compiled or cached, or a part of the key",
        {"gamma": lambda s, before, _: s.questions.first_gamma},
        links=(f"{GITHUB}/pytorch/pytorch/issues/149405", f"{GITHUB}/pytorch/pytorch/issues/194976"),
        written=r"cache|setdefault|compile|jit|tf\.function",
    ),
    Deviation(
        "gamma_shifted",
        "modulator",
        "the exponent is gamma + ({value})",
        "(1 - p_t) ** gamma",
        {"gamma": lambda s, before, shift: before() + shift},
        parameter=Parameter("shift", -1.5, 2.0, (1.0, -1.0), logarithmic=False),
        written=r"gamma\s*[-+]",
    ),
    Deviation(
        "gamma_scaled",
        "modulator",
        "the exponent is {value} * gamma",
        "(1 - p_t) ** gamma",
        {"gamma": lambda s, before, factor: before() * factor},
        parameter=Parameter("factor", 0.1, 8.0, (0.5, 2.0)),
        written=r"gamma\s*[*/]|sqrt|square",
    ),
    Deviation(
        "gamma_rounded",
        "modulator",
        "gamma is rounded to a whole number",
        "keep gamma a float",
        {"gamma": lambda s, before, _: np.round(s.questions.gamma)},
        written=r"int\(|round\(",
    ),
    Deviation(
        "gamma_truncated",
        "modulator",
        "gamma loses its fraction",
        "keep gamma a float",
        {"gamma": lambda s, before, _: np.floor(s.questions.gamma)},
        written=r"int\(|//",
    ),
    Deviation(
        "alpha_and_gamma_swapped",
        "arguments",
        "alpha and gamma change places: the exponent is alpha, the weight gamma",
        "pass alpha and gamma by keyword",
        {
            "gamma": lambda s, before, _: np.where(s.questions.balanced, s.questions.alpha, s.questions.gamma),
            "alpha": lambda s, before, _: np.where(s.questions.balanced, s.questions.gamma, s.questions.alpha),
        },
        (ELEMENTS,),
        links=(f"{GITHUB}/qubvel/segmentation_models/issues/258",),
    ),
    Deviation(
        "reduced_threshold",
        "modulator",
        "reduced focal loss: the factor is ((1 - p_t) / {value}) ** gamma, and 1 below the threshold",
        "(1 - p_t) ** gamma everywhere",
        {"modulator": lambda s, before, threshold: _reduced(s, threshold)},
        parameter=Parameter("threshold", 0.1, 0.9, (0.5, 0.3, 0.25), logarithmic=False),
        links=(
            f"{GITHUB}/qubvel-org/segmentation_models.pytorch/blob/main/segmentation_models_pytorch/losses/_functional.py",
        ),
        written=r"threshold",
    ),
    Deviation(
        "focal_star",
        "modulator",
        "it is the paper's FL*: -log sigmoid(gamma x) / gamma, without a modulating factor",
        "(1 - p_t) ** gamma * cross_entropy",
        {"loss": lambda s, before, _: _star(s)},
        links=(f"{GITHUB}/facebookresearch/fvcore/blob/main/fvcore/nn/focal_loss.py",),
    ),
    Deviation(
        "poly_term",
        "modulator",
        "{value} * (1 - p_t) ** (gamma + 1) is added, as in PolyLoss",
        "leave the term out",
        {"loss": lambda s, before, epsilon: _poly(s, before(), epsilon)},
        parameter=Parameter("epsilon", 0.01, 10.0, (1.0, 2.0, 0.5)),
        links=(f"{GITHUB}/abhuse/polyloss-pytorch",),
    ),
)
