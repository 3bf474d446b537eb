"""Deviations of conduct, each seen by the check that fails: shapes, dtypes, state, arguments that change."""

from dataclasses import dataclass

from focal_conformance.deviations.deviation import BOTH, Deviation

GITHUB = "https://github.com"


@dataclass(frozen=True)
class Conduct(Deviation):
    """A deviation that a check sees by itself, without numbers to compare."""

    check: str = ""
    says: str = ""
    """Regular expression of what the check says; without one any failure that is no exception is meant."""
    alone: bool = False
    """Whether it is an answer only where there is no other: much else fails its check, too."""


def _conduct(
    name: str,
    topic: str,
    check: str,
    says: str,
    sentence: str,
    change: str,
    written: str = "",
    links: tuple[str, ...] = (),
    losses: tuple[str, ...] = BOTH,
    alone: bool = False,
) -> Conduct:
    return Conduct(
        name, topic, sentence, change, losses=losses, links=links, written=written, check=check, says=says, alone=alone
    )


CONDUCT = (
    _conduct(
        "broadcasts", "broadcasting", "no_broadcasting", r"silently",
        "logits and targets of other shapes are broadcast: (N, 1) against (N,) gives (N, N) losses",
        "raise where the shapes differ", r"broadcast",
        (f"{GITHUB}/kornia/kornia/issues/1308",),
    ),
    _conduct(
        "changes_its_arguments", "in place", "no_trace", r"changes the (logits|targets)|inplace operation|in-place",
        "it writes into the arrays it is given", "work on a copy: no _-method, no out=, no index assignment",
        r"_\(|\[.*\]\s*=|[-+*/]=|out=",
        (
            f"{GITHUB}/ultralytics/ultralytics/blob/main/ultralytics/utils/loss.py",
            f"{GITHUB}/huggingface/pytorch-image-models/pull/1500",
        ),
    ),
    _conduct(
        "switches_gradients_on", "state", "no_trace", r"no_grad",
        "it switches gradients on inside somebody's no_grad()",
        "torch.no_grad() as a context, which restores the state",
        r"set_grad_enabled|enable_grad", (f"{GITHUB}/huggingface/pytorch-image-models/pull/2760",),
    ),
    _conduct(
        "differs_between_calls", "state", "repeatable", r"",
        "two calls with the same arguments differ: random numbers, or state that is kept",
        "no random numbers and no state in a loss", r"rand|self\.\w+\s*[-+*/]?=|global",
    ),
    _conduct(
        "changes_settings", "state", "no_trace", r"global settings",
        "it changes settings of the process or draws from its random numbers", "leave them as they were",
    ),
    _conduct(
        "second_backward_differs", "in place", "chain_rule", r"second backward",
        "a second backward pass gives another gradient: what was saved is changed in place",
        "do not write into saved tensors", r"_\(|\*=",
        (f"{GITHUB}/NVIDIA/apex/blob/master/apex/contrib/focal_loss/focal_loss.py",),
    ),
    _conduct(
        "ignores_upstream_gradient", "gradient", "chain_rule", r"factor from above|ignores",
        "the gradient does not multiply with the one from above: weights after the loss are lost",
        "multiply the saved gradient with the incoming one", r"backward|bwd|vjp",
    ),
    _conduct(
        "keeps_parameters_of_first_call", "state", "fresh_parameters", r"",
        "alpha or gamma of an earlier call is used again",
        "make parameters a part of the key of what is cached or compiled",
        r"cache|setdefault|compile|jit", alone=True,
    ),
    _conduct(
        "foreign_array", "results", "result_kind", r"not an array of",
        "the result is no array of the framework: nothing can be trained with it", "return the framework's own array",
        r"numpy|float\(|item\(",
    ),
    _conduct(
        "shape_of_result", "results", "result_kind", r"shape \(",
        "the result has another shape than the losses", "keep the shape, of a reduction ()",
        r"reshape|view\(|flatten|ravel|squeeze|unsqueeze|keepdim", alone=True,
    ),
    _conduct(
        "dtype_of_result", "results", "result_kind", r"dtype |gradient in",
        "the result has another dtype than the logits", "return the dtype of the logits",
        r"float\(|astype|\.to\(|cast|float32|float64",
    ),
    _conduct(
        "reads_memory_order", "layouts", "layouts", r"",
        "the result depends on how the arrays lie in memory, or on their rank",
        "no view() of strided arrays, no fixed axes",
        r"view\(|data_ptr|contiguous|dim=1|axis=1|flatten", alone=True,
    ),
    _conduct(
        "accepts_bad_parameters", "arguments", "bad_parameters", r"",
        "bad parameters are accepted in silence", "raise where alpha is not in [0, 1] or gamma is below 0",
        r"", (f"{GITHUB}/pytorch/vision/pull/8882",),
    ),
    _conduct(
        "no_gradient", "gradient", "hard_gradients",
        r"carries no graph|not connected|does not require grad|no derivative",
        "the result is not connected to the logits: there is no gradient", "no detach, NumPy or rounding on the way",
        r"detach|no_grad|numpy|\.data\b|stop_gradient",
    ),
    _conduct(
        "ignored_reaches_the_gradient", "ignored", "masking", r"gradient.*nan|nan",
        "what is masked reaches the result: nan or infinity passes through a product with 0",
        "replace what is masked before the mathematics, and its losses after it", r"where|masked_fill|\*\s*mask",
        (f"{GITHUB}/BloodAxe/pytorch-toolbelt/blob/develop/pytorch_toolbelt/losses/functional.py",),
    ),
    _conduct(
        "ignore_index_reaches_the_gradient", "ignored", "ignore_index", r"nan",
        "what is ignored reaches the result: nan or infinity passes through a product with 0",
        "replace what is ignored before the mathematics, and its losses after it", r"ignore|where|masked_fill",
        (f"{GITHUB}/BloodAxe/pytorch-toolbelt/blob/develop/pytorch_toolbelt/losses/functional.py",),
    ),
    _conduct(
        "integer_targets_misread", "targets", "integer_targets", r"",
        "integer or bool targets are refused or give other numbers", "targets = targets.to(logits.dtype)",
        r"int|bool|long", (f"{GITHUB}/open-mmlab/mmdetection/issues/1909",),
    ),
    _conduct(
        "empty_or_single_fails", "layouts", "edge_shapes", r"",
        "empty arrays or single numbers fail", "no mean of an empty array; no fixed rank",
    ),
)  # fmt: skip
