"""The losses, one file each, and the registry that every other part of the project reads."""

from focal_ref.losses.loss import Loss
from focal_ref.losses.sigmoid_focal import SigmoidFocal
from focal_ref.losses.softmax_focal import SoftmaxFocal

LOSSES: dict[str, type[Loss]] = {"sigmoid_focal": SigmoidFocal, "softmax_focal": SoftmaxFocal}
"""Name of a loss -> its class. A new loss is one new file and one line here."""

__all__ = ["LOSSES", "Loss", "SigmoidFocal", "SoftmaxFocal"]
