"""A file of answers: the declaration of a port that ran elsewhere, and what it gave for the questions."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from focal_conformance.formats import FORMATS
from focal_conformance.ports.calls import Refused, results_of
from focal_conformance.ports.messages import BadMessage, Message, parsed
from focal_conformance.ports.port import PortMissing, UsageError
from focal_ref import LOSSES


@dataclass(frozen=True, eq=False)
class Answers:
    """What a file holds, by the id of the question; arrays are understood when they are asked for."""

    path: str
    declaration: Message
    replies: dict[str, Message] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def results(self, name: str, wants: tuple[str, ...]) -> tuple[Any, ...]:
        """The arrays that answer a question."""
        try:
            return results_of(self.replies[name], wants)
        except Refused as error:
            raise Refused(f"line {self.lines[name]}: {error}") from None

    def of(self, loss: str) -> list[str]:
        """Ids of the questions about a loss that are answered."""
        return [name for name in self.replies if name.startswith(f"{loss}/")]


def read_answers(path: str) -> Answers:
    """The file, each line checked; UsageError if it is not there, PortMissing naming the line that is wrong."""
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"results:{path}: {str(error.strerror).lower()}") from error
    number = 1
    try:
        if not lines:
            raise BadMessage("the file is empty")
        if b'"losses"' not in lines[0]:
            raise BadMessage("no declaration: the answer to `start` comes first")
        answers = Answers(path, parsed(lines[0], "declaration"))
        for number, line in enumerate(lines[1:], 2):
            _add(answers, line, number)
    except BadMessage as error:
        raise PortMissing(f"line {number}: {error}") from None
    if not answers.replies:
        raise PortMissing("the file answers no question")
    return answers


def _add(answers: Answers, line: bytes, number: int) -> None:
    if b'"losses"' in line:
        again = parsed(line, "declaration")
        # Files of several losses and dtypes that were put together declare themselves again.
        if {**again, "id": ""} != {**answers.declaration, "id": ""}:
            raise BadMessage("another declaration than that of line 1")
        return
    reply = parsed(line, "answer")
    name: str = reply["id"]
    if name in answers.replies:
        raise BadMessage(f"id: {name!r} is answered in line {answers.lines[name]} already")
    loss, _, rest = name.partition("/")
    if loss not in LOSSES or rest.partition("/")[0] not in FORMATS:
        raise BadMessage(f"id: there is no question {name!r}")
    own = {**answers.declaration, **answers.declaration["losses"].get(loss, {})}
    with suppress(Refused):
        results_of(reply, tuple(own["gives"]))
    answers.replies[name], answers.lines[name] = reply, number
