"""Ports in any language: a command that speaks the protocol of docs/harness.md on its standard input and output."""

import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from focal_conformance.ports.calls import call_message, results_of
from focal_conformance.ports.conversation import Conversation
from focal_conformance.ports.declaration import abilities
from focal_conformance.ports.foreign import foreign_port
from focal_conformance.ports.messages import Message
from focal_conformance.ports.port import DEFAULT_LOSS, Options, Port, PortBroken, PortMissing, UsageError

_DECLARED: dict[str, tuple[str, ...]] = {}


def command_words(rest: str) -> list[str]:
    """Program and arguments; UsageError where a quotation is not closed."""
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"cmd:{rest}: {str(error).lower()}") from error
    if not words:
        raise UsageError("cmd: names no command; cmd:./port and 'cmd:node port.js' do")
    return words


def load(rest: str, options: Options) -> Port:
    """Start the command; its declaration says what the port is."""
    conversation, declaration = _started(rest, options.answer_timeout)
    try:
        declared = abilities(declaration, options.loss, f"cmd:{rest}")
    except UsageError:
        conversation.stop()
        raise

    def ask(wants: tuple[str, ...], arguments: dict[str, Any]) -> tuple[Any, ...]:
        message = call_message(options.loss, wants, arguments)
        results: tuple[Any, ...] = conversation.run(message, lambda reply: results_of(reply, wants))
        return results

    port = foreign_port(f"cmd:{rest}", "command", declared, options, ask)
    return replace(port, close=conversation.stop)


def declared_losses(rest: str, timeout: float) -> tuple[str, ...]:
    """The losses that the command declares; the usual one where it cannot be asked, which a later run will report.

    It is started for this once, however often one asks.
    """
    if rest not in _DECLARED:
        try:
            conversation, declaration = _started(rest, timeout)
            conversation.stop()
        except (PortMissing, PortBroken, UsageError):
            declaration = {"losses": (DEFAULT_LOSS,)}
        _DECLARED[rest] = tuple(declaration["losses"])
    return _DECLARED[rest]


def _started(rest: str, timeout: float) -> tuple[Conversation, Message]:
    if os.name != "posix":
        raise PortMissing("cmd: ports need POSIX pipes and process groups: Linux, macOS or WSL")
    try:
        conversation = Conversation(_found(rest), timeout)
    except OSError as error:
        raise PortMissing(f"it cannot be started: {error.strerror}; is it made for this machine?") from error
    try:
        return conversation, conversation.start()
    except PortBroken as error:
        raise PortMissing(str(error)) from None


def _found(rest: str) -> list[str]:
    """The words of a command whose program is there and may be run."""
    program, *arguments = command_words(rest)
    is_path = "/" in program
    if is_path and not Path(program).is_file():
        raise UsageError(f"cmd:{rest}: there is no file {program}")
    found = shutil.which(program)
    if found is None and is_path:
        raise PortMissing(f"{program} is not executable: chmod +x {program}")
    if found is None:
        here = f"; there is a file of that name here: cmd:./{rest}" if Path(program).is_file() else ""
        raise PortMissing(f"there is no program {program!r} on the PATH{here}")
    return [found, *arguments]
