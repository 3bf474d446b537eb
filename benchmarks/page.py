"""The page docs/performance.md, written from what ``--json`` wrote."""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks import rows
from benchmarks.flags import UsageError
from benchmarks.report import TABLES, markdown_table
from benchmarks.run import FORMAT

TITLE = """# Performance

Value and gradient with respect to logits, `reduction="sum"`, alpha 0.25, gamma 2, 2 % positives, logits of a standard
deviation of 2; peers and ours in turn, the median of the ratios of the rounds, with their quartiles. Everyone's value
and gradient were first held against the reference. `python -m benchmarks --list` says what each case is,
[benchmarks/](../benchmarks/README.md) how it is measured. Written by `python -m benchmarks page` from what a run wrote.
"""
GROWTH_FORMAT = "focal-ref growth 1"


def command(parsed: argparse.Namespace) -> int:
    """``python -m benchmarks page``."""
    documents = [_read(path) for path in parsed.files]
    runs = [document for document in documents if document["format"] == FORMAT]
    growths = [document for document in documents if document["format"] == GROWTH_FORMAT]
    if len(growths) > 1:
        raise UsageError("page: of growth it takes one file")
    text = page(runs, growths[0] if growths else None, parsed.image or f"{parsed.markdown.stem}-growth.svg")
    parsed.markdown.write_text(text, encoding="utf-8")
    return 0


def page(runs: list[dict[str, Any]], growth: dict[str, Any] | None, image: str = "") -> str:
    """Markdown."""
    parts = [TITLE]
    for document in runs:
        parts.append(f"## {'GPU' if document['settings']['device'] == 'cuda' else 'CPU'}\n")
        parts.append("\n".join(f"    {line}" for line in reversed(rows.header(document))) + "\n")
        misses = list(rows.miss_rows(document))
        parts.append(rows.tally(document) + (", all but these:\n" if misses else ".\n"))
        if misses:
            parts.append(markdown_table(rows.MISSES, misses) + "\n")
        for title, columns, of in TABLES:
            found = list(of(document))
            if found:
                parts.append(f"### {title}\n\n{markdown_table(columns, found)}\n")
    if growth is not None:
        from benchmarks.growth import ROW, growth_rows

        parts.append("## How cost grows\n")
        parts.append("\n".join(f"    {line}" for line in reversed(rows.header(growth))) + "\n")
        parts.append(f"![Time and memory against the number of logits]({image})\n")
        parts.append(markdown_table(ROW, growth_rows(growth)) + "\n")
    return "\n".join(parts)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"page: {path}: {error}") from error
    if not isinstance(document, dict) or document.get("format") not in (FORMAT, GROWTH_FORMAT):
        raise UsageError(f"page: {path}: not a file that `python -m benchmarks --json` wrote")
    return document
