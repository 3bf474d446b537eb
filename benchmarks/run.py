"""Run cases one after another and gather what they give in a document."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import machine, processes
from benchmarks.cases import Case

FORMAT = "focal-ref benchmarks 1"


@dataclass(frozen=True)
class Settings:
    """How it is measured."""

    rounds: int
    threads: int
    device: str
    elements: int | None


def measured(
    cases: list[Case], settings: Settings, command: str, gpu: str | None, progress: Callable[[int, str], None]
) -> dict[str, Any]:
    """The document of a run; it may be written as JSON."""
    before = machine.load()
    results = []
    for k, case in enumerate(cases):

        def say(label: str, k: int = k, case: Case = case) -> None:
            progress(k, f"{case.name}: {label}")

        say("start")
        request = processes.Request(case.name, **asdict(settings))
        results.append(processes.run(request, case.contestants, say))
    return {
        "format": FORMAT,
        "command": command,
        "machine": machine.described(settings.threads, gpu) | {"load_before": before, "load_after": machine.load()},
        "settings": asdict(settings),
        "cases": results,
    }


def failures(document: dict[str, Any]) -> list[str]:
    """Contestants that could not be run, or compute something else; a package that is missing is none."""
    return [
        f"{result['case']}: {name}: {facts['not_measured']}"
        for result in document["cases"]
        for name, facts in result["contestants"].items()
        if facts.get("failed")
    ]
