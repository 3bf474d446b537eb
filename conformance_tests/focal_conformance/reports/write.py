"""Where reports go: files, or one of them to standard output."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from focal_conformance.ports import UsageError
from focal_conformance.report import Report

FORMATS = ("json", "markdown", "junit", "html")
STDOUT = "-"


def check_targets(parsed: Namespace) -> None:
    """UsageError for a file that cannot be written, before the ports are run."""
    to_stdout = [name for name in FORMATS if getattr(parsed, name) == STDOUT]
    if len(to_stdout) > 1:
        raise UsageError(f"only one report can go to standard output, not --{' and --'.join(to_stdout)}")
    for name in (*FORMATS, "record"):
        check_writable(getattr(parsed, name))
    files = [Path(name).resolve() for name in (getattr(parsed, key) for key in FORMATS) if name and name != STDOUT]
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice.name} is named for two reports")


def check_writable(name: str | None) -> None:
    """UsageError for a file that cannot be written."""
    if not name or name == STDOUT:
        return
    path = Path(name).resolve()
    if path.is_dir():
        raise UsageError(f"cannot write {name}: it is a folder")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"cannot write {name}: its folder does not exist or is not writable")


def owns_stdout(parsed: Namespace) -> bool:
    """Whether a report goes to standard output, where nothing else may then be printed."""
    return any(getattr(parsed, name) == STDOUT for name in FORMATS)


def write_reports(parsed: Namespace, reports: list[Report]) -> None:
    """Each report that a flag asks for."""
    for name in FORMATS:
        target = getattr(parsed, name)
        if target:
            write_text(target, _writer(name, parsed)(reports))


def write_text(name: str, text: str) -> None:
    """To a file, or to standard output; what is no Unicode is written as escapes."""
    data = text.encode("utf-8", errors="backslashreplace")
    if name == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        Path(name).write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror}") from error


def _writer(name: str, parsed: Namespace) -> Callable[[list[Report]], str]:
    """Imported when asked for: plots and templates are heavy."""
    if name == "json":
        from focal_conformance.reports.documents import text

        return text
    if name == "markdown":
        from focal_conformance.reports.markdown import markdown

        return lambda reports: markdown(reports, overview=parsed.overview)
    if name == "junit":
        from focal_conformance.reports.junit import junit

        return junit
    from focal_conformance.reports.html import page

    return page
