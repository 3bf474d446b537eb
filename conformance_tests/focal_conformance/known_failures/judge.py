"""A report against what is known: failing as listed is a known failure, anything else fails the run."""

from dataclasses import dataclass

from focal_conformance.checks import CHECKS
from focal_conformance.failure_kinds import difference, of_dtypes, parsed
from focal_conformance.known_failures.entries import Entry, KnownFailures
from focal_conformance.ports import UsageError
from focal_conformance.report import CONFORMS, DOES_NOT_CONFORM, FAILED, KNOWN, NOT_CLAIMED, CheckResult, Report


@dataclass(frozen=True)
class Run:
    """What was asked for; what a run did not ask, no line of the file is held against."""

    port: str
    losses: tuple[str, ...]
    level: str
    device: str
    checks: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    fuzz: bool = False

    def header(self) -> dict[str, str]:
        """What the file has to say about itself."""
        return {
            "port": self.port,
            "losses": ", ".join(self.losses),
            "level": self.level,
            "device": self.device.split(":")[0],
        }


def refuse_mismatch(known: KnownFailures, run: Run) -> None:
    """UsageError where the file is about another port, loss, level or device."""
    for key, value in run.header().items():
        if key != "losses" and known.header[key] != value:
            raise UsageError(f"{known.source} is about {key} {known.header[key]!r}, this run about {value!r}")
    for loss in run.losses:
        if loss not in known.losses:
            raise UsageError(f"{known.source} is about losses {known.header['losses']!r}, this run about {loss!r}")


def judge(report: Report, known: KnownFailures, run: Run) -> list[str]:
    """Mark known failures in the report, set its exit code; returns what has to be done, a line each."""
    if report.exit_code not in (CONFORMS, DOES_NOT_CONFORM):
        return []
    told = [judge_check(check, known.find(report.loss, check.check), run, known.source) for check in report.checks]
    for entry in known.entries:
        if entry.loss == report.loss and not _has(report, entry) and not unasked(entry, run):
            report.checks.append(absent(entry))
            told.append(report.checks[-1].failures[0])
    report.close()
    return [f"{report.port} {report.loss} {line}" for line in told if line]


def _has(report: Report, entry: Entry) -> bool:
    return any(check.check == entry.check for check in report.checks)


def unasked(entry: Entry, run: Run) -> bool:
    """Whether a run says nothing about a line: another check, another loss, another dtype was asked for."""
    if entry.loss not in run.losses or (run.checks and entry.check not in run.checks):
        return True
    if entry.check.startswith("fuzz") and not run.fuzz:
        return True
    return entry.failure is not None and not of_dtypes(entry.failure, run.dtypes)


def judge_check(check: CheckResult, entry: Entry | None, run: Run, source: str) -> str:
    """Mark one check in place; what has to be done about it, nothing where all is as listed."""
    if entry is None:
        if check.verdict != FAILED:
            return ""
        return f"{check.check}: fails, and {source} does not list it: mend it, or list it with a reason and a link"
    if check.verdict != FAILED and unasked(entry, run):
        return ""
    where = entry.place or source
    if check.verdict != FAILED:
        how = "is not claimed" if check.verdict == NOT_CLAIMED else "passes"
        text = f"{how} now, and is listed as a known failure: remove the line ({where})"
    else:
        text = _other_failure(check, entry, run)
        if not text:
            check.verdict, check.known = KNOWN, entry.explanation
            return ""
        text = f"fails otherwise than listed: {text}; mend it, or list what it is now ({where})"
    check.verdict = FAILED
    check.failures.insert(0, text)
    return f"{check.check}: {text}"


def _other_failure(check: CheckResult, entry: Entry, run: Run) -> str:
    if entry.failure is None:
        return ""
    return difference(of_dtypes(entry.failure, run.dtypes), parsed(check.signature))


def absent(entry: Entry) -> CheckResult:
    """A check that is listed and was not run, as a check that fails."""
    check = CHECKS.get(entry.check)
    title, level = (entry.check, "required") if check is None else (check.title, check.level)
    text = f"is listed as a known failure, and is not run for this port: remove the line ({entry.place})"
    return CheckResult(entry.check, title, level, FAILED, failures=[text])
