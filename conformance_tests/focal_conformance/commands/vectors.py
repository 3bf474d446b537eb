"""``focal-ref vectors``."""

import shutil
import sys
from argparse import Namespace
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

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
    """Copy vectors and schema, for ports that are verified elsewhere."""
    target = Path(parsed.directory)
    target.mkdir(parents=True, exist_ok=True)
    for folder in (("vectors", "data"), ("schema",)):
        with as_file(files("focal_conformance").joinpath(*folder)) as source:
            for path in sorted(source.glob("*.json")):
                print(shutil.copy(path, target / path.name))
    return 0
