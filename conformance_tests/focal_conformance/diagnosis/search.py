"""Which deviations, alone or in pairs, reproduce what a port gave."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from focal_conformance.deviations.deviation import Deviation
from focal_conformance.diagnosis.asked import Asked
from focal_conformance.diagnosis.estimate import estimated

Bool = npt.NDArray[np.bool_]
Changes = tuple[tuple[Deviation, float], ...]

PER_DEVIATION = 0.003
"""What a second deviation must explain more than one, as a share of all results."""
PER_PARAMETER = 0.0015
FOR_ESTIMATES = 500
"""Points of each part on which parameters are estimated."""
FIRST_LOOK = 160
"""Points on which all pairs are tried."""
FITS = 0.985
"""Share of the results from which on nothing more is looked for."""
MENDED = 0.6
"""Share of what the specification does not explain that an answer must."""
KEPT = 24
"""Candidates of the first look that are tried on all points."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """Changes to the formula, and which results they explain."""

    changes: Changes
    explains: Bool

    @property
    def count(self) -> int:
        """Results that it reproduces."""
        return int(np.count_nonzero(self.explains))

    @property
    def names(self) -> tuple[str, ...]:
        """Of its deviations."""
        return tuple(deviation.name for deviation, _ in self.changes)

    @property
    def worth(self) -> float:
        """The share that it explains, less what its complexity costs."""
        fitted = sum(deviation.parameter is not None for deviation, _ in self.changes)
        loose = sum(deviation.coarse > 0.0 for deviation, _ in self.changes)
        cost = PER_DEVIATION * max(0, len(self.changes) - 1) + PER_PARAMETER * fitted + 0.02 * loose
        return self.count / max(1, self.explains.size) - cost


def candidate(asked: Sequence[Asked], changes: Changes, precise: bool = False) -> Candidate:
    """What a set of changes explains."""
    coarse = max([deviation.coarse for deviation, _ in changes], default=0.0)
    parts = []
    for part in asked:
        parts.append(part.agrees(*part.answers(changes), coarse, precise))
    return Candidate(changes, np.concatenate(parts))


def searched(asked: Sequence[Asked], catalogue: Iterable[Deviation], precise: bool = False) -> list[Candidate]:
    """Candidates, the best first; the specification itself is among them, without changes."""
    deviations = [d for d in catalogue if _short_enough(d, asked)]
    ranked = [candidate(asked, (), precise)]
    if ranked[0].count == ranked[0].explains.size:
        return ranked
    some = [_thinned(part, FOR_ESTIMATES) for part in asked]
    ranked += [candidate(asked, _estimated(some, d), precise) for d in deviations]
    styles: list[Changes] = [((d, 0.0),) for d in deviations if d.style]
    plain = [d for d in deviations if not d.style]
    if not _complete(ranked):
        # A wrong formula in a fragile style is met more often than two wrong formulas.
        few = [_thinned(max(asked, key=lambda part: len(part.value)), FIRST_LOOK)]
        ranked += [
            candidate(asked, ((short, 0.0), (d, 0.0)), precise)
            for short in deviations
            if short.bits
            for d in deviations
            if d.style and not d.bits
        ]
        first = [candidate(few, (*style, (d, v)), precise) for style in styles for d in plain for v in _tried(d)]
        ranked += _refined(asked, some, first, precise)
        # Of a call that was thinned out nobody can say what depends on neighbours.
        ranked += [candidate(asked, (*style, (d, 0.0)), precise) for style in styles for d in plain if d.over_batch]
        if not _complete(ranked) and not precise:
            for style in _best_styles(few, plain, first, precise):
                first += _pairs(few, plain, style, precise)
            ranked += _refined(asked, some, first, precise)
    return _sorted(ranked)


def _sorted(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The best first, each set of deviations once."""
    unique: dict[tuple[str, ...], Candidate] = {}
    for entry in sorted(candidates, key=lambda c: -c.worth):
        unique.setdefault(tuple(sorted(entry.names)), entry)
    return list(unique.values())


def _pairs(few: Sequence[Asked], plain: list[Deviation], style: Changes, precise: bool) -> list[Candidate]:
    """All pairs, with few values of their parameters, on few points."""
    found = []
    for i, one in enumerate(plain):
        for two in plain[i + 1 :]:
            orders = [(one, two), (two, one)] if _interfere(one, two) else [(one, two)]
            for a, b in orders:
                found += [
                    candidate(few, (*style, (a, x), (b, y)), precise) for x in _tried(a)[:2] for y in _tried(b)[:2]
                ]
    return found


def _refined(asked: Sequence[Asked], some: Sequence[Asked], first: list[Candidate], precise: bool) -> list[Candidate]:
    """The best of a first look on all points, with their parameters estimated."""
    refined = []
    for entry in _sorted(first)[:KEPT]:
        changes: Changes = entry.changes
        for index, (deviation, _) in enumerate(changes):
            if deviation.parameter is not None:
                before, after = changes[:index], changes[index + 1 :]

                def with_value(
                    value: float, before: Changes = before, deviation: Deviation = deviation, after: Changes = after
                ) -> Changes:
                    return (*before, (deviation, value), *after)

                changes = with_value(estimated(some, with_value, deviation.parameter))
        refined.append(candidate(asked, changes, precise))
    return refined


def _best_styles(few: Sequence[Asked], plain: list[Deviation], styled: list[Candidate], precise: bool) -> list[Changes]:
    """The plain formula, and the style in which single deviations explain most."""
    best = max(styled, key=lambda c: c.count)
    without = max((candidate(few, ((d, v),), precise) for d in plain for v in _tried(d)), key=lambda c: c.count)
    return [()] if best.count <= without.count else [(), best.changes[:1]]


def _short_enough(deviation: Deviation, asked: Sequence[Asked]) -> bool:
    """Whether the port's values have as few significant bits as a deviation in precision leaves."""
    if not deviation.bits:
        return True
    for part in asked:
        values = part.value[part.answered & np.isfinite(part.value)]
        significand = np.frexp(values)[0] * 2.0**deviation.bits
        if part.format.bits > deviation.bits and np.mean(significand == np.rint(significand)) > 0.95:
            return True
    return False


def _complete(candidates: list[Candidate]) -> bool:
    """Whether one explains nearly everything, and most of what the specification, the first, does not."""
    return any(c.changes and c.count >= FITS * c.explains.size and mends(c, candidates[0]) for c in candidates)


def mends(found: Candidate, specification: Candidate) -> bool:
    """Whether it explains most of what the specification does not."""
    wrong = ~specification.explains
    return bool(np.count_nonzero(found.explains & wrong) >= MENDED * np.count_nonzero(wrong))


def _interfere(one: Deviation, two: Deviation) -> bool:
    """Whether their order matters: they change the same step."""
    return bool(set(one.steps) & set(two.steps))


def _tried(deviation: Deviation) -> tuple[float, ...]:
    return (0.0,) if deviation.parameter is None else deviation.parameter.usual


def _estimated(asked: Sequence[Asked], deviation: Deviation) -> Changes:
    if deviation.parameter is None:
        return ((deviation, 0.0),)
    return ((deviation, estimated(asked, lambda value: ((deviation, value),), deviation.parameter)),)


def _thinned(asked: Asked, count: int) -> Asked:
    """Every n-th point, without order: special logits stand in rows of one kind."""
    n = len(asked.value)
    if n <= count:
        return asked
    chosen = np.sort(np.random.default_rng(7).choice(n, count, replace=False))
    return Asked(
        asked.questions.chosen(chosen),
        None if asked.together is None else asked.together.chosen(chosen),
        asked.value[chosen],
        None if asked.gradient is None else asked.gradient[chosen],
        asked.answered[chosen],
        asked.sloped[chosen],
        asked.known[chosen],
        asked.alpha_t[chosen],
        asked.format,
        tuple(np.asarray(asked.names)[chosen]),
    )
