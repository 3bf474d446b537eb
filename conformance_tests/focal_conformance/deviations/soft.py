"""Deviations of soft targets: another rule than the declared one, and targets that are changed first."""

import autograd.numpy as np

from focal_conformance.deviations.deviation import BOTH, ELEMENTS, ROWS, Deviation, Parameter, Step
from focal_conformance.deviations.formula import RULES, State, expected, power

GITHUB = "https://github.com"


def _rule(name: str) -> dict[str, Step]:
    """Another rule: its 1 - p_t, and the product that has it."""
    if name == "expected":
        return {"loss": lambda s, before, _: expected(s)}
    return {
        "q": lambda s, before, _: RULES[name](s),
        "loss": lambda s, before, _: s.alpha_t * s.modulator * s.cross_entropy,
    }


def _quality(s: State) -> np.ndarray:
    if s.rows:
        return np.sum(np.where(s.targets > 0.0, s.targets * np.abs(s.targets - s.p), 0.0), axis=-1)
    return np.abs(s.targets - s.p)


def _smoothed(s: State, targets: np.ndarray, epsilon: float) -> np.ndarray:
    classes = s.questions.logits.shape[-1] if s.rows else 2
    return targets * (1.0 - epsilon) + epsilon / classes


def _smoothed_cross_entropy(s: State, epsilon: float) -> np.ndarray:
    targets = _smoothed(s, s.targets, epsilon)
    if s.rows:
        return -np.sum(targets * s.log_p, axis=-1)
    return -(targets * s.log_p + (1.0 - targets) * s.log_not_p)


def _hardest(s: State) -> np.ndarray:
    targets = s.questions.targets
    if s.rows:
        return (targets == np.max(targets, axis=-1, keepdims=True)) * 1.0
    return (targets >= 0.5) * 1.0


SMOOTHING = Parameter("epsilon", 1e-3, 0.5, (0.1, 0.05, 0.01, 0.2))
WHO = {
    "linear": (f"{GITHUB}/pytorch/vision/blob/main/torchvision/ops/focal_loss.py",),
    "cross_entropy": (
        f"{GITHUB}/qubvel-org/segmentation_models.pytorch/blob/main/segmentation_models_pytorch/losses/_functional.py",
    ),
    "margin": (f"{GITHUB}/Project-MONAI/MONAI/blob/dev/monai/losses/focal_loss.py",),
    "expected": (
        f"{GITHUB}/kornia/kornia/blob/main/kornia/losses/focal.py",
        f"{GITHUB}/PaddlePaddle/Paddle/pull/73430",
    ),
}
FORMULA = {
    "linear": "p_t = p t + (1-p)(1-t)",
    "cross_entropy": "p_t = exp(-CE)",
    "margin": "p_t = sigmoid(x (2t-1))",
    "expected": "t FL(1) + (1-t) FL(0), each class its own loss",
}

SOFT = (
    *(
        Deviation(
            f"soft_targets_{name}",
            "soft targets",
            f"soft targets follow the rule {name!r}, {FORMULA[name]}, not the declared one",
            f"declare it, --soft-targets {name}, or compute the declared rule",
            _rule(name),
            links=WHO[name],
            rule=name,
        )
        for name in FORMULA
    ),
    Deviation(
        "soft_targets_quality",
        "soft targets",
        "the factor is |t - p| ** gamma, as in the quality focal loss",
        "(1 - p_t) ** gamma, with p_t of the declared rule",
        {"modulator": lambda s, before, _: power(s, _quality(s), s.gamma)},
        (ELEMENTS,),
        links=(f"{GITHUB}/ultralytics/yolov5/pull/1482",),
        written=r"abs\(",
    ),
    Deviation(
        "soft_targets_log_of_p_t",
        "soft targets",
        "the loss is -log(p_t) of the mixed p_t, not the cross entropy of the soft target",
        "cross_entropy = -t log(p) - (1-t) log(1-p)",
        {"cross_entropy": lambda s, before, _: -np.log(np.maximum(1.0 - s.q, 1e-300))},
        written=r"log\(\s*p_?t",
    ),
    Deviation(
        "soft_targets_rounded",
        "soft targets",
        "soft targets are made hard: 1 from 1/2 on, of rows the largest class",
        "use the targets as they are",
        {"targets": lambda s, before, _: _hardest(s)},
        written=r"round|>=?\s*0?\.5|argmax",
    ),
    Deviation(
        "soft_targets_truncated",
        "soft targets",
        "targets are cast to integers: every target below 1 is 0",
        "keep targets in the dtype of the logits",
        {"targets": lambda s, before, _: np.floor(s.questions.targets)},
        links=(f"{GITHUB}/tensorflow/models/blob/master/official/vision/losses/focal_loss.py",),
        written=r"int|long|==\s*1|bool",
    ),
    Deviation(
        "soft_targets_nonzero",
        "soft targets",
        "every target above 0 counts as 1",
        "use the targets as they are",
        {"targets": lambda s, before, _: (s.questions.targets > 0.0) * 1.0},
        (ELEMENTS,),
        written=r"bool|>\s*0|!=\s*0",
    ),
    Deviation(
        "targets_smoothed",
        "label smoothing",
        "targets are smoothed by {value} before everything",
        "leave smoothing to the caller",
        {"targets": lambda s, before, epsilon: _smoothed(s, before(), epsilon)},
        parameter=SMOOTHING,
        written=r"smooth|0\.\d+",
    ),
    Deviation(
        "cross_entropy_smoothed",
        "label smoothing",
        "the cross entropy has targets smoothed by {value}, the modulating factor and alpha have not",
        "smooth the targets once, before p_t, alpha_t and the cross entropy",
        {"cross_entropy": lambda s, before, epsilon: _smoothed_cross_entropy(s, epsilon)},
        parameter=SMOOTHING,
        links=(f"{GITHUB}/google/automl/blob/master/efficientdet/det_model_fn.py",),
        written=r"smooth",
    ),
    Deviation(
        "targets_flipped",
        "targets",
        "positive and negative change places: 1 - t",
        "targets: 1 is the positive class",
        {"targets": lambda s, before, _: 1.0 - before()},
        (ELEMENTS,),
    ),
    Deviation(
        "targets_of_next_class",
        "targets",
        "class indices are one too large: they are taken to start at 1",
        "class indices start at 0",
        {"targets": lambda s, before, _: np.concatenate([before()[:, 1:], before()[:, :1]], axis=-1)},
        (ROWS,),
        links=(f"{GITHUB}/open-mmlab/mmdetection/issues/3228",),
    ),
    Deviation(
        "targets_of_previous_class",
        "targets",
        "class indices are one too small",
        "class indices start at 0",
        {"targets": lambda s, before, _: np.concatenate([before()[:, -1:], before()[:, :-1]], axis=-1)},
        (ROWS,),
    ),
    Deviation(
        "logits_and_targets_swapped",
        "arguments",
        "logits and targets change places",
        "pass logits and targets by keyword",
        {
            "logits": lambda s, before, _: s.questions.targets + 0.0 * s._logits,
            "targets": lambda s, before, _: s._logits,
        },
        BOTH,
    ),
)
