"""Reads docs/migrate.md: its sections, their imports, and the pairs of expressions of their tables."""

import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

from focal_conformance.ports.peers import smp, timm, toolbelt, torchvision, transformers, ultralytics

PAGE = Path(__file__).parents[2] / "docs" / "migrate.md"
OUR_FRAMEWORKS = ("torch", "tensorflow", "jax")
CELL = re.compile(r"^`(.+)`$")
# Packages that import torchvision may not import beside this torch: their losses come from single files.
FROM_FILES = {
    "torchvision.ops": lambda: {"sigmoid_focal_loss": torchvision.function()[0]},
    "segmentation_models_pytorch.losses": lambda: vars(smp.module()[0]),
    "pytorch_toolbelt.losses": lambda: vars(toolbelt.module()[0]),
    "timm.loss": lambda: vars(timm.module()[0]),
    transformers.OBJECT_DETECTION: lambda: vars(transformers.module(transformers.OBJECT_DETECTION)[0]),
    transformers.GROUNDING_DINO: lambda: vars(transformers.module(transformers.GROUNDING_DINO)[0]),
    "ultralytics.utils.loss": lambda: vars(ultralytics.module()[0]),
}


@dataclass(frozen=True)
class Row:
    meaning: str
    theirs: str
    ours: str


@dataclass(frozen=True)
class Section:
    title: str
    imports: str
    rows: tuple[Row, ...]

    @property
    def framework(self):
        (found,) = set(re.findall(r"from focal_adapters\.(\w+) import", self.imports))
        return found

    @property
    def their_framework(self):
        """Ours, but for a package of a framework that we have no adapter for."""
        return "paddle" if "paddle" in self.packages else self.framework

    @property
    def packages(self):
        found = re.findall(r"^(?:from|import) (\w+)", self.imports, re.MULTILINE)
        return set(found) - {"focal_adapters", *OUR_FRAMEWORKS}

    @property
    def missing(self):
        """Packages that are not installed; of two distributions with one import name, the page says which."""
        missing = [package for package in self.packages if find_spec(package) is None]
        for name in re.findall(r"# of the distribution (\S+)", self.imports):
            try:
                distribution(name)
            except PackageNotFoundError:
                missing.append(name)
        return missing

    def names(self):
        """What the section's imports import."""
        stand_ins = {}
        for module in re.findall(r"^from (\S+) import", self.imports, re.MULTILINE):
            if module in FROM_FILES:
                stand_ins.update(module_chain(module, FROM_FILES[module]()))
        names, before = {}, {name: sys.modules.get(name) for name in stand_ins}
        sys.modules.update(stand_ins)
        try:
            exec(self.imports, names)
        finally:
            for name, module in before.items():
                sys.modules.pop(name)
                if module is not None:
                    sys.modules[name] = module
        return names


def module_chain(name, attributes):
    """A module with these attributes, and the empty packages above it: name -> module."""
    parts = name.split(".")
    chain = {".".join(parts[: i + 1]): ModuleType(".".join(parts[: i + 1])) for i in range(len(parts))}
    for module in chain.values():
        module.__path__ = []
    vars(chain[name]).update(attributes)
    return chain


def sections():
    """All sections that have a table of pairs."""
    found = []
    for part in re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        imports = re.search(r"```python\n(.*?)```", body, re.DOTALL).group(1)
        lines = [line for line in body.splitlines() if line.startswith("|")]
        found.append(Section(title.strip(), imports, tuple(_row(line) for line in lines[2:])))
    return found


def _row(line):
    meaning, theirs, ours = (cell.strip() for cell in line.strip("|").split("|"))
    expressions = [CELL.match(cell) for cell in (theirs, ours)]
    assert all(expressions), f"not a row of two expressions: {line}"
    return Row(meaning, *(found.group(1) for found in expressions))


def pairs(framework):
    """(section, row) of every row of a package's framework, with their names for pytest."""
    found = [(s, row) for s in sections() if s.their_framework == framework for row in s.rows]
    return {"argvalues": found, "ids": [f"{section.title}: {row.meaning}" for section, row in found]}


def inputs():
    """The names that the page's rows use, as NumPy arrays."""
    random = np.random.default_rng(1708)
    x = random.uniform(-3.0, 3.0, (4, 3)).astype(np.float32)
    t = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 0]], np.float32)
    e = t.copy()
    e[0, 1] = e[3, 0] = -100.0
    y = np.array([2, 0, 1, 1])
    rows = random.uniform(0.1, 1.0, (4, 3)).astype(np.float32)
    return {
        "x": x,
        "t": t,
        "s": random.uniform(0.05, 0.95, (4, 3)).astype(np.float32),
        "e": e,
        "y": y,
        "g": np.array([2, -100, 1, 1]),
        "h": np.eye(3, dtype=np.float32)[y],
        "r": rows / rows.sum(-1, keepdims=True),
        "z": random.uniform(-3.0, 3.0, (2, 3, 5)).astype(np.float32),
        "l": random.integers(0, 3, (2, 5)),
        "m": np.array([[1, 0, 1], [1, 1, 1], [0, 1, 0], [1, 1, 0]], bool),
        "v": random.uniform(0.5, 2.0, (4, 3)).astype(np.float32),
        "w": np.array([0.1, 0.2, 0.7], np.float32),
    }


def factors(shape):
    """Different factors for the elements of a result: a gradient then shows which element went where."""
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape).astype(np.float32)


def assert_same(theirs, ours):
    """Values and gradients of the two sides."""
    for quantity, left, right in zip(("value", "gradient"), theirs, ours, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6, err_msg=quantity, strict=True)
