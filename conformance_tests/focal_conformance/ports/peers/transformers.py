"""The focal losses of transformers.loss: the one of DETR, and Grounding DINO's."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.alone import imported_or_alone
from focal_conformance.ports.peers.peer import Peer

# Their docstrings: float tensors of one arbitrary shape, targets 0 and 1; the loss of RetinaNet, a sum over all
# elements by the number of boxes. How alpha is switched off is said nowhere.
DIALECT = Dialect(
    logits="inputs",
    targets="targets",
    order=("inputs", "targets", "num_boxes", "alpha", "gamma"),
    normalizer="num_boxes",
    normalizer_off=(1,),
    alpha_off=(),
    reduction=None,
    returns="sum",
    soft_targets=None,
    integer_targets=False,
    refuses_bad_parameters=False,
    source="docstring of transformers.loss.loss_grounding_dino.sigmoid_focal_loss, 5.24",
)
GROUNDING_DINO_CODE = replace(
    DIALECT,
    alpha_off=(-1,),
    soft_targets="linear",
    source="source of transformers.loss.loss_grounding_dino, 5.24.0",
)
DETR = replace(DIALECT, source="docstring of transformers.loss.loss_for_object_detection.sigmoid_focal_loss, 5.24")
DETR_CODE = replace(
    GROUNDING_DINO_CODE,
    denominators={"sum": "second axis"},
    layout="column",
    zero_d=False,
    source="source of transformers.loss.loss_for_object_detection, 5.24.0",
)
OBJECT_DETECTION = "transformers.loss.loss_for_object_detection"
GROUNDING_DINO = "transformers.loss.loss_grounding_dino"


def _no(*names: Any) -> bool:
    return False


STUBS: dict[str, dict[str, Any]] = {
    "transformers.utils": {
        **dict.fromkeys(("is_accelerate_available", "is_scipy_available", "is_vision_available"), _no),
        "requires_backends": _no,
        # Only asked for a logger, which the losses do not use.
        "logging": type("logging", (), {"get_logger": staticmethod(_no)}),
    },
    "transformers.image_transforms": {"center_to_corners_format": None},
}


def module(name: str) -> tuple[ModuleType, tuple[str, ...]]:
    """One of the two files."""
    needed = () if name == OBJECT_DETECTION else (OBJECT_DETECTION,)
    return imported_or_alone(name, *needed, stubs=STUBS)


def _function(name: str) -> Callable[[], tuple[Callable[..., Any], tuple[str, ...]]]:
    def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
        """The public function."""
        loaded, notes = module(name)
        return loaded.sigmoid_focal_loss, notes

    return function


ALPHA = "alpha is documented as optional and in (0, 1); None raises, and a negative number switches it off."
PEERS = (
    Peer(
        name="transformers-detr",
        framework="torch",
        packages=("torch", "transformers"),
        install="pip install transformers",
        dialect=DETR,
        function=_function(OBJECT_DETECTION),
        distributions=("transformers",),
        documentation="https://github.com/huggingface/transformers/blob/main/src/transformers/loss/loss_for_object_detection.py",
        code_dialect=DETR_CODE,
        differences=(
            "Tensors are documented to have any shape; with one axis it raises, and the sum is also divided by the "
            "length of axis 1.",
            ALPHA,
            "num_boxes, the third positional argument, is not documented; the loss of RT-DETR passes its alpha there "
            "and its gamma as alpha, then takes a mean over axis 1 of the number that comes back, and raises.",
        ),
    ),
    Peer(
        name="transformers-grounding-dino",
        framework="torch",
        packages=("torch", "transformers"),
        install="pip install transformers",
        dialect=DIALECT,
        function=_function(GROUNDING_DINO),
        distributions=("transformers",),
        documentation="https://github.com/huggingface/transformers/blob/main/src/transformers/loss/loss_grounding_dino.py",
        code_dialect=GROUNDING_DINO_CODE,
        differences=(ALPHA,),
    ),
)
