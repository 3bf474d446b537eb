"""Reads docs/scale.md: the code of a section runs as it stands, with the names that it takes for given."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text("utf-8")


def run_section(title, **given):
    """Names that a section's code defines."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    (source,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    exec(compile(source, f"docs/scale.md: {title}", "exec"), given)
    return given


def wrong_by(row):
    """What the page says that the mistake makes of the loss, as a fraction."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {row} |")]
    return float(re.search(r"\+(\d+) %", line).group(1)) / 100
