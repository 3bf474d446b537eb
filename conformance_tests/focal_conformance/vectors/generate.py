"""Write the vectors with the oracle; needs python-flint (extra ``oracle``)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from focal_conformance.formats import FORMATS, FloatFormat
from focal_conformance.vectors.generate_sigmoid import sigmoid_document
from focal_conformance.vectors.generate_softmax import softmax_document
from focal_conformance.vectors.text import text_of

DOCUMENTS: dict[str, Callable[[FloatFormat], dict[str, Any]]] = {
    "sigmoid_focal": sigmoid_document,
    "softmax_focal": softmax_document,
}
LOSSES = tuple(DOCUMENTS)


def vector_files(loss: str, progress: Callable[[str], None] = lambda name: None) -> Iterator[tuple[str, str]]:
    """Name and text of each vector file of a loss."""
    for fmt in FORMATS.values():
        name = f"{loss}_{fmt.name}.json"
        progress(name)
        yield name, text_of(DOCUMENTS[loss](fmt))


def write(directory: Path, loss: str, progress: Callable[[str], None] = lambda name: None) -> list[Path]:
    """Write the vector files of a loss; returns the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in vector_files(loss, progress):
        path = directory / name
        path.write_text(text, encoding="ascii")
        paths.append(path)
    return paths


def differing(directory: Path, loss: str, progress: Callable[[str], None] = lambda name: None) -> list[str]:
    """Names of the files that are missing or differ in any byte from a fresh generation."""
    return [
        name
        for name, text in vector_files(loss, progress)
        if not (directory / name).is_file() or (directory / name).read_bytes() != text.encode("ascii")
    ]
