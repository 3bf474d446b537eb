"""The file of known failures: its header, its lines, and what makes it refuse one."""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from focal_conformance.checks import CHECKS
from focal_conformance.failure_kinds import Kinds, parsed
from focal_conformance.ports import UsageError
from focal_conformance.report import LEVELS
from focal_ref import LOSSES

HEADER = ("port", "losses", "level", "device")
REASON, LINK = "WRITE THE REASON", "WRITE THE LINK"
"""What `--update` writes for a failure that nobody has explained yet; refused until somebody does."""
FORMAT = "loss/check | failure | reason | link"
_URL = re.compile(r"https?://[^\s|]+")


@dataclass(frozen=True)
class Entry:
    """One line."""

    loss: str
    check: str
    reason: str
    link: str
    failure: Kinds | None = None
    """None: any failure of the check, which only the decorator's short form allows."""
    place: str = ""
    """File and line, for messages."""

    @property
    def name(self) -> str:
        """As the first column has it."""
        return f"{self.loss}/{self.check}"

    @property
    def explanation(self) -> str:
        """Reason and link."""
        return f"{self.reason} ({self.link})"


@dataclass(frozen=True)
class KnownFailures:
    """A file, understood."""

    source: str
    header: dict[str, str] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()

    def find(self, loss: str, check: str) -> Entry | None:
        """The line of a check."""
        return next((entry for entry in self.entries if (entry.loss, entry.check) == (loss, check)), None)

    @property
    def losses(self) -> tuple[str, ...]:
        """Those that the file speaks of."""
        return tuple(self.header["losses"].replace(",", " ").split())


def read(path: Path, *, unexplained: bool = False) -> KnownFailures:
    """The file at a path; UsageError that names the line which is wrong.

    ``unexplained`` admits the placeholders of `--update`, for the next `--update`.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"--known-failures {path}: {reason}; --update writes such a file") from error
    header: dict[str, str] = {}
    entries: list[Entry] = []
    for number, line in enumerate(lines, 1):
        place = f"{path}:{number}"
        if is_comment(line):
            continue
        if "|" not in line:
            key, value = _header_line(line, place, header, entries)
            header[key] = value
            continue
        entry = _entry(line, place, header, unexplained)
        if any(entry.name == other.name for other in entries):
            raise UsageError(f"{place}: {entry.name} is listed twice")
        entries.append(entry)
    missing = [key for key in HEADER if key not in header]
    if missing:
        raise UsageError(f"{path}: the header has no {missing[0]!r}: it needs {', '.join(f'{k}: ...' for k in HEADER)}")
    return KnownFailures(str(path), header, tuple(entries))


def is_comment(line: str) -> bool:
    """Whether a line says nothing to a program."""
    return not line.strip() or line.lstrip().startswith("#")


def _header_line(line: str, place: str, header: dict[str, str], entries: list[Entry]) -> tuple[str, str]:
    key, separator, value = (part.strip() for part in line.partition(":"))
    if not separator or key not in HEADER or not value:
        raise UsageError(f"{place}: {line.strip()!r} is neither a line {FORMAT!r} nor one of {', '.join(HEADER)}: ...")
    if key in header or entries:
        raise UsageError(f"{place}: {key!r} stands once, before the first failure")
    allowed = {"level": LEVELS, "losses": tuple(LOSSES)}.get(key)
    for word in value.replace(",", " ").split() if allowed else ():
        if allowed and word not in allowed:
            raise UsageError(f"{place}: {key} {word!r}: there are {', '.join(allowed)}")
    return key, value


def _entry(line: str, place: str, header: dict[str, str], unexplained: bool) -> Entry:
    columns = [column.strip() for column in line.split("|")]
    if len(columns) != 4:
        raise UsageError(f"{place}: {len(columns)} columns, a line is {FORMAT!r}")
    name, failure, reason, link = columns
    loss, check = split_name(name, tuple(header.get("losses", "").replace(",", " ").split()), place)
    try:
        kinds = parsed(failure)
    except ValueError as error:
        raise UsageError(f"{place}: the failure {failure!r} cannot be read: {error}") from error
    if not unexplained:
        explained(reason, link, place)
    return Entry(loss, check, reason, link, kinds, place)


def explained(reason: str, link: str, place: str) -> None:
    """UsageError unless there is a reason and a link."""
    if not reason or reason == REASON:
        raise UsageError(f"{place}: the reason is missing: why is this failure accepted?")
    if not link or link == LINK:
        raise UsageError(f"{place}: the link is missing: where is it followed up?")
    if not _URL.fullmatch(link):
        raise UsageError(f"{place}: the link {link!r} is no http(s) address")


def split_name(name: str, losses: tuple[str, ...], place: str) -> tuple[str, str]:
    """Loss and check; the loss may be left out where there is one."""
    loss, separator, check = name.rpartition("/")
    if not separator:
        if len(losses) != 1:
            raise UsageError(
                f"{place}: of which loss is {name!r}? write {'|'.join(losses or LOSSES)} before it: LOSS/{name}"
            )
        loss = losses[0]
    if loss not in (losses or LOSSES):
        raise UsageError(f"{place}: the loss {loss!r} is not of this run; there are {', '.join(losses or LOSSES)}")
    # Random points are checks that only a run with --fuzz has.
    if check not in CHECKS and not check.startswith("fuzz"):
        near = get_close_matches(check, CHECKS, n=3) or list(CHECKS)
        raise UsageError(f"{place}: unknown check {check!r}; there are {', '.join(near)}")
    return loss, check


def from_text(loss: str, check: str, text: str, place: str) -> Entry:
    """The decorator's short form, 'reason, link', or the columns of a line, 'failure | reason | link'."""
    if "|" in text:
        columns = [column.strip() for column in text.split("|")]
        if len(columns) != 3:
            raise UsageError(f"{place}: {text!r} is neither 'reason, link' nor 'failure | reason | link'")
        return _entry(f"{loss}/{check} | {text}", place, {}, unexplained=False)
    urls = _URL.findall(text)
    link = urls[-1].rstrip(").,;") if urls else ""
    reason = text.replace(link, "").strip(" ,;:()") if link else text.strip()
    explained(reason, link, place)
    return Entry(loss, check, reason, link, None, place)
