"""Questions to a port in a process of its own, and its answers: whatever is wrong with one ends the conversation."""

from collections.abc import Callable
from typing import Any, NoReturn

from focal_conformance.ports.messages import BadMessage, Message, line_of, parsed
from focal_conformance.ports.pipes import Pipes, Stuck
from focal_conformance.ports.port import PortBroken

SPARE, FACTOR = 1024 * 1024, 16
"""An answer may have this many bytes, and as many more for each byte of the question."""


class Conversation:
    """One process, from `start` to `stop`."""

    def __init__(self, command: list[str], timeout: float) -> None:
        self._pipes, self._timeout = Pipes(command), timeout
        self._count, self._broken = 0, ""

    def start(self) -> Message:
        """Its declaration."""
        reply: Message = self._ask({"type": "start", "id": "0", "protocol": 1}, "declaration", lambda reply: reply)
        return reply

    def run(self, message: Message, understand: Callable[[Message], Any]) -> Any:
        """What ``understand`` makes of the answer to a call; a BadMessage of it is the port's fault, too."""
        self._count += 1
        return self._ask({"type": "run", "id": str(self._count), **message}, "answer", understand)

    def stop(self) -> None:
        """Say goodbye; PortBroken if it does not end, or not with exit code 0."""
        if self._broken:
            return
        try:
            self._pipes.finish(line_of({"type": "stop", "id": "stop"}, "stop").encode(), self._timeout)
        except Stuck as reason:
            self._break(f"after stop: {reason}")
        self._broken = "it was stopped"
        self._pipes.kill()

    def _ask(self, message: Message, kind: str, understand: Callable[[Message], Any]) -> Any:
        if self._broken:
            raise PortBroken(self._broken)
        what = message["type"] if message["type"] == "start" else f"run {message['id']}"
        question = line_of(message, message["type"]).encode()
        try:
            line = self._pipes.exchange(question, self._timeout, SPARE + FACTOR * len(question))
            reply = parsed(line, kind)
            if reply["id"] != message["id"]:
                raise BadMessage(f"id: it answers {reply['id']!r}, asked was {message['id']!r}")
            return understand(reply)
        except Stuck as reason:
            self._break(f"{what}: {reason}")
        except BadMessage as reason:
            self._break(f"answer to {what}: {reason}")

    def _break(self, reason: str) -> NoReturn:
        errors = self._pipes.kill()
        tail = "".join(f"\n  {line}" for line in errors)
        self._broken = f"{reason}{'; its standard error ends in:' if errors else ''}{tail}"
        raise PortBroken(self._broken) from None
