"""Flags of ports, from text to values."""

import ast
from argparse import Namespace
from typing import Any

from focal_conformance.frameworks import MODULES
from focal_conformance.ports import UsageError
from focal_conformance.ports.port import ANSWER_TIMEOUT, DEFAULT_LOSS, Options
from focal_conformance.ports.python import ALIASES, split_name

SOFT_TARGETS = ("linear", "expected", "margin", "cross_entropy", "none")


def port_options(parsed: Namespace, loss: str | None = None) -> Options:
    """Options from the flags, for one loss; UsageError where a flag makes no sense."""
    from focal_ref import LOSSES

    if parsed.loss is not None and parsed.loss not in LOSSES:
        raise UsageError(f"unknown loss {parsed.loss!r}; there are {', '.join(LOSSES)}")
    # The command line knows what there is; pytest and Python pass on whatever they are given.
    for flag, value, there in (
        ("--framework", parsed.framework, tuple(MODULES)),
        ("--soft-targets", parsed.soft_targets, SOFT_TARGETS),
    ):
        if value is not None and value not in there:
            raise UsageError(f"{flag}: unknown {value!r}; there are {', '.join(there)}")
    if parsed.class_indices and LOSSES[loss or parsed.loss or DEFAULT_LOSS].consumes_classes:
        raise UsageError("--class-indices is about the sigmoid loss; of the softmax loss they are the usual targets")
    names = dict(_pair("--argument", text) for text in parsed.argument)
    for name in names:
        if name not in ALIASES:
            raise UsageError(f"--argument {name}=...: the names are {', '.join(ALIASES)}")
    if parsed.gradient is not None:
        split_name(parsed.gradient.removeprefix("py:"))
    return Options(
        loss=loss or parsed.loss or DEFAULT_LOSS,
        framework=parsed.framework,
        companion=None if parsed.gradient is None else parsed.gradient.removeprefix("py:"),
        names=names,
        always={name: literal(value) for name, value in (_pair("--always", text) for text in parsed.always)},
        alpha_off=None if parsed.alpha_off is None else (_off_switch(parsed.alpha_off),),
        soft_targets=None if parsed.soft_targets == "none" else parsed.soft_targets,
        transforms=_transforms(parsed.transform),
        class_indices=parsed.class_indices,
        code=parsed.dialect == "code",
        answer_timeout=_seconds(parsed.answer_timeout),
    )


def _transforms(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    from focal_conformance.checks.transforms import TRANSFORMS

    for name in names:
        if name not in TRANSFORMS:
            raise UsageError(f"--transform {name}: there are {', '.join(TRANSFORMS)}")
    return tuple(names)


def _seconds(asked: str | float | None) -> float:
    if asked is None:
        return ANSWER_TIMEOUT
    try:
        timeout = float(asked)
    except ValueError as error:
        raise UsageError(f"--answer-timeout must be a number of seconds, got {asked!r}") from error
    if not 0.0 < timeout < float("inf"):
        raise UsageError(f"--answer-timeout must be a number > 0, got {timeout:g}")
    return timeout


def _off_switch(text: str) -> Any:
    value = literal(text)
    if isinstance(value, str):
        raise UsageError(f"--alpha-off takes a Python value such as None, -1 or False, got {text!r}")
    return value


def refuse_idle_flags(parsed: Namespace, ports: list[str]) -> None:
    """UsageError for flags that describe a kind of port where none of it is named."""
    kinds = {port.partition(":")[0] for port in ports}
    if kinds <= {"cmd", "results"} and parsed.device != "cpu":
        raise UsageError(f"--device {parsed.device}: a cmd: port chooses its device itself, and declares it")
    if "cmd" not in kinds and parsed.answer_timeout is not None:
        raise UsageError("--answer-timeout is about cmd: ports, and none is named")
    if "py" in kinds:
        return
    given = {
        "--framework": parsed.framework is not None,
        "--argument": parsed.argument,
        "--always": parsed.always,
        "--alpha-off": parsed.alpha_off is not None,
        "--soft-targets": parsed.soft_targets != "linear",
        "--gradient": parsed.gradient is not None,
        "--transform": parsed.transform,
        "--class-indices": parsed.class_indices,
    }
    for flag, value in given.items():
        if value:
            raise UsageError(f"{flag} describes a py: port, and none is named")


def literal(text: str) -> Any:
    """A Python literal, or the text itself: None, -1, True, mean."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None if text == "none" else text


def _pair(flag: str, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise UsageError(f"{flag} takes NAME=VALUE, got {text!r}")
    return name, value
