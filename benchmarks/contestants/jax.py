"""jax: op by op and under jit; a step is ``value_and_grad``."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import OURS, Case, Work
from benchmarks.contestants import Entrant
from benchmarks.data import Data
from focal_adapters import jax as adapter

Loss = Callable[[Any, Any], Any]


def opened(case: Case, data: Data) -> Callable[[str], Entrant]:
    """Contestants by name, on the same two arrays."""
    x = jnp.asarray(data.logits, case.work.dtype)
    t = jnp.asarray(data.targets, case.work.dtype if case.work.targets == "dense" else jnp.int32)

    def entrant(name: str) -> Entrant:
        both = jax.value_and_grad(_ours(case.work) if name == OURS else _optax(case.work))
        step = jax.jit(both) if case.mode == "jit" else both
        return Entrant(lambda: jax.block_until_ready(step(x, t)), _numbers)

    return entrant


def _numbers(result: Any) -> tuple[float, Any]:
    return float(result[0]), np.asarray(result[1].astype(jnp.float32))


def _ours(work: Work) -> Loss:
    return lambda x, t: adapter.sigmoid_focal_loss(x, t, alpha=work.alpha, gamma=work.gamma, reduction="sum")


def _optax(work: Work) -> Loss:
    from optax.losses import sigmoid_focal_loss

    def loss(x: Any, t: Any) -> Any:
        # A class beyond the last one, the background, is a row of zeros.
        dense = t if work.targets == "dense" else jax.nn.one_hot(t, work.classes, dtype=x.dtype)
        return sigmoid_focal_loss(x, dense, alpha=work.alpha, gamma=work.gamma).sum()

    return loss
