"""Numbers that other projects and the paper print, with the parameters by which ours are the same.

Each is held to the digits that its source prints: within one unit of the last one, as some cut digits
off instead of rounding them. Logits that a source gives as probabilities are their logarithms (softmax) or
log-odds (sigmoid).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Published:
    """One printed result: text as printed, one entry a number, nested as the result is."""

    source: str
    loss: str
    logits: Any
    targets: Any
    parameters: dict[str, Any]
    value: Any
    gradient: Any = None
    relative: float = 0.0
    """Allowed beside the printed digits, where the source computed in float32; more where it forms 1 - p there."""
    link: str = ""
    note: str = field(default="", repr=False)


def log_odds(probabilities):
    """Logits of a sigmoid; of the float64 numbers as they are."""
    p = np.asarray(probabilities, dtype=np.float64)
    return np.log(p) - np.log1p(-p)


def logarithms(probabilities):
    """Logits of a softmax; a class of probability 0 is not there."""
    p = np.asarray(probabilities, dtype=np.float64)
    return np.log(p, out=np.full_like(p, -np.inf), where=p > 0.0)


KERAS = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/losses/losses.py"
MMCV = "https://github.com/open-mmlab/mmcv/blob/main/tests/test_ops/test_focal_loss.py"

# mmcv divides "mean" by the number of rows: our mean for rows, a sum with a normalizer for elements.
_MMCV_CASES = [
    (
        [[1.0, 0], [0, 1.0]],
        [0, 1],
        ("0.00566451", [["-0.00657264", "0.00657264"], ["0.00657264", "-0.00657264"]]),
        ("0.13562961", [["-0.00657264", "0.11185755"], ["0.11185755", "-0.00657264"]]),
    ),
    (
        [[1.0, 0, -1.0], [0, 1.0, 2.0]],
        [2, 1],
        ("0.34956908", [["0.10165970", "0.03739851", "-0.13905823"], ["0.01227554", "-0.10298023", "0.09070466"]]),
        ("1.10251057", [["0.28808805", "0.11185755", "-0.09602935"], ["0.11185755", "-0.00657264", "0.40376765"]]),
    ),
    (
        [[1e-6, 2e-6, 3e-6], [4e-6, 5e-5, 6e-4], [7e-3, 8e-2, 9e-1]],
        [1, 2, 0],
        (
            "0.15754992",
            [
                ["0.02590877", "-0.05181759", "0.02590882"],
                ["0.02589641", "0.02589760", "-0.05179400"],
                ["-0.07307514", "0.02234372", "0.05073142"],
            ],
        ),
        (
            "0.42287254",
            [
                ["0.07457182", "-0.02485716", "0.07457201"],
                ["0.07457211", "0.07457669", "-0.02483728"],
                ["-0.02462499", "0.08277918", "0.18050370"],
            ],
        ),
    ),
]
_MMCV = [
    Published(f"mmcv test_focal_loss.py, {loss} {index}", loss, x, y, parameters, *outputs, link=MMCV, relative=3e-7)
    for index, (x, y, softmax, sigmoid) in enumerate(_MMCV_CASES)
    for loss, outputs, parameters in (
        ("softmax", softmax, {"alpha": 0.25, "reduction": "mean"}),
        ("sigmoid", sigmoid, {"reduction": "sum", "normalizer": len(y)}),
    )
]

_LOGITS, _TARGETS = [-18.6, 0.51, 2.94, -12.8], [0, 1, 0, 0]
_PAIRS = [[-18.6, 0.51], [2.94, -12.8]], [[0, 1], [0, 0]]


def _keras(name, logits, targets, parameters, value, loss="sigmoid", **more):
    return Published(f"Keras 3.15.1 losses.py, {name}", loss, logits, targets, parameters, value, link=KERAS, **more)


def _keras_pairs(gamma, alpha, what, value):
    """Keras takes the mean over the last axis first, here of two: our sum over it with a weight of 1/2."""
    balanced = "" if alpha is None else ", balanced"
    parameters = {
        "mean": {"reduction": "mean"},
        "weighted mean": {"reduction": "mean", "weight": [[0.8], [0.2]]},
        "sum": {"reduction": "sum", "weight": 0.5},
        "none": {"reduction": "sum_classes", "weight": 0.5},
    }[what]
    name = f"BinaryFocalCrossentropy, gamma {gamma}{balanced}, {what}"
    return _keras(name, *_PAIRS, {"alpha": alpha, "gamma": gamma, **parameters}, value)


_CATEGORICAL = logarithms([[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]), [1, 2]
_KERAS = [
    _keras("BinaryFocalCrossentropy", _LOGITS, _TARGETS, {"alpha": None, "reduction": "mean"}, "0.691"),
    _keras("BinaryFocalCrossentropy, balanced", _LOGITS, _TARGETS, {"reduction": "mean"}, "0.51"),
    _keras_pairs(3.0, None, "mean", "0.647"),
    _keras_pairs(3.0, 0.25, "mean", "0.482"),
    _keras_pairs(3.0, None, "weighted mean", "0.133"),
    _keras_pairs(3.0, 0.25, "weighted mean", "0.097"),
    _keras_pairs(4.0, None, "sum", "1.222"),
    _keras_pairs(4.0, 0.25, "sum", "0.914"),
    _keras_pairs(5.0, None, "none", ["0.0017", "1.1561"]),
    _keras_pairs(5.0, 0.25, "none", ["0.0004", "0.8670"]),
    _keras(
        "binary_focal_crossentropy",
        log_odds([[0.6, 0.4], [0.4, 0.6]]),
        [[0, 1], [0, 0]],
        {"alpha": None, "reduction": "sum_classes", "weight": 0.5},
        ["0.330", "0.206"],
    ),
    *(
        _keras(f"CategoricalFocalCrossentropy, {what}", *_CATEGORICAL, parameters, value, "softmax", relative=1e-6)
        for what, parameters, value in [
            ("mean", {"alpha": 0.25, "reduction": "mean"}, "0.23315276"),
            ("weighted mean", {"alpha": 0.25, "reduction": "mean", "weight": [0.3, 0.7]}, "0.1632"),
            ("sum", {"alpha": 0.25, "reduction": "sum"}, "0.46631"),
            ("none", {"alpha": 0.25}, ["3.2058331e-05", "4.6627346e-01"]),
        ]
    ),
    _keras(
        "categorical_focal_crossentropy",
        logarithms([[0.05, 0.9, 0.05], [0.1, 0.85, 0.05]]),
        [1, 2],
        {"alpha": 0.25},
        ["2.63401289e-04", "6.75912094e-01"],
        "softmax",
        relative=1e-6,
    ),
]

_OTHERS = [
    Published(
        "TensorFlow Addons focal_loss.py, example of SigmoidFocalCrossEntropy",
        "sigmoid",
        log_odds([0.97, 0.91, 0.03]),
        [1, 1, 0],
        {},
        ["6.8532745e-06", "1.9097870e-04", "2.0559824e-05"],
        relative=8e-6,
        link="https://github.com/tensorflow/addons/blob/master/tensorflow_addons/losses/focal_loss.py",
        note="1 - 0.97 in float32 has a relative error of 1e-6, its square and -log(0.97) add to it.",
    ),
    Published(
        "PaddlePaddle, example of sigmoid_focal_loss",
        "sigmoid",
        [[0.97, 0.91, 0.03], [0.55, 0.43, 0.71]],
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        {"reduction": "mean_positives"},
        "0.65782464",
        relative=1e-7,
        link="https://github.com/PaddlePaddle/Paddle/blob/develop/python/paddle/nn/functional/loss.py",
    ),
    Published(
        "TensorFlow issue 61519, without balancing",
        "sigmoid",
        [-1.6, 0.51, 2.94, -1.8],
        [0, 1, 0, 0],
        {"alpha": None, "reduction": "mean"},
        "0.6932789",
        link="https://github.com/tensorflow/tensorflow/issues/61519",
    ),
    Published(
        "TensorFlow issue 61519, with balancing",
        "sigmoid",
        [-1.6, 0.51, 2.94, -1.8],
        [0, 1, 0, 0],
        {"reduction": "mean"},
        "0.51168",
        link="https://github.com/tensorflow/tensorflow/issues/61519",
    ),
    # Printed are the sigmoids of these logits, and of 0.5 for the first target.
    Published(
        "YOLOv5 pull request 1482, FocalLoss",
        "sigmoid",
        [[0.5, -1.0, -2.0], [1.25, 0.0, -1.25], [1.5, 2.0, -1.4]],
        [[0.6224593312018546, 0.0, 0.0], [0.9, 0.0, 0.0], [1.0, 0.0, 0.0]],
        {"gamma": 1.5},
        [["0.0937", "0.0328", "0.0039"], ["0.0166", "0.1838", "0.0199"], ["0.0039", "1.3186", "0.0145"]],
        link="https://github.com/ultralytics/yolov5/pull/1482",
    ),
]

PAPER = "Lin et al. 2017, arXiv:1708.02002"
_PRIOR = -4.59511985013459
_PAPER = [
    Published(
        f"{PAPER}, at the prior 0.01",
        "sigmoid",
        [_PRIOR, _PRIOR],
        [0, 1],
        {},
        ["7.53775e-7", "1.128382"],
        link="https://arxiv.org/abs/1708.02002",
    ),
    Published(
        f"{PAPER}, cross-entropy of a negative at the prior 0.01",
        "sigmoid",
        [_PRIOR],
        [0],
        {"alpha": None, "gamma": 0.0},
        ["0.01005034"],
        link="https://arxiv.org/abs/1708.02002",
    ),
]

_BATCH = [2.0, -1.0, 0.5, -3.0], [1, 0, 0, 1]
_STUDY = [
    Published(
        "field study 4.6, a batch worked out in NumPy",
        "sigmoid",
        *_BATCH,
        {},
        ["4.50890709e-4", "1.69935431e-2", "2.83058701e-1", "6.91570110e-1"],
        ["-0.00121774", "0.03943585", "0.39461387", "-0.28168747"],
    ),
    Published("field study 4.6, its sum", "sigmoid", *_BATCH, {"reduction": "sum"}, "0.99207324"),
    Published(
        "field study 4.7, detached modulator",
        "sigmoid",
        *_BATCH,
        {"detach_modulator": True},
        ["4.50890709e-4", "1.69935431e-2", "2.83058701e-1", "6.91570110e-1"],
        ["-0.000423", "0.014589", "0.180882", "-0.216090"],
    ),
]

# x, t = 1, 0.7; log-odds(0.7), 0.7; -2, 0.9; gamma 2, no alpha.
_SOFT_LOGITS, _SOFT_TARGETS = [1.0, 0.8472978603872034, -2.0], [0.7, 0.7, 0.9]
SOFT_RULES = {
    "linear": ("torchvision, fvcore, optax, mmdetection, Keras", ["0.101874", "0.107756", "1.247574"]),
    "cross_entropy": ("segmentation_models_pytorch, catalyst, Scenic", ["0.128875", "0.127645", "1.406673"]),
    "margin": ("MONAI", ["0.098767", "0.105750", "1.333925"]),
    "expected": ("kornia, the formula in Paddle's documentation", ["0.226421", "0.199455", "1.485251"]),
}
_SOFT = [
    Published(
        f"field study 1.3, soft labels by {who}",
        "sigmoid",
        _SOFT_LOGITS,
        _SOFT_TARGETS,
        {"alpha": None, "soft_targets": rule},
        values,
    )
    for rule, (who, values) in SOFT_RULES.items()
]
# A label 1, smoothed by 0.1, at the logit 1; alpha of the hard label is a weight.
_SMOOTHED = [
    Published(f"field study 1.3, smoothing by {who}", "sigmoid", [1.0], [0.95], parameters, [value])
    for who, parameters, value in [
        ("torchvision, alpha smoothed too", {}, "0.0085204"),
        ("Keras, alpha of the hard label", {"alpha": None, "weight": 0.25}, "0.0077458"),
        ("keras-cv, 1 - alpha for alpha", {"alpha": None, "weight": 0.75}, "0.0232374"),
    ]
]

PUBLISHED = [*_MMCV, *_KERAS, *_OTHERS, *_PAPER, *_STUDY, *_SOFT, *_SMOOTHED]
