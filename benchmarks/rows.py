"""Rows of the tables of a report, as text: the same on a terminal and in a page."""

from collections.abc import Iterator
from typing import Any

RATIOS = ("case", "ratio", "quartiles", "to reach", "reached", "ours", "theirs", "ours, ms", "theirs, ms")
MEASURES = ("case", "contestant", "what", "measured", "to reach", "reached")
MISSES = ("case", "what", "measured", "to reach")
ABSENT = ("case", "contestant", "not measured")
NOTES = ("case", "contestant", "against the reference")


def ratio_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Ours divided by theirs, for each peer of each case."""
    for result in document["cases"]:
        for row in result["ratios"]:
            times = [milliseconds(result["contestants"][row[side]]["median"]) for side in ("ours", "theirs")]
            low, high = row["quartiles"]
            yield (
                result["case"],
                f"{row['ratio']:.3f}",
                f"{low:.3f} to {high:.3f}",
                *reach(row, "{:.2f}"),
                row["ours"],
                row["theirs"],
                *times,
            )


def measure_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Memory, and times that are held against a number."""
    for result in document["cases"]:
        for row in result["measures"]:
            yield result["case"], row["contestant"], row["what"], f"{row['value']:.2f}", *reach(row, "{:g}")


def tally(document: dict[str, Any]) -> str:
    """How many of the figures that are set are reached."""
    judged = [row["reached"] for case in document["cases"] for row in case["ratios"] + case["measures"]]
    judged = [reached for reached in judged if reached is not None]
    return f"{sum(judged)} of {len(judged)} figures that were set are reached"


def miss_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """What is not reached."""
    for result in document["cases"]:
        for row in result["ratios"]:
            if row["reached"] is False:
                yield (
                    result["case"],
                    f"{row['ours']} / {row['theirs']}",
                    f"{row['ratio']:.3f}",
                    f"{row['to_reach']:.2f}",
                )
        for row in result["measures"]:
            if row["reached"] is False:
                what = f"{row['contestant']}: {row['what']}"
                yield result["case"], what, f"{row['value']:.2f}", f"{row['to_reach']:g}"


def absent_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Who took no part, and why."""
    for result in document["cases"]:
        for name, facts in result["contestants"].items():
            if facts["not_measured"] is not None:
                yield result["case"], name, facts["not_measured"]


def note_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Who is measured although what it computes is far from the reference."""
    for result in document["cases"]:
        for name, facts in result["contestants"].items():
            if "note" in facts:
                yield result["case"], name, facts["note"]


def header(document: dict[str, Any]) -> list[str]:
    """Lines about the machine and the run."""
    machine, settings = document["machine"], document["settings"]
    vectors = f" ({machine['vectors']})" if machine["vectors"] else ""
    loads = [", ".join(map(str, machine[name] or ["?"])) for name in ("load_before", "load_after")]
    return [
        f"{machine['processor']}{vectors}, {machine['cores']} cores, {machine['threads']} threads, "
        f"{machine['memory_gib']} GiB, {machine['system']}" + (f"; {machine['gpu']}" if machine["gpu"] else ""),
        ", ".join(f"{name} {number}" for name, number in machine["versions"].items()),
        f"median of {settings['rounds']} rounds in turn on {settings['device']}; load average {loads[0]} at the start, "
        f"{loads[1]} at the end",
        f"command: {document['command']}",
    ]


def reach(row: dict[str, Any], form: str) -> tuple[str, str]:
    """What is to be reached, and whether it is."""
    if row["to_reach"] is None:
        return "", ""
    return "<= " + form.format(row["to_reach"]), "yes" if row["reached"] else "NO"


def milliseconds(seconds: float) -> str:
    """With three digits that mean something."""
    value = seconds * 1e3
    return f"{value:.4f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"
