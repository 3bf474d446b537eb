"""ultralytics.utils.loss.FocalLoss."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.alone import alone
from focal_conformance.ports.peers.peer import Peer

# Its docstring names gamma and alpha, "the balancing factor", and says nothing of shapes, dtypes, soft labels or what
# switches alpha off; that one number comes back, a sum by the length of axis 1, is said by the code alone.
DIALECT = Dialect(
    logits="pred",
    targets="label",
    order=("gamma", "alpha"),
    alpha_off=(),
    reduction=None,
    returns="sum",
    denominators={"sum": "second axis"},
    soft_targets=None,
    layout="column",
    integer_targets=False,
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of ultralytics.utils.loss.FocalLoss, 8.4",
)
CODE = replace(
    DIALECT,
    alpha_off=(0.0,),
    alpha_by_class="alpha",
    soft_targets="linear",
    source="source of ultralytics.utils.loss.FocalLoss, 8.4.190",
)
STUBS: dict[str, dict[str, Any]] = {
    # What the file's other losses need of the package; they are not called.
    "ultralytics.utils.metrics": dict.fromkeys(("CITYSCAPES_WEIGHT", "OKS_SIGMA", "RLE_WEIGHT", "bbox_iou", "probiou")),
    "ultralytics.utils.ops": dict.fromkeys(("crop_mask", "xywh2xyxy", "xyxy2xywh")),
    "ultralytics.utils.tal": dict.fromkeys(
        (
            *("PoseTaskAlignedAssigner", "RotatedTaskAlignedAssigner", "SegTaskAlignedAssigner"),
            *("TaskAlignedAssigner", "bbox2dist", "dist2bbox", "dist2rbox", "make_anchors", "rbox2dist"),
        )
    ),
    "ultralytics.utils.torch_utils": {"autocast": None},
}


def module() -> tuple[ModuleType, tuple[str, ...]]:
    """The file that has the class; importing the package would write settings and ask the network."""
    return alone("ultralytics.utils.loss", stubs=STUBS), (
        "importing ultralytics writes settings and looks for a network; its file utils/loss.py was loaded alone",
    )


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The class, constructed for each call."""
    loaded, notes = module()

    def loss(pred: Any, label: Any, **parameters: Any) -> Any:
        return loaded.FocalLoss(**parameters)(pred, label)

    return loss, notes


PEER = Peer(
    name="ultralytics",
    framework="torch",
    packages=("torch", "ultralytics"),
    install="in an environment of its own: pip install torch==2.13.0 ultralytics==8.4.190",
    dialect=DIALECT,
    function=function,
    distributions=("ultralytics",),
    documentation="https://docs.ultralytics.com/reference/utils/loss/#ultralytics.utils.loss.FocalLoss",
    # Its licence, AGPL-3.0, and its many packages stay out of an environment that nobody asked to have them in.
    environment_packages=("torch==2.13.0", "ultralytics==8.4.190"),
    code_dialect=CODE,
    differences=(
        "alpha is documented as the balancing factor, a number; alpha=0 or less switches the balance off.",
        "FocalLoss(gamma=1.5) is documented as 'focal loss'; it returns the sum over everything but axis 1 of the mean "
        "over axis 1, and raises for tensors of one axis. Neither is documented.",
    ),
)
