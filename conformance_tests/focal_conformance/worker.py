"""One port in one process: frameworks in one process disturb each other, and a crash ends only this.

Called with a JSON request; appends JSON lines to a file, so that nothing a port prints gets in between.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from focal_conformance.engine import verify
from focal_conformance.ports import UsageError
from focal_conformance.ports.port import Options
from focal_conformance.report import WRONG_USE, Report


def main(arguments: list[str]) -> int:
    """``worker REQUEST_FILE ANSWER_FILE``."""
    # Asked to end, it takes the process of a cmd: port with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with open(arguments[0], encoding="utf-8") as file:
        request = json.load(file)
    with open(arguments[1], "a", encoding="utf-8") as answers:

        def say(message: dict[str, Any]) -> None:
            answers.write(json.dumps(message) + "\n")
            answers.flush()

        say({"report": answer(request, say).to_dict()})
    return 0


def _end_with(parent: int) -> None:
    """A command that was killed leaves nothing running."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)


def answer(request: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> Report:
    """The report for a request."""
    options = request["options"]
    if options["alpha_off"] is not None:
        options["alpha_off"] = tuple(options["alpha_off"])
    options["transforms"] = tuple(options["transforms"])
    try:
        return verify(
            request["port"],
            level=request["level"],
            device=request["device"],
            dtypes=tuple(request["dtypes"]),
            checks=tuple(request["checks"]),
            options=Options(**options),
            fuzz=request["fuzz"],
            seed=request["seed"],
            exhaust=request["exhaust"],
            diagnosis=request["diagnosis"],
            curves=request["curves"],
            progress=lambda done, total, label: say({"done": done, "total": total, "label": label}),
        )
    except UsageError as error:
        report = Report(request["port"], options["loss"], request["level"], request["device"])
        report.error, report.exit_code = str(error), WRONG_USE
        return report


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
