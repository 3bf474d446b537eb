"""``--known-failures FILE`` and ``--update``: what the flags mean together, and what they make of reports."""

from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from focal_conformance.known_failures import KnownFailures, Run, judge, read, refuse_mismatch, updated
from focal_conformance.ports import UsageError
from focal_conformance.ports.resolve import losses_of
from focal_conformance.report import DOES_NOT_CONFORM, Report, worst_exit_code


@dataclass
class Expectation:
    """What a run is held against, or the file that it writes."""

    path: Path
    run: Run
    known: KnownFailures | None
    update: bool
    told: list[str] = field(default_factory=list)

    def judge(self, report: Report) -> None:
        """Mark known failures; an update takes the report as it is."""
        if not self.update and self.known is not None:
            self.told += judge(report, self.known, self.run)

    def finish(self, console: Console, reports: list[Report]) -> int:
        """Say what has to be done, write the file if asked to; returns the exit code."""
        if self.update:
            return self._write(console, reports)
        for line in self.told:
            console.print(line, style="bold red", highlight=False, markup=False, soft_wrap=True)
        return worst_exit_code([report.exit_code for report in reports])

    def _write(self, console: Console, reports: list[Report]) -> int:
        code = worst_exit_code([report.exit_code for report in reports])
        if code > DOES_NOT_CONFORM:
            console.print(f"{self.path} is left as it was: the port could not be run", style="bold red")
            return code
        before = self.path.read_text(encoding="utf-8") if self.known is not None else ""
        text, unexplained = updated(before, self.known, reports, self.run)
        try:
            self.path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {self.path}: {error.strerror}") from error
        console.print(f"wrote {self.path}", highlight=False, markup=False)
        for name in unexplained:
            console.print(f"  {name} needs a reason and a link", style="bold red", highlight=False)
        return DOES_NOT_CONFORM if unexplained else 0


def expectation(parsed: Namespace, ports: list[str]) -> Expectation | None:
    """From the flags; UsageError for flags that do not go together, and for a file that cannot be read."""
    if parsed.known_failures is None:
        if parsed.update:
            raise UsageError("--update rewrites the file of --known-failures, and none is named")
        return None
    if parsed.all or len(ports) != 1:
        raise UsageError(f"--known-failures is about one port, a file a port; here are {len(ports)}")
    if parsed.recorded:
        raise UsageError("--recorded and --known-failures both say what is expected: give one of them")
    port = ports[0]
    run = Run(
        port=port + (" --dialect code" if parsed.dialect == "code" else ""),
        losses=losses_of(port, parsed.loss),
        level=parsed.level,
        device=parsed.device,
        checks=tuple(parsed.check),
        dtypes=tuple(parsed.dtype),
        fuzz=parsed.fuzz > 0,
    )
    path = Path(parsed.known_failures)
    if parsed.update:
        _refuse_partial(parsed, port)
    known = None if parsed.update and not path.exists() else read(path, unexplained=parsed.update)
    if known is not None:
        refuse_mismatch(known, run)
        if parsed.update and set(known.losses) != set(run.losses):
            raise UsageError(
                f"--update: {path} is about {', '.join(known.losses)}, this run about {run.losses[0]} alone"
            )
    return Expectation(path, run, known, parsed.update)


def _refuse_partial(parsed: Namespace, port: str) -> None:
    """A run that does not ask everything would drop the lines of what it did not ask."""
    whole = losses_of(port, None)
    partial = {
        f"--check {', '.join(parsed.check)}": parsed.check,
        f"--dtype {', '.join(parsed.dtype)}": parsed.dtype,
        f"--fuzz {parsed.fuzz}": parsed.fuzz,
        f"--loss {parsed.loss}, of {', '.join(whole)}": len(whole) > 1 and parsed.loss in whole,
    }
    for flag, given in partial.items():
        if given:
            raise UsageError(f"--update needs a complete run: the file cannot be rewritten from {flag}")
