"""What is measured: works, the modes of each framework, its peers, and the ratio to reach against each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

OURS, RECOMPUTE = "ours", "ours, recompute"
ADD, COPY = "x + t", "copy"
"""No losses: they move as much memory as a loss in one pass does."""
AHEAD = 1.0
"""Where no figure was set: not slower than the peer."""


@dataclass(frozen=True)
class Work:
    """Value and gradient of one loss, summed, of ``rows`` x ``classes`` logits."""

    name: str
    rows: int = 50_000
    classes: int = 80
    dtype: Literal["float64", "float32", "bfloat16"] = "float32"
    gamma: float = 2.0
    targets: Literal["dense", "indices"] = "dense"
    loss: Literal["sigmoid_focal", "softmax_focal"] = "sigmoid_focal"
    about: str = ""

    @property
    def elements(self) -> int:
        """Number of logits."""
        return self.rows * self.classes

    @property
    def alpha(self) -> float | None:
        """The loss's own default."""
        return 0.25 if self.loss == "sigmoid_focal" else None

    @property
    def least_bytes(self) -> int:
        """Bytes a logit that one pass moves: logits and dense targets read, the gradient written."""
        return (3 if self.targets == "dense" else 2) * {"float64": 8, "float32": 4, "bfloat16": 2}[self.dtype]


@dataclass(frozen=True)
class Duel:
    """The ratio ``ours / theirs`` of their times, and what it should be at most."""

    ours: str
    theirs: str
    to_reach: float | None = None


@dataclass(frozen=True)
class Case:
    """One process: contestants that take turns at one work."""

    framework: str
    mode: str
    work: Work
    device: str
    duels: tuple[Duel, ...]

    @property
    def name(self) -> str:
        """What ``--only`` is matched with."""
        return f"{self.framework}/{self.mode}/{self.work.name}"

    @property
    def contestants(self) -> tuple[str, ...]:
        """In the order of the duels, ours first."""
        names = [duel.ours for duel in self.duels] + [duel.theirs for duel in self.duels]
        return tuple(dict.fromkeys(names))


WORKS = {
    work.name: work
    for work in (
        Work("base", about="4 million float32 logits, gamma 2"),
        Work("gamma1.5", gamma=1.5, about="the same, gamma 1.5"),
        Work("bfloat16", dtype="bfloat16", about="the same in bfloat16"),
        Work("indices", targets="indices", about="the same, targets as class indices"),
        Work("large", rows=500_000, about="40 million logits"),
        Work("small", rows=25, classes=40, about="1,000 logits: the cost of a call"),
        Work("softmax", targets="indices", loss="softmax_focal", about="softmax focal loss, class indices"),
    )
}
OF_ONE_SIZE = ("large", "small")
"""Works that ``--elements`` would make the same as "base"."""

SIGMOID_PEERS: dict[tuple[str, str], dict[str, float | None]] = {
    ("torch", "eager"): {"torchvision": 0.30, "kornia": 0.30, "MONAI": 0.30, ADD: None},
    ("torch", "compile"): {"torchvision": 0.35, ADD: 2.2},
    ("jax", "jit"): {"optax": 0.16},
    ("jax", "eager"): {"optax": AHEAD},
    ("tensorflow", "eager"): {"Keras": 0.40},
    ("tensorflow", "function"): {"Keras": 0.60},
    ("tensorflow", "xla"): {"Keras": 0.80},
    ("numpy", "float64"): {"naive": AHEAD},
}
ONE_HOT = {("torch", "eager"): {"torchvision": 0.30}, ("torch", "compile"): {"torchvision": 0.40}}
"""Peers of class indices: they are given what one_hot makes of them, inside of what is timed."""
SOFTMAX = {("torch", mode): {"kornia": 0.50, "MONAI": 0.50} for mode in ("eager", "compile")}
OF_COPY = 1.25
"""On a GPU: four fifths of the bandwidth of a copy."""


def all_cases(device: str = "cpu", elements: int | None = None) -> Iterator[Case]:
    """Every case of a device; with ``elements`` of that many logits instead of its own number."""
    for (framework, mode), peers in SIGMOID_PEERS.items():
        if device != "cpu" and framework != "torch":
            continue
        for work in WORKS.values():
            if elements is not None and work.name in OF_ONE_SIZE:
                continue
            sized = work if elements is None else replace(work, rows=max(1, elements // work.classes))
            goals = _goals((framework, mode), sized, peers)
            if goals:
                yield _case(framework, mode, sized, device, goals)


def chosen(patterns: list[str], device: str, elements: int | None) -> list[Case]:
    """Cases whose name matches one of the patterns; a word without ``*`` matches anywhere in the name."""
    wanted = [pattern if any(c in pattern for c in "*?[") else f"*{pattern}*" for pattern in patterns or ["*"]]
    return [case for case in all_cases(device, elements) if any(fnmatchcase(case.name, one) for one in wanted)]


def named(name: str, device: str, elements: int | None) -> Case:
    """The case of that name."""
    return next(case for case in all_cases(device, elements) if case.name == name)


def _goals(mode: tuple[str, str], work: Work, peers: dict[str, float | None]) -> dict[str, float | None]:
    if work.loss == "softmax_focal":
        return dict(SOFTMAX.get(mode, {}))
    if mode[0] == "numpy" and work.dtype == "bfloat16":
        return {}
    if work.targets == "indices":
        return dict(ONE_HOT.get(mode, peers))
    if work.name == "small":
        return {name: None if name == ADD else AHEAD for name in peers}
    return peers


def _case(framework: str, mode: str, work: Work, device: str, goals: dict[str, float | None]) -> Case:
    if framework == "numpy":
        work = replace(work, dtype="float64", about=work.about.replace("float32", "float64"))
    duels = [Duel(OURS, theirs, to_reach) for theirs, to_reach in goals.items()]
    if device != "cpu" and work.name != "small":
        duels.append(Duel(OURS, COPY, OF_COPY))
    if framework == "torch":
        duels.append(Duel(RECOMPUTE, next(iter(goals))))
    return Case(framework, mode, work, device, tuple(duels))
