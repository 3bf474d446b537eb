"""Deviations of what is done to the losses: denominators, normalizer, weights, ignored elements."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as np

from focal_conformance.deviations.deviation import ELEMENTS, ROWS, Deviation
from focal_conformance.formats import Float64

GITHUB = "https://github.com"


@dataclass(frozen=True, eq=False)
class Batch:
    """Losses of one call, and what else the call held; all of the losses' shape."""

    losses: Float64
    counted: Float64
    """1 where an element counts, 0 where it is masked or ignored."""
    weight: Float64
    alpha_t: Float64
    positive: Float64
    """1 where the target is positive; of rows everywhere."""
    normalizer: float
    classes: int
    """Of rows the number of classes, else 1."""

    @property
    def total(self) -> Any:
        """The sum of what counts; `autograd` goes through it."""
        return np.sum(self.losses * self.counted * self.weight)


Reduce = Callable[[Batch], Any]


@dataclass(frozen=True)
class Reduction(Deviation):
    """A deviation of one reduction."""

    reduction: str = "mean"
    reduces: Reduce = field(default=lambda batch: batch.total)
    needs: str = ""
    """The argument that it is about: 'normalizer', 'weight', 'ignored'; nothing for none."""


def _divided(by: Callable[[Batch], Any]) -> Reduce:
    return lambda batch: batch.total / by(batch)


def _of_last_axis(combine: Callable[..., Any]) -> Reduce:
    return lambda batch: combine(batch.losses * batch.counted * batch.weight, axis=-1)


def _reduction(
    name: str,
    reduction: str,
    sentence: str,
    change: str,
    reduces: Reduce,
    written: str = "",
    needs: str = "",
    losses: tuple[str, ...] = (ELEMENTS, ROWS),
    links: tuple[str, ...] = (),
) -> Reduction:
    return Reduction(
        name,
        needs or "reduction",
        sentence,
        change,
        losses=losses,
        links=links,
        written=written,
        reduction=reduction,
        reduces=reduces,
        needs=needs,
    )


MEAN = "loss.mean() over the elements that count"
REDUCTIONS = (
    _reduction("mean_is_sum", "mean", "'mean' is the sum", MEAN, lambda b: b.total, r"sum\("),
    _reduction(
        "mean_over_batch_size", "mean", "'mean' divides the sum by the length of the first axis alone", MEAN,
        _divided(lambda b: b.losses.shape[0]), r"/|shape\[0\]|size\(0\)|len\(",
        links=(f"{GITHUB}/open-mmlab/mmcv/blob/main/mmcv/ops/focal_loss.py",),
    ),
    _reduction(
        "mean_over_second_axis", "mean", "'mean' averages over the second axis and sums over the first", MEAN,
        _divided(lambda b: b.losses.shape[1]), r"mean\(",
        links=(f"{GITHUB}/facebookresearch/detr/blob/main/models/segmentation.py",),
    ),
    _reduction(
        "mean_over_positives", "mean", "'mean' divides the sum by the number of positives", MEAN,
        _divided(lambda b: max(1.0, float(np.sum(b.positive * b.counted)))), r"/", losses=(ELEMENTS,),
        links=(f"{GITHUB}/fizyr/keras-retinanet/issues/709",),
    ),
    _reduction(
        "mean_over_positives_of_each_row", "mean",
        "'mean' divides each image or row by its own number of positives, and averages those",
        "one sum over the batch, divided once",
        lambda b: np.mean(
            np.sum(b.losses * b.counted * b.weight, axis=-1) / np.maximum(1.0, np.sum(b.positive * b.counted, axis=-1))
        ),
        r"/", losses=(ELEMENTS,), links=(f"{GITHUB}/fizyr/keras-retinanet/issues/709",),
    ),
    _reduction(
        "mean_over_weights", "mean", "'mean' divides the sum by the sum of the weights alpha_t", MEAN,
        _divided(lambda b: float(np.sum(b.alpha_t * b.counted))), r"/|weight=",
        links=(f"{GITHUB}/pytorch/pytorch/blob/main/torch/nn/functional.py",),
    ),
    _reduction(
        "mean_over_rows_and_classes", "mean", "'mean' divides the sum by rows times classes", MEAN,
        _divided(lambda b: b.losses.size * b.classes), r"mean\(", losses=(ROWS,),
        links=(f"{GITHUB}/kornia/kornia/blob/main/kornia/losses/focal.py",),
    ),
    _reduction(
        "mean_of_last_axis", "mean", "'mean' averages over the last axis alone", MEAN,
        _of_last_axis(np.mean), r"mean\(",
    ),
    _reduction("sum_is_mean", "sum", "'sum' is the mean", "loss.sum()", _divided(lambda b: b.losses.size), r"mean\("),
    _reduction(
        "sum_over_batch_size", "sum", "'sum' is divided by the length of the first axis", "loss.sum()",
        _divided(lambda b: b.losses.shape[0]), r"/|mean\(",
    ),
    _reduction(
        "sum_over_second_axis", "sum", "'sum' averages over the second axis and sums over the first", "loss.sum()",
        _divided(lambda b: b.losses.shape[1]), r"mean\(",
        links=(f"{GITHUB}/Project-MONAI/MONAI/blob/dev/monai/losses/focal_loss.py",),
    ),
    _reduction(
        "sum_of_last_axis", "sum", "'sum' sums over the last axis alone", "loss.sum()", _of_last_axis(np.sum), r"sum\(",
    ),
    _reduction(
        "none_is_sum", "none", "'none' returns the sum", "return the losses as they are", lambda b: b.total, r"sum\(",
    ),
    _reduction(
        "none_is_mean", "none", "'none' returns the mean", "return the losses as they are",
        _divided(lambda b: b.losses.size), r"mean\(",
        links=(f"{GITHUB}/qubvel-org/segmentation_models.pytorch/blob/main/segmentation_models_pytorch/losses/focal.py",),
    ),
    _reduction(
        "none_sums_last_axis", "none", "'none' sums over the last axis", "return the losses as they are",
        _of_last_axis(np.sum), r"sum\(", losses=(ELEMENTS,), links=(f"{GITHUB}/tensorflow/addons/issues/2431",),
    ),
    _reduction(
        "none_averages_last_axis", "none", "'none' averages over the last axis", "return the losses as they are",
        _of_last_axis(np.mean), r"mean\(", losses=(ELEMENTS,),
    ),
    _reduction(
        "none_flattened", "none", "'none' returns the losses with one axis", "keep the shape of the logits",
        lambda b: np.ravel(b.losses), r"reshape|view\(|flatten|ravel",
        links=(f"{GITHUB}/Project-MONAI/MONAI/issues/3185",),
    ),
    _reduction(
        "normalizer_ignored", "sum", "the normalizer is not used", "loss.sum() / normalizer", lambda b: b.total,
        needs="normalizer",
    ),
    _reduction(
        "normalizer_clamped", "sum", "a normalizer below 1 is taken for 1", "loss.sum() / normalizer",
        _divided(lambda b: max(1.0, b.normalizer)), r"max|clamp|maximum", needs="normalizer",
        links=(f"{GITHUB}/PaddlePaddle/Paddle/pull/17895",),
    ),
    _reduction(
        "normalizer_plus_one", "sum", "1 is added to the normalizer", "loss.sum() / normalizer",
        _divided(lambda b: b.normalizer + 1.0), r"\+\s*1", needs="normalizer",
        links=(f"{GITHUB}/google/automl/blob/master/efficientdet/det_model_fn.py",),
    ),
    _reduction(
        "normalizer_multiplies", "sum", "the normalizer is a factor", "loss.sum() / normalizer",
        lambda b: b.total * b.normalizer, r"\*", needs="normalizer",
    ),
    _reduction(
        "normalizer_after_mean", "sum", "the mean, not the sum, is divided by the normalizer",
        "loss.sum() / normalizer",
        _divided(lambda b: b.normalizer * b.losses.size), r"mean", needs="normalizer",
    ),
    _reduction(
        "weight_ignored", "sum", "the weight is not used", "weight * loss",
        lambda b: np.sum(b.losses * b.counted), needs="weight",
    ),
    _reduction(
        "weight_in_denominator", "mean", "'mean' divides by the sum of the weights", MEAN,
        _divided(lambda b: float(np.sum(b.weight * b.counted))), r"/", needs="weight",
    ),
    _reduction(
        "weight_squared", "sum", "the weight is multiplied in twice", "weight * loss",
        lambda b: np.sum(b.losses * b.counted * b.weight**2), needs="weight",
    ),
    _reduction(
        "mean_counts_ignored", "mean", "'mean' counts the elements that are masked or ignored",
        "divide by the number of elements that count", _divided(lambda b: b.losses.size), r"mean\(", needs="ignored",
        links=(
            f"{GITHUB}/qubvel-org/segmentation_models.pytorch/issues/852",
            f"{GITHUB}/Project-MONAI/MONAI/pull/8757",
        ),
    ),
    _reduction(
        "ignored_not_ignored", "sum", "what is masked or ignored has a loss like any other",
        "leave it out before the mathematics", lambda b: np.sum(b.losses * b.weight), needs="ignored",
        links=(f"{GITHUB}/open-mmlab/mmdetection3d/issues/575",),
    ),
)  # fmt: skip
