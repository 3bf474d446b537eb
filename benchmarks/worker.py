"""One case in one process: ``python -m benchmarks.worker REQUEST ANSWERS``, JSON and JSON lines."""

import json
import os
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from benchmarks.cases import OURS, RECOMPUTE, Case, named
from benchmarks.contest import compared, cuda_clock, processor_clock, samples
from benchmarks.contestants import Entrant, NotMeasured, opened
from benchmarks.data import TOLERANCE, Data, distance, made, reference
from benchmarks.limits import measures
from benchmarks.memory import FEWEST, gives_memory_back, peak_of_process

Say = Callable[[str], None]


def main(arguments: list[str]) -> int:
    """Answer one request."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with open(arguments[0], encoding="utf-8") as file:
        request = json.load(file)
    if hasattr(os, "sched_setaffinity"):
        # Every framework counts the cores that it may use, and each by a variable of its own if told.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["threads"]])
    with open(arguments[1], "a", encoding="utf-8") as answers:

        def say(message: dict[str, Any]) -> None:
            answers.write(json.dumps(message) + "\n")
            answers.flush()

        say({"result": result(request, lambda label: say({"label": label}))})
    return 0


def _end_with(parent: int) -> None:
    """A command that was killed leaves nothing running."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGKILL)


def result(request: dict[str, Any], say: Say) -> dict[str, Any]:
    """All that is found of a case."""
    case = named(request["case"], request["device"], request["elements"])
    say("data")
    data = made(case.work)
    contestants: dict[str, dict[str, Any]] = {
        name: {"not_measured": request["left_out"].get(name)} for name in case.contestants
    }
    entrants = _entrants(case, data, contestants, say)
    clock = processor_clock if case.device == "cpu" else cuda_clock
    taken = samples(entrants, request["rounds"], clock, say) if request["rounds"] else {}
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    for name, seconds in taken.items():
        contestants[name] |= {"seconds": seconds, "median": medians[name]}
    say("memory")
    return {
        "case": case.name,
        "work": asdict(case.work) | {"elements": case.work.elements},
        "contestants": contestants,
        "ratios": [compared(duel, taken) for duel in case.duels if duel.ours in taken and duel.theirs in taken],
        "measures": measures(case, entrants, medians) if request["measures"] else [],
    }


def _entrants(case: Case, data: Data, contestants: dict[str, dict[str, Any]], say: Say) -> dict[str, Entrant]:
    """Those that can be run and compute what is asked; of the others `contestants` gets the reason."""
    try:
        enter = opened(case, data)
    except ImportError as error:
        for facts in contestants.values():
            facts["not_measured"] = facts["not_measured"] or _missing(error)
        return {}
    exact = reference(case.work, data)
    entrants: dict[str, Entrant] = {}
    for name, facts in contestants.items():
        if facts["not_measured"] is not None:
            continue
        say(f"first call of {name}")
        try:
            entrant = enter(name)
            facts |= _agreement(case, name, entrant, exact)
        except NotMeasured as reason:
            facts["not_measured"] = str(reason)
        except ImportError as error:
            facts["not_measured"] = _missing(error)
        except Exception as error:  # whatever a package raises: it is told, and the command fails
            facts |= {"not_measured": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}", "failed": True}
        else:
            if facts["not_measured"] is None:
                # A gradient that the first call left would be freed by the next one, whose own then costs nothing.
                entrant.clear()
                if case.device == "cpu" and case.work.elements >= FEWEST and gives_memory_back(case.framework):
                    facts["peak_bytes"] = peak_of_process(entrant.call)
                entrants[name] = entrant
            entrant.clear()
    return entrants


def _agreement(case: Case, name: str, entrant: Entrant, exact: tuple[float, Any]) -> dict[str, Any]:
    """How far a contestant is from the reference. Too far: in float32 and if it is ours, it takes no part."""
    given = entrant.call()
    if entrant.numbers is None:
        return {}
    errors = distance(*entrant.numbers(given), *exact)
    facts: dict[str, Any] = {"errors": [str(error) for error in errors]}
    if all(error <= TOLERANCE[case.work.dtype] for error in errors):
        return facts
    text = f"off by {errors[0]:.1e} (value), {errors[1]:.1e} (gradient)"
    # What peers lose by computing in bfloat16 changes nothing about the time that they take.
    if case.work.dtype == "bfloat16" and name not in (OURS, RECOMPUTE):
        return facts | {"note": text}
    return facts | {"not_measured": f"computes something else: {text}", "failed": True}


def _missing(error: ImportError) -> str:
    return f"{error.name or 'a package'} cannot be imported: {str(error).splitlines()[0]}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
