"""A check of one transformation or device, whose framework knows how to run it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from focal_conformance.checks.check import Outcome
from focal_conformance.checks.transforms.trial import Trial
from focal_conformance.dialect import NotClaimed
from focal_conformance.session import Session


@dataclass(frozen=True)
class Transform:
    """A claim in the dialect's ``transforms``, and per framework the module that has a function of its name."""

    name: str
    title: str
    modules: Mapping[str, str]
    level: str = "required"

    def applies(self, session: Session) -> bool:
        """In frameworks that know it; a compiled mode is a transformation itself."""
        return session.driver.name in self.modules and session.eager

    def run(self, session: Session, outcome: Outcome) -> None:
        """Import the framework's way to do it, which reports to the trial."""
        if self.name not in session.port.dialect.transforms:
            flag = f"; --transform {self.name} claims it" if session.port.probed else ""
            raise NotClaimed(f"its dialect does not claim {self.name}{flag}")
        module = import_module(f"focal_conformance.frameworks.{self.modules[session.driver.name]}")
        getattr(module, self.name)(Trial(session, outcome))
