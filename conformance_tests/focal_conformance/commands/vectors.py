"""``focal-ref vectors``."""

import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

from focal_conformance.ports import UsageError
from focal_conformance.ports.messages import line_of
from focal_conformance.report import CANNOT_RUN


def generate(parsed: Namespace) -> int:
    """Write the vectors, or compare the committed ones with a fresh generation."""
    if find_spec("flint") is None:
        print("focal-ref vectors generate needs python-flint: pip install 'focal-ref[oracle]'", file=sys.stderr)
        return CANNOT_RUN
    from focal_conformance.vectors.generate import LOSSES, differing, write

    def say(name: str) -> None:
        print(name, file=sys.stderr)

    with as_file(files("focal_conformance").joinpath("vectors", "data")) as own:
        directory = Path(parsed.directory) if parsed.directory else own
        if parsed.check:
            wrong = [name for loss in LOSSES for name in differing(directory, loss, say)]
            print(
                f"differ from the oracle: {', '.join(wrong)}"
                if wrong
                else "the vectors are what the oracle gives, byte for byte"
            )
            return 1 if wrong else 0
        for loss in LOSSES:
            for path in write(directory, loss, say):
                print(path)
    return 0


def export(parsed: Namespace) -> int:
    """Write vectors, schemas, and the questions of a port that is verified elsewhere."""
    from focal_conformance.formats import FORMATS
    from focal_ref import LOSSES

    target = Path(parsed.directory)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for folder in (("vectors", "data"), ("schema",)):
            with as_file(files("focal_conformance").joinpath(*folder)) as source:
                for path in sorted(source.glob("*.json")):
                    print(shutil.copy(path, target / path.name))
        for loss in LOSSES:
            for dtype in FORMATS:
                path = target / f"questions_{loss}_{dtype}.jsonl"
                path.write_text("".join(_questions(loss, dtype)), encoding="ascii")
                print(path)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    return 0


def _questions(loss: str, dtype: str) -> Iterator[str]:
    """Lines of a file of questions; its end says `stop`."""
    from focal_conformance.vectors.questions import questions

    yield line_of({"type": "start", "id": "start", "protocol": 1}, "start")
    for question in questions(loss, dtype):
        yield line_of(question, "run")
