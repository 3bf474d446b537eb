"""Other losses of the family under the same name: what a port computes that took its formula from one of them."""

import autograd.numpy as np

from focal_conformance.deviations.deviation import ELEMENTS, ROWS, Deviation, Parameter
from focal_conformance.deviations.formula import State, constant, power, sigmoid

GITHUB = "https://github.com"
ASL = f"{GITHUB}/Alibaba-MIIL/ASL/blob/main/src/loss_functions/losses.py"


def _shifted(s: State, margin: float) -> np.ndarray:
    return np.maximum(sigmoid(s.logits) - margin, 0.0)


def _varifocal(s: State) -> np.ndarray:
    alpha = np.where(s.questions.balanced, s.alpha, 1.0)
    negative = alpha * power(s, s.p, s.gamma)
    return np.where(s.targets > 0.0, s.targets, negative) * s.cross_entropy


def _gaussian(s: State) -> np.ndarray:
    on = s.questions.balanced
    peak = np.where(on, s.alpha, 1.0) * power(s, s.not_p, s.gamma) * -s.log_p
    around = np.where(on, 1.0 - s.alpha, 1.0) * (1.0 - s.targets) ** 4 * power(s, s.p, s.gamma) * -s.log_not_p
    return np.where(s.targets == 1.0, peak, around)


def _mixed(s: State) -> np.ndarray:
    """Binary cross entropies of the classes, each with a factor of the softmax."""
    cross_entropy = np.logaddexp(0.0, s.logits) - s.logits * s.targets
    q = s.p * (1.0 - s.targets) + s.not_p * s.targets
    gamma = s.per_class(s.gamma)
    return np.sum(s.alpha * np.exp(gamma * np.log(np.maximum(q, 1e-300))) * cross_entropy, axis=-1)


def _value_alone(s: State, before: np.ndarray) -> np.ndarray:
    value = constant(s.alpha_t * s.cross_entropy)
    fixed = constant(before)
    return np.where(np.isfinite(fixed), value + (before - fixed), value)


VARIANTS = (
    Deviation(
        "negatives_shifted",
        "modulator",
        "negatives have p - {value} in place of p, and no loss below: as in the asymmetric loss",
        "use p as it is",
        {
            "log_not_p": lambda s, before, margin: np.log(1.0 - _shifted(s, margin)),
            "q": lambda s, before, margin: s.not_p * s.targets + _shifted(s, margin) * (1.0 - s.targets),
        },
        (ELEMENTS,),
        Parameter("margin", 0.005, 0.5, (0.05, 0.1, 0.2)),
        links=(ASL,),
        written=r"clip|margin|clamp\(max=1",
    ),
    Deviation(
        "gamma_of_negatives_scaled",
        "modulator",
        "negatives have {value} times the exponent of positives, as in the asymmetric loss",
        "one gamma for both",
        {"gamma": lambda s, before, factor: before() * (s.targets + factor * (1.0 - s.targets))},
        (ELEMENTS,),
        Parameter("factor", 0.1, 8.0, (4.0, 2.0, 0.5)),
        links=(ASL,),
        written=r"gamma_neg|gamma_pos",
    ),
    Deviation(
        "varifocal_weights",
        "soft targets",
        "positives weigh their target and negatives alpha p ** gamma, as in the varifocal loss",
        "alpha_t * (1 - p_t) ** gamma for both",
        {"loss": lambda s, before, _: _varifocal(s)},
        (ELEMENTS,),
        links=(f"{GITHUB}/hyz-xmaster/VarifocalNet/issues/8",),
    ),
    Deviation(
        "soft_targets_gaussian",
        "soft targets",
        "targets below 1 are negatives weighed with (1 - t) ** 4, as CornerNet and CenterNet have it for heat maps",
        "(1 - p_t) ** gamma, with p_t of the declared rule",
        {"loss": lambda s, before, _: _gaussian(s)},
        (ELEMENTS,),
        links=(f"{GITHUB}/xingyizhou/CenterNet/issues/241",),
        written=r"\*\*\s*4|,\s*4\s*\)|beta",
    ),
    Deviation(
        "soft_targets_by_equality",
        "soft targets",
        "p_t is p where a target is exactly 1, and 1 - p for every soft target",
        "p_t = p * targets + (1 - p) * (1 - targets), or the declared rule",
        {"q": lambda s, before, _: np.where(s.questions.targets == 1.0, s.not_p, s.p)},
        (ELEMENTS,),
        links=(f"{GITHUB}/tensorflow/models/blob/master/official/vision/losses/focal_loss.py",),
        written=r"==\s*1|equal\(",
    ),
    Deviation(
        "soft_targets_by_threshold",
        "soft targets",
        "p_t is p where a target is at least 1/2, and 1 - p below",
        "p_t = p * targets + (1 - p) * (1 - targets), or the declared rule",
        {"q": lambda s, before, _: np.where(s.questions.targets >= 0.5, s.not_p, s.p)},
        (ELEMENTS,),
        links=(f"{GITHUB}/fizyr/keras-retinanet/pull/1357",),
        written=r">=?\s*0?\.5",
    ),
    Deviation(
        "smoothing_hides_positives",
        "label smoothing",
        "targets are smoothed by {value}, and alpha is for targets that equal 1: no target does any more",
        "take alpha_t from the targets before they are smoothed",
        {
            "targets": lambda s, before, epsilon: before() * (1.0 - epsilon) + epsilon / 2.0,
            "alpha_t": lambda s, before, _: np.where(
                s.questions.balanced, np.where(s.targets == 1.0, s.alpha, 1.0 - s.alpha), 1.0
            ),
        },
        (ELEMENTS,),
        Parameter("epsilon", 1e-3, 0.5, (0.1, 0.05, 0.01, 0.2)),
        links=(f"{GITHUB}/keras-team/keras-cv/issues/672", f"{GITHUB}/keras-team/keras-cv/pull/1086"),
        written=r"==\s*1|equal\(",
    ),
    Deviation(
        "sigmoid_with_softmax_modulator",
        "softmax or sigmoid",
        "the factors are of softmax probabilities, the cross entropies of a sigmoid for each class",
        "log_softmax for both",
        {"loss": lambda s, before, _: _mixed(s)},
        (ROWS,),
        links=(f"{GITHUB}/BloodAxe/pytorch-toolbelt/issues/78",),
        written=r"with_logits",
    ),
    Deviation(
        "value_without_modulator",
        "modulator",
        "the value lacks the modulating factor, the gradient has it",
        "one formula for both",
        {"result": lambda s, before, _: _value_alone(s, before())},
        links=(f"{GITHUB}/davisking/dlib/pull/2552",),
    ),
)
