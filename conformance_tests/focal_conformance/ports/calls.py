"""A call of a port as a message, and what an answer to it means."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from focal_conformance.ports.arrays import array_message, array_of, written
from focal_conformance.ports.messages import BadMessage, Message


class Refused(ValueError):
    """The port's answer to a call that it does not take."""


def call_message(loss: str, wants: tuple[str, ...], keywords: Mapping[str, Any]) -> Message:
    """The `run` message of a call, but for its id; arguments in the words of the specification."""
    message = {"loss": loss, "wants": list(wants)}
    return message | {name: _written(value) for name, value in keywords.items()}


def _written(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return array_message(value)
    if isinstance(value, (list, tuple)):
        return [written(float(number)) for number in value]
    if isinstance(value, float):
        return written(value)
    return value


def results_of(reply: Message, wants: tuple[str, ...]) -> tuple[Any, ...]:
    """The arrays of an answer; Refused for a refusal, BadMessage for one that lacks something."""
    if "refused" in reply:
        if len(reply) > 2:
            raise BadMessage("refused: it stands beside results")
        raise Refused(f"refused: {' '.join(reply['refused'].split())}")
    missing = [name for name in wants if name not in reply]
    if missing:
        raise BadMessage(f"{missing[0]}: it is declared and wanted, and is not there")
    return tuple(array_of(reply[name], name) for name in wants)
