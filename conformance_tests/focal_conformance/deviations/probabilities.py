"""Deviations of p and log p: activation, epsilons, clips, floors."""

from typing import Any

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, primitive

from focal_conformance.deviations.deviation import ELEMENTS, ROWS, Deviation, Parameter, Step
from focal_conformance.deviations.formula import State, constant, power, sigmoid

GITHUB = "https://github.com"
EPSILONS = (1e-7, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-9, 1e-10, 1e-12, 1e-2, 2.0**-23, 2.0**-52)
EPSILON = Parameter("epsilon", 1e-16, 0.2, EPSILONS)


def _probability(s: State) -> np.ndarray:
    """Sigmoid or softmax in the dtype of the port, which rounds to 1."""
    if not s.rows:
        return sigmoid(s.working(s.logits))
    logits = s.working(s.logits)
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def probabilities(change: Step) -> dict[str, Step]:
    """P and what follows from it, where p itself is changed: ``change`` is given p in the port's dtype."""

    def p(s: State, before: object, parameter: float) -> np.ndarray:
        return change(s, lambda: _probability(s), parameter)

    return {
        "p": p,
        "not_p": lambda s, before, _: 1.0 - s.p,
        "log_p": lambda s, before, _: np.log(s.p),
        "log_not_p": lambda s, before, _: np.log(1.0 - s.p),
    }


def logarithms(change: Step) -> dict[str, Step]:
    """Logarithms of numbers in the port's dtype, which are changed first."""
    return {
        "log_p": lambda s, before, a: np.log(change(s, lambda: _probability(s), a)),
        "log_not_p": lambda s, before, a: np.log(change(s, lambda: 1.0 - _probability(s), a)),
    }


@primitive  # type: ignore[untyped-decorator]
def _cross_entropy_of(p: Any, targets: Any, floor: float) -> Any:
    """Of probabilities, no logarithm below -floor: torch's binary_cross_entropy."""
    with numpy.errstate(divide="ignore"):
        logs = numpy.maximum(numpy.log(p), -floor), numpy.maximum(numpy.log1p(-p), -floor)
    return -(targets * logs[0] + (1.0 - targets) * logs[1])


def _its_gradient(result: Any, p: Any, targets: Any, floor: float) -> Any:
    """As torch has it: divided by p (1 - p), and by no less than 1e-12."""
    return lambda slope: slope * (p - targets) / numpy.maximum((1.0 - p) * p, 1e-12)


defvjp(_cross_entropy_of, _its_gradient, None, None)


def floored(s: State, floor: float) -> np.ndarray:
    """Cross entropy of rounded probabilities."""
    if s.rows:
        return -np.sum(s.targets * np.maximum(np.log(_probability(s)), -floor), axis=-1)
    return _cross_entropy_of(_probability(s), constant(s.targets), floor)


def _within(logits: Any, bound: float) -> Any:
    """Clipped; at the bound itself with a gradient, as frameworks have it."""
    return np.where(logits > bound, bound, np.where(logits < -bound, -bound, logits))


def _over_batch(s: State) -> np.ndarray:
    """Log softmax over the points of a call instead of the classes."""
    parts, order = [], []
    for number in numpy.unique(s.questions.batch):
        members = numpy.flatnonzero(s.questions.batch == number)
        logits = s.logits[members]
        shifted = logits - np.max(logits, axis=0, keepdims=True)
        parts.append(shifted - np.log(np.sum(np.exp(shifted), axis=0, keepdims=True)))
        order.append(members)
    return np.concatenate(parts)[numpy.argsort(numpy.concatenate(order))]


def _one_against_rest(s: State, weight: np.ndarray) -> np.ndarray:
    """The sigmoid focal loss of each class."""
    p, gamma = sigmoid(s.logits), s.per_class(s.gamma)
    cross_entropy = np.logaddexp(0.0, s.logits) - s.logits * s.targets
    q = p * (1.0 - s.targets) + (1.0 - p) * s.targets
    return weight * power(s, q, gamma) * cross_entropy


def _of_signs(s: State) -> np.ndarray:
    """Alpha for the positive class, 1 - alpha for the others, as the sigmoid loss has it."""
    number = s.alpha[:, :1]
    balance = number * s.targets + (1.0 - number) * (1.0 - s.targets)
    return np.where(s.questions.balanced[:, None], balance, 1.0)


PROBABILITIES = (
    Deviation(
        "epsilon_in_log",
        "epsilon",
        "{value} is added inside the logarithm: log(p + eps)",
        "use the logits: logsigmoid, log_softmax; no epsilon",
        logarithms(lambda s, before, epsilon: before() + epsilon),
        parameter=EPSILON,
        links=(
            f"{GITHUB}/mkocabas/focal-loss-keras/issues/5",
            f"{GITHUB}/tensorflow/tensorflow/issues/41595",
        ),
        written=r"log\(.*\+|eps|1e-\d+",
    ),
    Deviation(
        "clipped_probabilities",
        "epsilon",
        "probabilities are clipped to [{value}, 1 - {value}]: hard examples beyond have no gradient",
        "use the logits: logsigmoid, log_softmax; no clip",
        probabilities(lambda s, before, epsilon: np.clip(before(), epsilon, 1.0 - epsilon)),
        parameter=EPSILON,
        links=(
            f"{GITHUB}/keras-team/keras/blob/master/keras/src/losses/losses.py",
            f"{GITHUB}/toandaominh1997/EfficientDet.Pytorch/issues/131",
        ),
        written=r"clip|clamp|minimum|maximum",
    ),
    Deviation(
        "epsilon_in_log_of_p_t",
        "epsilon",
        "{value} is added to p_t inside the logarithm: log(p_t + eps)",
        "use the logits: logsigmoid, log_softmax; no epsilon",
        {"cross_entropy": lambda s, before, epsilon: -np.log(s.working(1.0 - s.q) + epsilon)},
        parameter=EPSILON,
        links=(f"{GITHUB}/tensorflow/tensorflow/issues/41595",),
        written=r"log\(.*\+|eps|1e-\d+",
    ),
    Deviation(
        "clipped_p_t",
        "epsilon",
        "p_t is clipped to [{value}, 1 - {value}] before power and logarithm: hard examples beyond have no gradient",
        "use the logits: logsigmoid, log_softmax; no clip",
        {
            "q": lambda s, before, epsilon: 1.0 - np.clip(s.working(1.0 - before()), epsilon, 1.0 - epsilon),
            "cross_entropy": lambda s, before, _: -np.log(1.0 - s.q),
        },
        parameter=EPSILON,
        links=(f"{GITHUB}/keras-team/keras/blob/master/keras/src/losses/losses.py",),
        written=r"clip|clamp|minimum|maximum",
    ),
    Deviation(
        "clipped_logits",
        "epsilon",
        "logits are clipped to [-{value}, {value}]",
        "use the logits as they are",
        {"logits": lambda s, before, bound: _within(before(), bound)},
        parameter=Parameter("bound", 2.0, 800.0, (10.0, 20.0, 15.0, 30.0, 50.0, 100.0, 88.0)),
        written=r"clip|clamp|minimum|maximum",
    ),
    Deviation(
        "log_floor",
        "epsilon",
        "no logarithm is below -{value}: the loss has a ceiling and no gradient there",
        "use the logits: binary_cross_entropy_with_logits, not binary_cross_entropy",
        {"cross_entropy": lambda s, before, floor: floored(s, floor)},
        parameter=Parameter("floor", 3.0, 750.0, (100.0,)),
        written=r"binary_cross_entropy\(|BCELoss|clamp",
    ),
    Deviation(
        "log_of_at_least",
        "epsilon",
        "the argument of the logarithm is at least {value}",
        "use the logits: logsigmoid, log_softmax",
        logarithms(lambda s, before, epsilon: np.maximum(before(), epsilon)),
        parameter=Parameter("epsilon", 1e-45, 0.2, (1.1754943508222875e-38, *EPSILONS)),
        links=(f"{GITHUB}/open-mmlab/mmcv/issues/1488",),
        written=r"max|clamp|clip|FLT_MIN",
    ),
    Deviation(
        "epsilon_in_power",
        "epsilon",
        "{value} is added to 1 - p_t before the power",
        "no epsilon: take the power of sigmoid(-x) or of exp(log)",
        {"q": lambda s, before, epsilon: before() + epsilon},
        parameter=EPSILON,
        written=r"eps|1e-\d+",
        links=(f"{GITHUB}/kornia/kornia/issues/918",),
    ),
    Deviation(
        "double_sigmoid",
        "logits or probabilities",
        "the sigmoid is taken twice: probabilities are given to a function of logits",
        "pass logits, or use the function of probabilities",
        {"logits": lambda s, before, _: np.exp(-np.logaddexp(0.0, -before()))},
        (ELEMENTS,),
        links=(f"{GITHUB}/qubvel-org/segmentation_models.pytorch/issues/588",),
        written=r"sigmoid",
    ),
    Deviation(
        "double_softmax",
        "logits or probabilities",
        "the softmax is taken twice: probabilities are given to a function of logits",
        "pass logits, or use the function of probabilities",
        {
            "logits": lambda s, before, _: (
                np.exp(before() - np.max(before(), axis=-1, keepdims=True))
                / np.sum(np.exp(before() - np.max(before(), axis=-1, keepdims=True)), axis=-1, keepdims=True)
            )
        },
        (ROWS,),
        written=r"softmax",
    ),
    Deviation(
        "logits_taken_for_probabilities",
        "logits or probabilities",
        "logits are taken for probabilities, clipped to [0, 1]",
        "apply the sigmoid, or the softmax, first",
        {
            "p": lambda s, before, _: np.clip(s.logits, 1e-7, 1.0 - 1e-7),
            "not_p": lambda s, before, _: 1.0 - np.clip(s.logits, 1e-7, 1.0 - 1e-7),
            "log_p": lambda s, before, _: np.log(np.clip(s.logits, 1e-7, 1.0 - 1e-7)),
            "log_not_p": lambda s, before, _: np.log(1.0 - np.clip(s.logits, 1e-7, 1.0 - 1e-7)),
        },
    ),
    Deviation(
        "log_probabilities_taken_for_logits",
        "logits or probabilities",
        "log p is taken for a logit: its sigmoid is p / (1 + p)",
        "pass the logits",
        {"logits": lambda s, before, _: -np.logaddexp(0.0, -before())},
        (ELEMENTS,),
        links=(f"{GITHUB}/qubvel-org/segmentation_models.pytorch/issues/1263",),
        written=r"logsigmoid|log_sigmoid|log",
    ),
    Deviation(
        "temperature",
        "logits or probabilities",
        "logits are multiplied by {value}",
        "use the logits as they are",
        {"logits": lambda s, before, factor: before() * factor},
        parameter=Parameter("factor", 0.05, 20.0, (0.5, 2.0, 10.0, 0.1)),
    ),
    Deviation(
        "softmax_over_batch",
        "softmax or sigmoid",
        "the softmax runs over the batch, not over the classes",
        "softmax over the class axis",
        {
            "log_p": lambda s, before, _: _over_batch(s),
            "p": lambda s, before, _: np.exp(s.log_p),
            "not_p": lambda s, before, _: 1.0 - s.p,
        },
        (ROWS,),
        written=r"softmax",
        over_batch=True,
    ),
    Deviation(
        "sigmoid_of_each_class",
        "softmax or sigmoid",
        "each class has a sigmoid of its own, and their losses are summed",
        "softmax over the classes, and the loss of the target class",
        {"loss": lambda s, before, _: np.sum(_one_against_rest(s, _of_signs(s)), axis=-1)},
        (ROWS,),
        links=(f"{GITHUB}/qubvel-org/segmentation_models.pytorch/issues/671",),
        written=r"sigmoid|logits\(",
    ),
    Deviation(
        "sigmoid_of_each_class_by_target",
        "softmax or sigmoid",
        "each class has a sigmoid of its own; their losses are summed and weighted with the target's alpha",
        "softmax over the classes, and the loss of the target class",
        {"loss": lambda s, before, _: s.alpha_t * np.sum(_one_against_rest(s, 1.0), axis=-1)},
        (ROWS,),
        links=(f"{GITHUB}/qubvel-org/segmentation_models.pytorch/issues/671",),
        written=r"sigmoid|logits\(",
    ),
    Deviation(
        "mean_of_sigmoids",
        "softmax or sigmoid",
        "each class has a sigmoid of its own, and their losses are averaged",
        "softmax over the classes, and the loss of the target class",
        {"loss": lambda s, before, _: np.mean(_one_against_rest(s, _of_signs(s)), axis=-1)},
        (ROWS,),
        links=(f"{GITHUB}/qubvel-org/segmentation_models.pytorch/issues/671",),
        written=r"sigmoid|logits\(",
    ),
    Deviation(
        "mean_over_classes",
        "reduction",
        "a row's loss is divided by the number of classes",
        "sum over the classes",
        {"loss": lambda s, before, _: before() / s.questions.logits.shape[-1]},
        (ROWS,),
        links=(f"{GITHUB}/kornia/kornia/blob/main/kornia/losses/focal.py",),
        written=r"mean",
    ),
)
