"""How time and memory grow with the number of logits: ``python -m benchmarks growth``."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import machine, processes
from benchmarks.cases import Case, chosen
from benchmarks.flags import UsageError
from benchmarks.memory import FEWEST, GIVES_BACK, available
from benchmarks.page import GROWTH_FORMAT

SIZES = (*(10**k * factor for k in range(3, 8) for factor in (1, 3)), 10**8)
MODES = ("torch/eager", "torch/compile", "jax/jit", "tensorflow/function", "numpy/float64")
WORK = "base"
SHARE = 0.8
"""Of the memory that the machine can still give."""
UNKNOWN = 200
"""Bytes a logit of a contestant that was not measured at a smaller size."""
PLOT = Path("docs/performance-growth.svg")
ROW = ("logits", "case", "contestant", "ns a logit", "peak, bytes a logit")


def command(parsed: argparse.Namespace, line: str) -> int:
    """Measure, print, write JSON and the plot."""
    from benchmarks import cli, report
    from benchmarks.plot import save
    from focal_conformance.console import open_console

    names = [f"{mode}/{WORK}" for mode in MODES]
    cases = [case for case in chosen(parsed.only, "cpu", None) if case.name in names]
    if not cases:
        raise UsageError(f"growth: --only {' '.join(parsed.only)}: no case matches; there are {', '.join(names)}")
    plot = parsed.plot or PLOT
    if plot.suffix not in (".svg", ".png") or not plot.parent.is_dir():
        raise UsageError(f"growth: --plot must be an .svg or .png in a folder that exists, got {plot}")
    sizes = [size for size in SIZES if size <= parsed.max]
    with cli.progress(len(cases) * len(sizes)) as show:
        document = measured(cases, sizes, parsed, line, show)
    if parsed.json:
        cli.write_json(parsed.json, document)
    save(document, plot)
    console = open_console()
    for text in report.rows.header(document):
        console.print(text, markup=False, highlight=False)
    report.print_rows(console, ROW, growth_rows(document))
    return cli.tell_failures(document)


def measured(
    cases: list[Case], sizes: list[int], parsed: argparse.Namespace, line: str, show: Callable[[int, str], None]
) -> dict[str, Any]:
    """Each size of each case in a process of its own."""
    before = machine.load()
    results: list[dict[str, Any]] = []
    for case in cases:
        needs: dict[str, float] = {}
        for size in sizes:
            label = f"{case.name} of {size:,}: "
            done = len(results)
            request = processes.Request(
                case.name, parsed.rounds, parsed.threads, elements=size, measures=False,
                left_out=_too_large(case, size, needs, available()),
            )  # fmt: skip
            result = processes.run(request, case.contestants, lambda text, d=done, at=label: show(d, at + text))
            if case.framework == "tensorflow" and size >= FEWEST:
                only_memory = replace(request, rounds=0, environment=GIVES_BACK)
                _add_peaks(result, processes.run(only_memory, case.contestants, lambda text: None))
            results.append(result | {"size": size})
            for name, facts in result["contestants"].items():
                if facts.get("peak_bytes") is not None:
                    needs[name] = facts["peak_bytes"] / result["work"]["elements"]
    return {
        "format": GROWTH_FORMAT,
        "command": line,
        "machine": machine.described(parsed.threads, None) | {"load_before": before, "load_after": machine.load()},
        "settings": {"rounds": parsed.rounds, "threads": parsed.threads, "device": "cpu", "elements": None},
        "cases": results,
    }


def _add_peaks(result: dict[str, Any], memory: dict[str, Any]) -> None:
    for name, facts in memory["contestants"].items():
        if facts.get("peak_bytes") is not None and result["contestants"][name]["not_measured"] is None:
            result["contestants"][name]["peak_bytes"] = facts["peak_bytes"]


def _too_large(case: Case, size: int, needs: dict[str, float], room: int | None) -> dict[str, str]:
    """Contestants that would not fit beside the arrays; judged by their peak at smaller sizes."""
    if room is None or size < FEWEST:
        return {}
    # Logits, targets, the reference's gradient, and the copies that are made of them on the way.
    left = SHARE * room - size * 3 * (8 if case.framework == "numpy" else 4)
    reasons = {}
    for name in case.contestants:
        need = needs.get(name, UNKNOWN) * size
        if need > left:
            reasons[name] = f"needs about {need / 2**30:.1f} GiB, {max(left, 0.0) / 2**30:.1f} GiB are free"
    return reasons


def growth_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row a size, mode and contestant."""
    for result in document["cases"]:
        for name, facts in result["contestants"].items():
            if facts["not_measured"] is not None:
                yield f"{result['size']:,}", result["case"], name, facts["not_measured"], ""
                continue
            n = result["work"]["elements"]
            peak = facts.get("peak_bytes")
            yield (
                f"{n:,}",
                result["case"],
                name,
                short(facts["median"] / n * 1e9),
                "" if peak is None else f"{peak / n:.1f}",
            )


def short(number: float) -> str:
    """Three digits that mean something, no exponent."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
