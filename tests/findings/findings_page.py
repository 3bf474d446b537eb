"""Reads docs/findings: the scripts of a page, what each needs, and what the page says that it prints."""

import math
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "findings"
SCRIPT = re.compile(r"^```python([^\n]*)\n(.*?)^```\n+```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])([-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf))(?![\w])")
TOLERANCE = 1e-3
"""Of a printed number: the last digits differ between machines, what a page is about does not."""


@dataclass(frozen=True)
class Script:
    """A script of a page. `needs` are requirements, ``name==version``; one without any needs this project alone."""

    page: str
    number: int
    needs: tuple[str, ...]
    source: str
    printed: str

    @property
    def name(self):
        return f"{self.page}:{self.number}:{','.join(self.needs) or 'exact'}"

    def missing(self):
        """Requirements that are not installed."""
        return [need for need in self.needs if _installed(need) is None]

    def of_another_version(self):
        """Requirements of which another version is installed, in words."""
        found = {need: _installed(need) for need in self.needs}
        return [
            f"the page speaks of {need}, here is {there}"
            for need, there in found.items()
            if need.split("==")[1] != there
        ]

    def run(self):
        """What it prints, in a process of its own."""
        root = FOLDER.parents[1]
        command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("run_script.py"))]
        done = subprocess.run(command, input=self.source, capture_output=True, text=True, cwd=root, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _installed(need):
    try:
        return version(need.split("==")[0]).split("+")[0]
    except PackageNotFoundError:
        return None


def pages():
    """Name -> text of every page but the index."""
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.md")) if path.stem != "README"}


def scripts():
    """Every script of every page."""
    return [
        Script(page, number, tuple(found[1].split()), found[2], found[3])
        for page, text in pages().items()
        for number, found in enumerate(SCRIPT.finditer(text))
    ]


def difference(printed, on_page):
    """The first line that is another one, in words; nothing if the page holds."""
    now, before = printed.rstrip().splitlines(), on_page.rstrip().splitlines()
    for line, (left, right) in enumerate(zip(now, before, strict=False), start=1):
        if not _same(left, right):
            return f"line {line} is\n  {left}\nwhere the page has\n  {right}"
    return "" if len(now) == len(before) else f"{len(now)} lines where the page has {len(before)}"


def _same(left, right):
    parts = [NUMBER.split(" ".join(line.split())) for line in (left, right)]
    if len(parts[0]) != len(parts[1]):
        return False
    return all(
        _close(float(a), float(b)) if place % 2 else a == b for place, (a, b) in enumerate(zip(*parts, strict=True))
    )


def _close(a, b):
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=TOLERANCE)


if __name__ == "__main__":
    # Writes what the scripts print here into the pages that are named; read the diff.
    for script in scripts():
        if script.page in sys.argv[1:] and not script.missing():
            path = FOLDER / f"{script.page}.md"
            text = path.read_text("utf-8")
            before = f"{script.source}```\n\n```text\n{script.printed}```"
            assert text.count(before) == 1, script.name
            path.write_text(text.replace(before, f"{script.source}```\n\n```text\n{script.run()}```"), "utf-8")
