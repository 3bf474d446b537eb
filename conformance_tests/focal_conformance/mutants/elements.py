"""Losses of single elements or rows by the formula with a mutant's changes, and their derivatives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from focal_conformance.deviations.formula import Questions, evaluate
from focal_conformance.formats import Float64
from focal_conformance.mutants.names import Mutation

Evaluated = Callable[[Float64], tuple[Float64, Float64]]
"""From what the derivative is weighted with, a number a loss, to losses and derivative."""


@dataclass(eq=False)
class Elements:
    """The formula with changes; it remembers what deviations of state remember."""

    rows: bool
    rule: str
    changes: tuple[Mutation, ...]
    _first_gamma: dict[object, float] = field(default_factory=dict)

    def of(self, logits: Any, targets: Float64, alpha: Any, gamma: float, signature: object) -> Evaluated:
        """Evaluation of flat arrays, (N,) or (N, K) of both, in the dtype of the logits.

        ``signature``, shapes and dtypes of what the port was given, is what a compiler would have a cache for.
        """
        compute = logits.dtype if logits.dtype in (np.float32, np.float64) else np.dtype(np.float32)
        n = len(logits)
        # Parameters are what the compute dtype holds.
        gamma = float(compute.type(gamma))
        weight = np.asarray(1.0 if alpha is None else alpha, dtype=compute).astype(np.float64)
        first = self._first_gamma.setdefault((signature, _key(alpha)), gamma)
        questions = Questions(
            logits=logits.astype(np.float64),
            targets=targets,
            alpha=np.broadcast_to(weight, logits.shape if self.rows else (n,)).copy(),
            balanced=np.full(n, alpha is not None),
            gamma=np.full(n, gamma),
            batch=np.zeros(n),
            rule=self.rule,
            detach=np.zeros(n, dtype=bool),
            first_gamma=np.full(n, first),
            dtype=str(compute),
        )
        changes = [(change.deviation, change.value) for change in self.changes]
        return lambda upstream: evaluate(questions, changes, upstream)


def _key(alpha: Any) -> object:
    return tuple(alpha) if isinstance(alpha, (list, tuple)) else alpha
