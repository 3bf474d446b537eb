"""The losses, one file each, and the registry that every other part of the project reads."""

from focal_ref.losses.elementwise import ElementwiseLoss
from focal_ref.losses.sigmoid_focal import SigmoidFocal

LOSSES: dict[str, type[ElementwiseLoss]] = {"sigmoid_focal": SigmoidFocal}
"""Name of a loss -> its class. A new loss is one new file and one line here."""

__all__ = ["LOSSES", "ElementwiseLoss", "SigmoidFocal"]
