"""Write the table of recorded verdicts into the README: ``python docs/insert_verdicts.py [--check]``."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- verdicts: written by docs/insert_verdicts.py -->", "<!-- /verdicts -->"


def table() -> str:
    """The verdicts of peers.json, a row a package."""
    records = json.loads((ROOT / "conformance_tests/focal_conformance/peers.json").read_text("utf-8"))
    lines = ["| package | version | verdict | fails |", "|---|---|---|---|"]
    for port, record in records.items():
        failed = ", ".join(f"`{name}`" for name, verdict in record["checks"].items() if verdict == "failed")
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        cells = (f"`{port}`", versions, record["verdict"], failed or "none")
        lines.append("| " + " | ".join(cell.replace("|x|", "abs(x)").replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """The README with the table between its markers."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{rest[rest.index(END) :]}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    fresh = with_table(readme.read_text("utf-8"))
    if "--check" in sys.argv[1:]:
        sys.exit(
            0 if fresh == readme.read_text("utf-8") else "README.md does not hold the recorded verdicts: make record"
        )
    readme.write_text(fresh, encoding="utf-8")
