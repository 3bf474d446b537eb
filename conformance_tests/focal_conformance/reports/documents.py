"""Reports as JSON: written, read back, and held against the published schema."""

import json
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from focal_conformance.ports import UsageError
from focal_conformance.report import Report

FORMAT = "focal-ref reports 1"
"""Name and version; a change that an old reader would misread raises the version."""


def document(reports: list[Report]) -> dict[str, Any]:
    """The reports as one JSON object."""
    return {"format": FORMAT, "reports": [report.to_dict() for report in reports]}


def text(reports: list[Report]) -> str:
    """The same, written: ASCII, an error where a number is left that JSON does not know."""
    return json.dumps(document(reports), indent=1, allow_nan=False) + "\n"


@lru_cache
def schema() -> dict[str, Any]:
    """The published schema."""
    source = files("focal_conformance").joinpath("schema", "report.schema.json")
    result: dict[str, Any] = json.loads(source.read_text("utf-8"))
    return result


def read(path: Path) -> list[Report]:
    """The reports in a file; UsageError that says what is wrong with it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise UsageError(f"{path} holds format {found!r}, not {FORMAT!r}, which `focal-ref verify --json` writes")
    wrong = broken(content)
    if wrong:
        raise UsageError(f"{path}: {wrong}")
    return [Report.from_dict(report) for report in content["reports"]]


def broken(content: dict[str, Any]) -> str:
    """Where a document departs from the schema; nothing if it does not."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema())
    error = jsonschema.exceptions.best_match(validator.iter_errors(content))
    return "" if error is None else f"{error.json_path}: {error.message[:300]}"
