"""A port: a function, the framework whose arrays it takes, and its dialect."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from focal_conformance.dialect import Dialect


class UsageError(Exception):
    """The command names something that does not exist or cannot be understood; exit code 2."""


class PortMissing(Exception):
    """The port cannot be run here, a package or a device is missing; exit code 3."""


class PortBroken(BaseException):
    """A port in a process of its own hung, crashed or broke the protocol; exit code 3.

    Not an `Exception`: what a check catches is a port's answer to one call, and after this there is none.
    """


DEFAULT_LOSS = "sigmoid_focal"
ANSWER_TIMEOUT = 60.0
"""Seconds that a port in another language has for each answer."""


@dataclass(frozen=True)
class Options:
    """What a command adds to the name of a port."""

    loss: str = DEFAULT_LOSS
    framework: str | None = None
    companion: str | None = None
    """Connectable of the function that gives a NumPy port's (value, gradient)."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Argument names that were not recognised: specification's name -> port's."""
    always: Mapping[str, Any] = field(default_factory=dict)
    alpha_off: tuple[Any, ...] | None = None
    soft_targets: str | None = "linear"
    transforms: tuple[str, ...] = ()
    """What a Python port claims to work under."""
    class_indices: bool = False
    """Whether a Python port of the sigmoid loss claims to take them."""
    code: bool = False
    """A public package is held against what its code does, not against its documentation."""
    answer_timeout: float = ANSWER_TIMEOUT
    """Seconds that a port in another language has for each answer."""

    def flags(self) -> str:
        """The flags that say the same, with a leading space."""
        words = [] if self.loss == DEFAULT_LOSS else ["--loss", self.loss]
        words += ["--framework", self.framework] if self.framework else []
        words += ["--gradient", self.companion] if self.companion else []
        for name, argument in self.names.items():
            words += ["--argument", f"{name}={argument}"]
        for name, value in self.always.items():
            words += ["--always", f"{name}={value!r}"]
        words += ["--alpha-off", repr(self.alpha_off[0])] if self.alpha_off else []
        words += [] if self.soft_targets == "linear" else ["--soft-targets", self.soft_targets or "none"]
        for name in self.transforms:
            words += ["--transform", name]
        words += ["--class-indices"] if self.class_indices else []
        words += ["--dialect", "code"] if self.code else []
        words += [] if self.answer_timeout == ANSWER_TIMEOUT else ["--answer-timeout", f"{self.answer_timeout:g}"]
        return "".join(f" {shlex.quote(word)}" for word in words)


@dataclass(frozen=True)
class Port:
    """Something that claims to compute a loss."""

    name: str
    framework: str
    dialect: Dialect
    function: Callable[..., Any]
    loss: str = "sigmoid_focal"
    mode: str = "eager"
    companion: Callable[..., Any] | None = None
    """Gives (value, gradient) where the framework has no autodiff."""
    second_companion: Callable[..., Any] | None = None
    """Gives the Hessian times a vector there, its argument ``vector``."""
    keras_class: Callable[..., Any] | None = None
    """The loss as a Keras loss, constructed with the parameters."""
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    code: "Callable[[], Port] | None" = None
    """The same package in the dialect of its code, where documentation and code differ."""
    differences: tuple[str, ...] = ()
    """How they differ, a sentence each."""
    probed: bool = False
    """Dtypes and off-switch are not declared but found by trying."""
    flags: str = ""
    """Flags that name the same port again on a command line, with a leading space."""
    close: Callable[[], None] = lambda: None
    """Ends what the port runs in; PortBroken if it does not end as it should."""

    def call(self, logits: Any, targets: Any, keywords: Mapping[str, Any]) -> Any:
        """Call the function in its own words."""
        return self.function(**{self.dialect.logits: logits, self.dialect.targets: targets}, **keywords)
