"""What the kit knows of a public package before importing it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.port import Port


@dataclass(frozen=True)
class Peer:
    """A public function, its framework, its packages and its dialect."""

    name: str
    framework: str
    packages: tuple[str, ...]
    """Import names."""
    install: str
    """The command that installs it."""
    dialect: Dialect
    """What the package's documentation declares."""
    function: Callable[[], tuple[Callable[..., Any], tuple[str, ...]]]
    """Imports the package; gives the function and what a report should say about how it was loaded."""
    distributions: tuple[str, ...] = ()
    """Names under which the versions are recorded."""
    documentation: str = ""
    loss: str = "sigmoid_focal"
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that must be set before the framework is imported."""
    code_dialect: Dialect | None = None
    """What the code does, where that is not what is documented and a dialect can say it."""
    code_loss: str = ""
    """The loss that `code_dialect` speaks of, where it is another than `loss`."""
    differences: tuple[str, ...] = ()
    """How code and documentation differ, a sentence each."""
    environment_packages: tuple[str, ...] = ()
    """Requirements for an environment of its own, where the common one cannot hold the package."""

    def load(self, code: bool = False) -> Port:
        """Import it; with the dialect of the code on request."""
        dialect, loss = self.dialect, self.loss
        if code:
            if self.code_dialect is None:
                raise ValueError(f"peer:{self.name} has no dialect of its code apart from the documented one")
            dialect, loss = self.code_dialect, self.code_loss or self.loss
        function, notes = self.function()
        return Port(
            name=f"peer:{self.name}",
            framework=self.framework,
            dialect=dialect,
            function=function,
            loss=loss,
            versions={name: _version(name) for name in self.distributions},
            notes=notes,
            code=partial(self.load, code=True) if self.code_dialect is not None and not code else None,
            differences=self.differences,
            flags=" --dialect code" if code else "",
        )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
