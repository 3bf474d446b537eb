"""One check of one port, as a test takes it."""

from dataclasses import dataclass

from focal_conformance.engine import run_check
from focal_conformance.known_failures import Entry, Run, absent, unasked
from focal_conformance.session import Session
from focal_conformance.suite.settle import settle, this_test


@dataclass(frozen=True)
class Case:
    """What `parametrize_with_cases` gives a test: ``case.check()`` passes, skips, or fails with the input."""

    name: str
    """The check, as `docs/spec.md` and `focal-ref verify --check` name it."""
    session: Session
    run: Run
    entry: Entry | None = None
    """What is known of it."""
    applies: bool = True
    """Whether the check makes sense for the port; one that is listed and does not is told so."""
    nameable: bool = True
    """Whether a command line has a name for the port."""
    own_file: bool = False
    """Whether the test stands in a file of its own, and runs again by its name alone."""

    @property
    def loss(self) -> str:
        """The loss that the port is verified for."""
        return self.session.port.loss

    def check(self) -> None:
        """Run the check: skip where nothing of it is claimed, fail where the port is wrong.

        A check that is listed as a known failure is expected to fail as it is listed; a pass fails.
        """
        __tracebackhide__ = True
        if self.entry is not None and not self.applies:
            return settle(absent(self.entry), "", None, self.run)
        result = run_check(self.name, self.session)
        commands = [this_test()] * self.own_file + [result.rerun] * self.nameable
        return settle(result, "\n".join(commands), self.entry, self.run)

    def __repr__(self) -> str:
        return f"<{self.loss} {self.name} of {self.session.port.name}>"


def cases_of(session: Session, checks: list[str], entries: list[Entry], run: Run) -> list[Case]:
    """A case a check, and one for each entry whose check makes no sense here."""
    listed = {entry.check: entry for entry in entries}
    cases = [Case(name, session, run, listed.get(name)) for name in checks]
    missing = [entry for name, entry in listed.items() if name not in checks and not unasked(entry, run)]
    return cases + [Case(entry.check, session, run, entry, applies=False) for entry in missing]
