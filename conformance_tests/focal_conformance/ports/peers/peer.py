"""What the kit knows of a public package before importing it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    function: Callable[[], tuple[Callable[..., Any], tuple[str, ...]]]
    """Imports the package; gives the function and what a report should say about how it was loaded."""
    distributions: tuple[str, ...] = ()
    """Names under which the versions are recorded."""
    documentation: str = ""
    loss: str = "sigmoid_focal"
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that must be set before the framework is imported."""

    def load(self) -> Port:
        """Import it."""
        function, notes = self.function()
        return Port(
            name=f"peer:{self.name}",
            framework=self.framework,
            dialect=self.dialect,
            function=function,
            loss=self.loss,
            versions={name: _version(name) for name in self.distributions},
            notes=notes,
        )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
