"""The golden points as questions: a call for each parameter set, as a port under verification meets them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_conformance.formats import Float64
from focal_conformance.frameworks.numpy_driver import numpy_dtype
from focal_conformance.ports.calls import call_message
from focal_conformance.ports.messages import Message
from focal_conformance.session import cases_by_call
from focal_conformance.vectors.case import Case, number

WANTS = ("value", "gradient", "hessian_product")


@dataclass(frozen=True, eq=False)
class Call:
    """The points that are given to a port in one call, hard and soft targets apart for the ports that take one kind."""

    name: str
    first: Case
    logits: Float64
    targets: npt.NDArray[Any]
    soft: npt.NDArray[np.bool_]

    def parts(self) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        """Id of a question, and which of the points it asks."""
        for kind, chosen in (("hard", ~self.soft), ("soft", self.soft)):
            if np.any(chosen):
                yield f"{self.name}/{kind}", chosen

    def message(self, chosen: npt.NDArray[np.bool_]) -> Message:
        """The `run` message of some of the points, but for its id."""
        case, dtype = self.first, numpy_dtype(self.first.dtype)
        logits, targets = self.logits[chosen], self.targets[chosen]
        vector = np.ones(()) if case.vector is None else case.vector
        return call_message(
            case.loss,
            WANTS,
            {
                "alpha": case.alpha,
                "gamma": case.gamma,
                "reduction": "none",
                "soft_targets": case.soft_targets,
                "detach_modulator": case.detach_modulator,
                "logits": logits.astype(dtype),
                "targets": targets if case.target_kind == "indices" else targets.astype(dtype),
                "vector": np.broadcast_to(vector, logits.shape).astype(dtype),
            },
        )


def calls(loss: str, dtype: str) -> Iterator[Call]:
    """All golden points of a loss in a dtype."""
    for siblings in cases_by_call(loss, dtype).values():
        first = siblings[0]
        targets = np.concatenate([case.targets for case in siblings])
        soft = np.zeros(len(targets), dtype=bool)
        if first.target_kind != "indices":
            hard = (targets == 0.0) | (targets == 1.0)
            soft = ~(hard if hard.ndim == 1 else np.all(hard, axis=-1))
        yield Call(_name(first), first, np.concatenate([case.logits for case in siblings]), targets, soft)


def questions(loss: str, dtype: str) -> Iterator[Message]:
    """The `run` messages that a file of questions holds."""
    for call in calls(loss, dtype):
        for name, chosen in call.parts():
            yield {"type": "run", "id": name, **call.message(chosen)}


def _name(case: Case) -> str:
    rows = f"{case.logits.shape[1]}-classes-{case.target_kind}/" if case.logits.ndim > 1 else ""
    detached = "-detached" if case.detach_modulator else ""
    return (
        f"{case.loss}/{case.dtype}/{rows}alpha={number(case.alpha)}/gamma={number(case.gamma)}/"
        f"{case.soft_targets}{detached}/{'ordinary' if case.ordinary else 'others'}"
    )
