"""``focal-ref scoreboard``."""

import sys
from argparse import Namespace
from pathlib import Path

from focal_conformance.reports.write import STDOUT, check_writable, write_text


def run(parsed: Namespace) -> int:
    """Write the scoreboard from reports that `verify --json` wrote."""
    from focal_conformance.reports.scoreboard import as_html, as_markdown, collected

    for name in (parsed.markdown, parsed.html):
        check_writable(name)
    reports = collected([Path(name) for name in parsed.reports])
    write_text(parsed.markdown, as_markdown(reports))
    if parsed.html:
        write_text(parsed.html, as_html(reports))
    names = " and ".join(name for name in (parsed.markdown, parsed.html) if name and name != STDOUT)
    if names:
        print(f"wrote {names}: {len(reports)} peers", file=sys.stderr)
    return 0
