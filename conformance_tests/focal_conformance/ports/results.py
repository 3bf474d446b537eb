"""Ports that ran elsewhere: their answers to the exported questions stand in a file."""

from functools import cache
from typing import Any

import numpy as np

from focal_conformance.dialect import NotClaimed
from focal_conformance.ports.answers import Answers, read_answers
from focal_conformance.ports.declaration import abilities
from focal_conformance.ports.foreign import foreign_port
from focal_conformance.ports.messages import Message
from focal_conformance.ports.port import Options, Port, PortMissing, UsageError
from focal_ref import LOSSES

IDENTITY = ("alpha", "gamma", "soft_targets", "detach_modulator", "logits", "targets")
"""Fields that tell questions of one loss apart."""


def load(rest: str, options: Options) -> Port:
    """The file as a port that knows the answers to the exported questions, and to nothing else."""
    answers = read_answers(rest)
    name = f"results:{rest}"
    # What the port makes of more axes, or of a reduction, is in no question.
    declared = {**abilities(answers.declaration, options.loss, name), "layout": "any", "class_axis": -1}
    answered = {name.split("/")[1] for name in answers.of(options.loss)}
    declared["dtypes"] = [dtype for dtype in declared["dtypes"] if dtype in answered]
    if not declared["dtypes"]:
        raise PortMissing(f"the file answers no question about {options.loss} in a dtype that it declares")
    book = _Book(answers, options.loss, declared)
    return foreign_port(name, "results", declared, options, book.look_up)


@cache
def declared_losses(rest: str) -> tuple[str, ...]:
    """The losses that the file answers questions about; the first of all where it cannot be read."""
    try:
        answers = read_answers(rest)
    except (PortMissing, UsageError):
        return tuple(LOSSES)[:1]
    return tuple(loss for loss in LOSSES if answers.of(loss)) or tuple(LOSSES)[:1]


class _Book:
    """Calls of the kit -> the ids of the questions that they were exported as, and where their points go."""

    def __init__(self, answers: Answers, loss: str, declared: Message) -> None:
        self.answers, self.declared = answers, declared
        self.pages: dict[Any, list[tuple[str, Any]]] = {}
        known = {name for dtype in declared["dtypes"] for name in self._open(loss, dtype)}
        for name in answers.of(loss):
            if name.split("/")[1] in declared["dtypes"] and name not in known:
                raise PortMissing(f"line {answers.lines[name]}: id: there is no question {name!r}")

    def _open(self, loss: str, dtype: str) -> list[str]:
        # The questions are asked of sessions, which know ports.
        from focal_conformance.vectors.questions import calls

        names = []
        for call in calls(loss, dtype):
            parts = list(call.parts())
            names += [name for name, _ in parts]
            self.pages[_key(call.message(np.ones(len(call.logits), dtype=bool)))] = parts
            for name, chosen in parts if len(parts) > 1 else []:
                self.pages.setdefault(_key(call.message(chosen)), [(name, np.ones(int(np.sum(chosen)), dtype=bool))])
        return names

    def look_up(self, wants: tuple[str, ...], arguments: dict[str, Any]) -> tuple[Any, ...]:
        """The arrays that were given for a call; NotClaimed where it was not exported or not answered."""
        parts = self._find(arguments)
        if parts is None:
            raise NotClaimed("no exported question asks this: a file of answers shows golden points alone")
        missing = [name for name, _ in parts if name not in self.answers.replies]
        if missing:
            raise NotClaimed(f"the file has no answer to {missing[0]}")
        found = [(chosen, self.answers.results(name, wants)) for name, chosen in parts]
        return tuple(
            _together([(chosen, arrays[place], f"{quantity} in line {self.answers.lines[name]}")
                       for (chosen, arrays), (name, _) in zip(found, parts, strict=True)])
            for place, quantity in enumerate(wants)
        )  # fmt: skip

    def _find(self, arguments: dict[str, Any]) -> list[tuple[str, Any]] | None:
        from focal_conformance.ports.calls import call_message

        if arguments.get("reduction", self.declared.get("returns", "none")) != "none":
            return None
        if any(name not in (*IDENTITY, "reduction", "vector") for name in arguments):
            return None
        alpha, gamma = self.declared.get("fixed_alpha"), self.declared.get("fixed_gamma", "2")
        message = {"alpha": alpha, "gamma": gamma, "detach_modulator": False, **call_message("", (), arguments)}
        # A port of one rule is not told it; its hard targets are those of the linear rule.
        rules = [self.declared.get("soft_targets"), "linear"] if "soft_targets" not in message else [""]
        for rule in rules:
            key = _key({"soft_targets": rule, **message})
            if key in self.pages:
                return self.pages[key]
        return None


def _key(message: Message) -> tuple[Any, ...]:
    def frozen(value: Any) -> Any:
        if isinstance(value, dict):
            return (value["dtype"], tuple(value["shape"]), tuple(value["data"]))
        return tuple(map(float, value)) if isinstance(value, list) else value if value is None else _plain(value)

    return tuple(frozen(message[name]) for name in IDENTITY)


def _plain(value: Any) -> Any:
    """Numbers as numbers: 2 and 2.0 are one gamma."""
    try:
        return float(value)
    except ValueError:
        return value


def _together(parts: list[tuple[Any, Any, str]]) -> Any:
    """Arrays of several questions, their points in the places of one call."""
    (first, array, _), *others = parts
    for chosen, given, where in parts:
        if np.shape(given)[:1] != (int(np.sum(chosen)),):
            raise ValueError(f"{where}: shape {np.shape(given)} for {int(np.sum(chosen))} points")
    if not others:
        return array
    result = np.empty((len(first), *array.shape[1:]), dtype=array.dtype)
    for chosen, given, where in parts:
        if given.shape[1:] != array.shape[1:] or given.dtype != array.dtype:
            raise ValueError(f"{where}: {given.dtype} of shape {given.shape} beside {array.dtype} of {array.shape}")
        result[chosen] = given
    return result
