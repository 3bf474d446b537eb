"""Deviations of alpha: on which class it is, and what switches it off."""

import autograd.numpy as np

from focal_conformance.deviations.deviation import ELEMENTS, ROWS, Deviation, Parameter
from focal_conformance.deviations.formula import State

GITHUB = "https://github.com"


def _one_number(s: State) -> np.ndarray:
    """Rows that were given one number for all classes."""
    alpha = s.questions.alpha
    return s.questions.balanced & np.all(alpha == alpha[:, :1], axis=-1)


def _background(s: State) -> np.ndarray:
    alpha = s.questions.alpha
    first = np.concatenate([1.0 - alpha[:, :1], alpha[:, 1:]], axis=-1)
    return np.where(_one_number(s)[:, None], first, alpha)


def _first_class(s: State) -> np.ndarray:
    alpha = s.questions.alpha
    others = np.concatenate([alpha[:, :1], 1.0 - alpha[:, 1:]], axis=-1)
    return np.where(_one_number(s)[:, None], others, alpha)


def _of_predicted(s: State) -> np.ndarray:
    if s.rows:
        first = np.argmax(s.questions.logits, axis=-1)
        return s.alpha[np.arange(len(first)), first]
    chosen = np.where(s.questions.logits > 0.0, s.alpha, 1.0 - s.alpha)
    return np.where(s.questions.balanced, chosen, 1.0)


def _if_balanced(s: State, weight: np.ndarray) -> np.ndarray:
    return np.where(s.questions.balanced, weight, 1.0)


BALANCE = (
    Deviation(
        "alpha_swapped",
        "alpha",
        "alpha weighs the negative class, 1 - alpha the positive one",
        "alpha_t = alpha * targets + (1 - alpha) * (1 - targets)",
        {"alpha": lambda s, before, _: 1.0 - before()},
        (ELEMENTS,),
        links=(f"{GITHUB}/clcarwin/focal_loss_pytorch/issues/10",),
        written=r"\(\s*1\.?0?\s*-\s*alpha\s*\)\s*\*\s*(t|y|targets?|labels?|y_true)\b|alpha\s*\*\s*\(\s*1\.?0?\s*-",
    ),
    Deviation(
        "alpha_on_positives_only",
        "alpha",
        "alpha weighs the positive class, and the negative one is not weighted",
        "alpha_t = alpha * targets + (1 - alpha) * (1 - targets)",
        {"negative_weight": lambda s, before, _: 1.0 + 0.0 * before()},
        (ELEMENTS,),
        written=r"alpha",
    ),
    Deviation(
        "alpha_on_both_classes",
        "alpha",
        "alpha is a factor of every loss, positive or negative",
        "alpha_t = alpha * targets + (1 - alpha) * (1 - targets)",
        {"negative_weight": lambda s, before, _: s.positive_weight},
        (ELEMENTS,),
        links=(f"{GITHUB}/mkocabas/focal-loss-keras/issues/6",),
        written=r"alpha\s*\*",
    ),
    Deviation(
        "alpha_ignored",
        "alpha",
        "alpha is accepted and not used",
        "multiply by alpha_t",
        {
            "alpha": lambda s, before, _: 1.0 + 0.0 * before(),
            "negative_weight": lambda s, before, _: 1.0 + 0.0 * before(),
        },
        links=(
            f"{GITHUB}/tensorflow/tensorflow/issues/61519",
            f"{GITHUB}/Kageshimasu/focal-loss-with-smoothing/issues/1",
        ),
    ),
    Deviation(
        "alpha_zero_means_off",
        "alpha",
        "alpha = 0 switches the balance off instead of giving positives no weight",
        "if alpha is not None: (not: if alpha:)",
        {
            "alpha": lambda s, before, _: np.where(before() == 0.0, 1.0, before()) if s.rows else before(),
            "alpha_t": lambda s, before, _: before() if s.rows else np.where(s.questions.alpha == 0.0, 1.0, before()),
        },
        links=(f"{GITHUB}/tensorflow/addons/blob/master/tensorflow_addons/losses/focal_loss.py",),
        written=r"if\s+(self\.)?alpha\s*(:|and)|alpha\s*>\s*0|alpha\s*!=\s*0",
    ),
    Deviation(
        "alpha_zero_on_exact_ones",
        "alpha",
        "a target takes alpha only where it is exactly 1, every soft target takes 1 - alpha",
        "alpha_t = alpha * targets + (1 - alpha) * (1 - targets)",
        {"alpha_t": lambda s, before, _: _if_balanced(s, np.where(s.questions.targets == 1.0, s.alpha, 1.0 - s.alpha))},
        (ELEMENTS,),
        links=(f"{GITHUB}/keras-team/keras-cv/pull/680", f"{GITHUB}/keras-team/keras-cv/pull/1086"),
        written=r"==\s*1",
    ),
    Deviation(
        "alpha_by_threshold",
        "alpha",
        "a target takes alpha where it is at least 1/2, and 1 - alpha below",
        "alpha_t = alpha * targets + (1 - alpha) * (1 - targets)",
        {"alpha_t": lambda s, before, _: _if_balanced(s, np.where(s.questions.targets >= 0.5, s.alpha, 1.0 - s.alpha))},
        (ELEMENTS,),
        written=r">=?\s*0?\.5",
        links=(f"{GITHUB}/fizyr/keras-retinanet/pull/1357",),
    ),
    Deviation(
        "alpha_applied_twice",
        "alpha",
        "alpha_t is multiplied in twice",
        "multiply by alpha_t once",
        {"alpha_t": lambda s, before, _: before() ** 2},
    ),
    Deviation(
        "alpha_inside_p_t",
        "alpha",
        "p_t is exp(-alpha_t CE): the weight is inside the cross entropy that p_t is taken from",
        "p_t = exp(-CE) of the unweighted cross entropy; weight the product",
        {"q": lambda s, before, _: -np.expm1(-s.alpha_t * s.cross_entropy)},
        links=(f"{GITHUB}/pytorch/vision/pull/7760",),
        written=r"exp\(\s*-",
    ),
    Deviation(
        "weights_inside_cross_entropy",
        "alpha",
        "each class's weight is inside the cross entropy of soft rows, which p_t = exp(-CE) is taken from",
        "p_t and cross entropy without weights; weight their product with alpha_t",
        {
            "cross_entropy": lambda s, before, _: (
                -np.sum(np.where(s.targets == 0.0, 0.0, s.alpha * s.targets * s.log_p), axis=-1)
            ),
            "q": lambda s, before, _: -np.expm1(-s.cross_entropy),
            "alpha_t": lambda s, before, _: 1.0 + 0.0 * np.sum(s.targets, axis=-1),
        },
        (ROWS,),
        links=(f"{GITHUB}/pytorch/vision/pull/7760",),
        written=r"weight=|cross_entropy\(|CrossEntropyLoss",
    ),
    Deviation(
        "alpha_doubled",
        "alpha",
        "alpha_t is doubled, so that alpha = 1/2 weighs 1",
        "alpha_t = alpha * targets + (1 - alpha) * (1 - targets)",
        {
            "positive_weight": lambda s, before, _: _if_balanced(s, 2.0 * before()),
            "negative_weight": lambda s, before, _: _if_balanced(s, 2.0 * before()),
        },
        (ELEMENTS,),
    ),
    Deviation(
        "alpha_fixed",
        "alpha",
        "alpha is {value} whatever is asked for",
        "use the argument",
        {
            "positive_weight": lambda s, before, a: a + 0.0 * before(),
            "negative_weight": lambda s, before, a: 1.0 - a + 0.0 * before(),
        },
        (ELEMENTS,),
        Parameter("alpha", 0.02, 0.98, (0.25, 0.5, 0.75), logarithmic=False),
        links=(f"{GITHUB}/zylo117/Yet-Another-EfficientDet-Pytorch/issues/205",),
    ),
    Deviation(
        "alpha_of_predicted_class",
        "alpha",
        "alpha_t is that of the predicted class, not of the target",
        "gather alpha by the target",
        {"alpha_t": lambda s, before, _: _of_predicted(s)},
    ),
    Deviation(
        "alpha_missing_where_off",
        "alpha",
        "alpha = None weighs positives and negatives with 1/4 and 3/4",
        "leave alpha_t out where alpha is None",
        {
            "positive_weight": lambda s, before, _: np.where(s.questions.balanced, before(), 0.25),
            "negative_weight": lambda s, before, _: np.where(s.questions.balanced, before(), 0.75),
        },
        (ELEMENTS,),
        written=r"alpha\s+or\s|alpha\s*=\s*0?\.25",
    ),
    Deviation(
        "alpha_with_background",
        "alpha",
        "one number weighs class 0 with 1 - alpha and every other class with alpha",
        "alpha for every class; give one number a class for more",
        {"alpha": lambda s, before, _: _background(s)},
        (ROWS,),
        links=(f"{GITHUB}/kornia/kornia/pull/2393",),
    ),
    Deviation(
        "alpha_number_ignored",
        "alpha",
        "one number for alpha is accepted and not used; one number a class is",
        "multiply by alpha",
        {"alpha": lambda s, before, _: np.where(_one_number(s)[:, None], 1.0, before())},
        (ROWS,),
    ),
    Deviation(
        "alpha_number_for_class_0",
        "alpha",
        "one number weighs class 0 with alpha and every other class with 1 - alpha",
        "alpha for every class; give one number a class for more",
        {"alpha": lambda s, before, _: _first_class(s)},
        (ROWS,),
        links=(f"{GITHUB}/clcarwin/focal_loss_pytorch/issues/10",),
    ),
    Deviation(
        "alpha_in_reverse",
        "alpha",
        "the weights of the classes are taken in reverse order",
        "alpha[target]",
        {"alpha": lambda s, before, _: before()[:, ::-1]},
        (ROWS,),
    ),
    Deviation(
        "alpha_of_next_class",
        "alpha",
        "a class takes the weight of the next one",
        "alpha[target]",
        {"alpha": lambda s, before, _: np.concatenate([before()[:, 1:], before()[:, :1]], axis=-1)},
        (ROWS,),
    ),
    Deviation(
        "alpha_of_previous_class",
        "alpha",
        "a class takes the weight of the one before it",
        "alpha[target]",
        {"alpha": lambda s, before, _: np.concatenate([before()[:, -1:], before()[:, :-1]], axis=-1)},
        (ROWS,),
    ),
    Deviation(
        "alpha_of_class_0",
        "alpha",
        "every class takes the weight of class 0",
        "alpha[target]",
        {"alpha": lambda s, before, _: before()[:, :1] + 0.0 * before()},
        (ROWS,),
    ),
    Deviation(
        "alpha_normalized",
        "alpha",
        "the weights of the classes are divided by their sum",
        "use the weights as they are",
        {"alpha": lambda s, before, _: before() / np.sum(before(), axis=-1, keepdims=True)},
        (ROWS,),
    ),
    Deviation(
        "alpha_normalized_to_classes",
        "alpha",
        "the weights of the classes are divided by their mean",
        "use the weights as they are",
        {"alpha": lambda s, before, _: before() / np.mean(before(), axis=-1, keepdims=True)},
        (ROWS,),
        links=(f"{GITHUB}/vandit15/Class-balanced-loss-pytorch/blob/master/class_balanced_loss.py",),
    ),
)
