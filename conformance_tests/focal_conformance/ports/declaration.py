"""What a foreign port declares, as a dialect: its harness speaks the words of the specification."""

from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.arrays import read
from focal_conformance.ports.messages import Message
from focal_conformance.ports.port import UsageError

PARAMETERS = ("alpha", "gamma", "reduction")
"""What a port takes that does not say."""
SAME = (
    "returns",
    "denominators",
    "smoothed_targets",
    "class_indices",
    "class_axis",
    "result_dtype",
    "reduced_half_dtype",
    "layout",
    "element_axes",
    "keeps_class_axis",
    "flattens",
    "broadcasts_targets",
    "integer_targets",
    "empty",
    "zero_d",
    "refuses_bad_parameters",
    "flushes_subnormals",
)
"""Fields that mean in a declaration what they mean in a dialect."""


def abilities(declaration: Message, loss: str, name: str) -> Message:
    """What is declared for one loss; UsageError where it is not among them."""
    own = declaration["losses"].get(loss)
    if own is None:
        raise UsageError(f"{name} declares {', '.join(declaration['losses'])}, not {loss}")
    return {**declaration, **own}


def dialect_of(declared: Message) -> Dialect:
    """The dialect of a port with these abilities."""
    taken = declared.get("parameters", PARAMETERS)
    alpha = declared.get("fixed_alpha")
    keywords: dict[str, Any] = {name: declared[name] for name in SAME if name in declared}
    keywords |= {name: name if name in taken else None for name in (*PARAMETERS, *_OTHERS)}
    if "reductions" in declared:
        keywords["reductions"] = {name: name for name in declared["reductions"]}
    return Dialect(
        soft_targets_argument="soft_targets" if "soft_targets" in taken else None,
        soft_targets=declared.get("soft_targets", "linear"),
        alpha_off=(None,) if declared.get("alpha_off", True) else (),
        fixed_alpha=(None if alpha is None else read(alpha),),
        alpha_by_class="alpha" if declared.get("alpha_by_class", False) else None,
        fixed_gamma=(read(declared.get("fixed_gamma", "2")),),
        targets_form=declared.get("targets", "both"),
        dtypes=tuple(declared["dtypes"]),
        source=declared.get("source", "its answer to `start`"),
        **keywords,
    )


_OTHERS = ("normalizer", "weight", "mask", "detach_modulator", "ignore_index", "axis", "label_smoothing")
