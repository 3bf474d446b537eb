"""What the pytest plugin costs a run that has nothing to do with it: ``python -m benchmarks.plugin_overhead``."""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

PLUGIN = "focal_conformance"
TEST = "def test_unrelated():\n    assert 1 + 1 == 2\n"


@dataclass(frozen=True)
class Cost:
    """Of one pytest run from start to end, in milliseconds."""

    elapsed: float
    processor: float
    """User and system time: what a busy machine does not stretch as much."""


def run_once(folder: Path, *options: str) -> Cost:
    """Run the unrelated test in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_unrelated.py"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(1e3 * (ended - started), 1e3 * processor)


def measured(pairs: int) -> tuple[list[Cost], list[Cost]]:
    """Runs without and with the plugin, in turn, so that a busy machine slows both."""
    without: list[Cost] = []
    with_plugin: list[Cost] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_unrelated.py").write_text(TEST)
        for options in ((), ("-p", f"no:{PLUGIN}")):
            run_once(folder, *options)  # files into the cache
        for k in range(pairs):
            turns = [((), with_plugin), (("-p", f"no:{PLUGIN}"), without)]
            for options, costs in turns if k % 2 else reversed(turns):
                costs.append(run_once(folder, *options))
    return without, with_plugin


def main(arguments: list[str] | None = None) -> int:
    """Print medians; wrong use where the plugin is not installed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plugin_overhead", description=__doc__)
    parser.add_argument("--pairs", type=int, default=50, help="runs with and without (50)")
    pairs = parser.parse_args(arguments).pairs
    if pairs < 2:
        parser.error(f"--pairs must be at least 2, got {pairs}")
    if PLUGIN not in {entry.name for entry in entry_points(group="pytest11")}:
        parser.error("the plugin is not installed: pip install -e '.[conformance]'")
    without, with_plugin = measured(pairs)
    print(f"{pairs} pairs of pytest runs of one unrelated test, in turn; medians, in ms")
    for name in ("elapsed", "processor"):
        off, on = ([getattr(cost, name) for cost in costs] for costs in (without, with_plugin))
        low, middle, high = statistics.quantiles([b - a for a, b in zip(off, on, strict=True)], n=4)
        print(
            f"{name:9} time: without {statistics.median(off):.1f}, with {statistics.median(on):.1f}; "
            f"of a pair {middle:+.1f}, quartiles {low:+.1f} to {high:+.1f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
