"""The specification's formula in steps that a deviation can change, with the gradient that autodiff gives.

Derivatives are taken by `autograd`, in reverse as frameworks do it: a power of 0 below 1 gives the
nan that a port gives. The unchanged steps are written so that nothing overflows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import autograd.numpy as np
import numpy
from autograd import make_vjp
from autograd.extend import defvjp, primitive

from focal_conformance.deviations.deviation import Deviation
from focal_conformance.formats import Float64


@primitive  # type: ignore[untyped-decorator]
def sigmoid(x: Any) -> Any:
    """In the dtype of x, which rounds to 1; the gradient from the result, as frameworks take it."""
    return 1.0 / (1.0 + numpy.exp(-x))


defvjp(sigmoid, lambda result, x: lambda slope: slope * result * (1.0 - result))


@primitive  # type: ignore[untyped-decorator]
def stable_sigmoid(x: Any) -> Any:
    """With all digits of small results."""
    e = numpy.exp(-numpy.abs(x))
    return numpy.where(x >= 0.0, 1.0, e) / (1.0 + e)


@primitive  # type: ignore[untyped-decorator]
def softplus(x: Any) -> Any:
    """log(1 + exp(x)), of infinities, too."""
    return numpy.logaddexp(0.0, x)


@primitive  # type: ignore[untyped-decorator]
def raised(base: Any, gamma: Any) -> Any:
    """base^gamma with 0^0 = 1."""
    return numpy.maximum(base, 0.0) ** gamma


defvjp(stable_sigmoid, lambda result, x: lambda slope: slope * result * stable_sigmoid(-x))
defvjp(softplus, lambda result, x: lambda slope: slope * stable_sigmoid(x))
defvjp(
    raised,
    lambda result, base, gamma: lambda slope: slope * gamma * result / numpy.maximum(base, TINY),
    argnums=(0,),
)


def _below_largest(x: Float64) -> tuple[Float64, Float64]:
    """Logits less the largest of the row, and the sum of the exponentials of all but that one."""
    first = numpy.arange(x.shape[-1]) == numpy.argmax(x, axis=-1)[..., None]
    shifted = x - numpy.max(x, axis=-1, keepdims=True)
    return shifted, numpy.sum(numpy.where(first, 0.0, numpy.exp(shifted)), axis=-1, keepdims=True)


@primitive  # type: ignore[untyped-decorator]
def softmax(x: Any) -> Any:
    """Along the last axis."""
    shifted, rest = _below_largest(x)
    return numpy.exp(shifted) / (1.0 + rest)


@primitive  # type: ignore[untyped-decorator]
def log_softmax(x: Any) -> Any:
    """Along the last axis; its largest entry keeps the digits of 1 - p."""
    shifted, rest = _below_largest(x)
    return shifted - numpy.log1p(rest)


@primitive  # type: ignore[untyped-decorator]
def others(x: Any) -> Any:
    """Of each class the sum of the other probabilities: 1 - p without a difference, in its derivative, too."""
    return _apart(softmax(x))


def _apart(values: Any) -> Any:
    """Of each class the sum over the other ones: no difference of the whole and one of them."""
    return np.dot(values, 1.0 - numpy.eye(values.shape[-1]))


@primitive  # type: ignore[untyped-decorator]
def log_others(x: Any) -> Any:
    """Its logarithm, which does not underflow."""
    largest = numpy.max(x, axis=-1, keepdims=True)
    apart = numpy.where(numpy.eye(x.shape[-1], dtype=bool), -numpy.inf, (x - largest)[..., None, :])
    top = numpy.max(apart, axis=-1)
    over_others = top + numpy.log(numpy.sum(numpy.exp(apart - top[..., None]), axis=-1))
    _, rest = _below_largest(x)
    return over_others - numpy.log1p(rest)


def _slope_of_log_others(result: Float64, x: Float64, slope: Float64) -> Float64:
    """Softmax over the other classes less the softmax over all."""
    log_p = log_softmax(x)
    apart = numpy.exp(log_p[..., None, :] - result[..., :, None]) * (1.0 - numpy.eye(x.shape[-1]))
    return numpy.sum(slope[..., :, None] * (apart - numpy.exp(log_p)[..., None, :]), axis=-2)


def _slope_of_softmax(x: Any, slope: Any) -> Any:
    p = softmax(x)
    return p * (slope * others(x) - _apart(slope * p))


def _slope_of_log_softmax(x: Any, slope: Any) -> Any:
    return slope * others(x) - softmax(x) * _apart(slope)


defvjp(softmax, lambda result, x: lambda slope: _slope_of_softmax(x, slope))
defvjp(others, lambda result, x: lambda slope: -_slope_of_softmax(x, slope))
defvjp(log_others, lambda result, x: lambda slope: _slope_of_log_others(result, x, slope))
defvjp(log_softmax, lambda result, x: lambda slope: _slope_of_log_softmax(x, slope))

TINY = 1e-300
"""Floor of a logarithm's argument: an underflowed 1 - p_t is 0 to every gamma, with gradient 0."""


@dataclass(frozen=True, eq=False)
class Questions:
    """Points of one dtype with the parameters of each; everything has a point along the first axis."""

    logits: Float64
    targets: Float64
    """As the logits, rows for rows."""
    alpha: Float64
    """(N,), or of rows (N, K): the weight of each class; 1 where alpha is off."""
    balanced: Any
    """(N,) bool: whether alpha is on."""
    gamma: Float64
    batch: Any
    """(N,) int: points of one number were given to the port in one call."""
    rule: str
    detach: Any
    """(N,) bool: whether the modulator is a constant."""
    first_gamma: Float64
    """(N,): the gamma of the first call with these shapes and this alpha."""
    dtype: str
    """Of NumPy, in which the port computes."""

    @property
    def rows(self) -> bool:
        """Whether a row of logits has one loss."""
        return self.logits.ndim > 1

    def chosen(self, points: Any) -> "Questions":
        """Some of the points, or all in another order."""
        arrays = {name: getattr(self, name)[points] for name in ARRAYS}
        return Questions(**arrays, rule=self.rule, dtype=self.dtype)


ARRAYS = ("logits", "targets", "alpha", "balanced", "gamma", "batch", "detach", "first_gamma")


class Contradiction(Exception):
    """Two changes that each need what the other one changes; together they are no formula."""


class State:
    """The steps of one evaluation, each computed when it is asked for, changed where a deviation says so."""

    def __init__(self, questions: Questions, logits: Any, changes: Sequence[tuple[Deviation, float]]) -> None:
        self.questions, self.rows, self.rule = questions, questions.rows, questions.rule
        self._logits, self._changes = logits, changes
        # Of a port that computes in fewer bits than its logits have.
        bits = min((deviation.bits for deviation, _ in changes if deviation.bits), default=0)
        self._power = next((d.power for d, _ in reversed(changes) if d.power is not None), None)
        self._dtype = {0: questions.dtype, 11: "float16"}.get(bits, "float32")
        self._known: dict[str, Any] = {}
        self._open: set[tuple[str, int]] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in STEPS:
            raise AttributeError(name)
        if name not in self._known:
            self._known[name] = self._changed(name, len(self._changes))
        return self._known[name]

    def _changed(self, name: str, count: int) -> Any:
        """The step with the first ``count`` changes."""
        for index in range(count - 1, -1, -1):
            deviation, parameter = self._changes[index]
            if name in deviation.steps:
                if (name, index) in self._open:
                    raise Contradiction(name)
                self._open.add((name, index))
                result = deviation.steps[name](self, partial(self._changed, name, index), parameter)
                self._open.discard((name, index))
                return result
        if (name, -1) in self._open:
            raise Contradiction(name)
        self._open.add((name, -1))
        result = STEPS[name](self)
        self._open.discard((name, -1))
        return result

    def total(self, values: Any) -> Any:
        """Of rows the sum over the classes."""
        return np.sum(values, axis=-1) if self.rows else values

    def working(self, values: Any) -> Any:
        """Numbers in the dtype in which the port computes."""
        return values.astype(self._dtype)

    def per_class(self, values: Any) -> Any:
        """Numbers of losses, aligned with the logits."""
        return values[:, None] if self.rows else values

    def mean_over_call(self, values: Any) -> Any:
        """Of losses: the mean over the points of the same call."""
        membership = self.questions.batch[:, None] == numpy.unique(self.questions.batch)[None, :]
        weights = membership / numpy.sum(membership, axis=0)
        return np.dot(membership.astype(float), np.dot(weights.T, values))


def _p(s: State) -> Any:
    # Not from log_p: an epsilon in the logarithm alone does not change p.
    return softmax(s.logits) if s.rows else stable_sigmoid(s.logits)


def _not_p(s: State) -> Any:
    return others(s.logits) if s.rows else stable_sigmoid(-s.logits)


def _log_p(s: State) -> Any:
    return log_softmax(s.logits) if s.rows else -softplus(-s.logits)


def _log_not_p(s: State) -> Any:
    return log_others(s.logits) if s.rows else -softplus(s.logits)


def _cross_entropy(s: State) -> Any:
    if s.rows:
        return -np.sum(np.where(s.targets == 0.0, 0.0, s.targets * s.log_p), axis=-1)
    positive = np.where(s.targets == 0.0, 0.0, s.targets * s.log_p)
    return -(positive + np.where(s.targets == 1.0, 0.0, (1.0 - s.targets) * s.log_not_p))


def _q(s: State) -> Any:
    # The expectation has no one p_t; a deviation that asks for it is met with the linear one.
    return RULES.get(s.rule, linear)(s)


def linear(s: State) -> Any:
    """1 - p_t of the linear rule."""
    if s.rows:
        return np.sum(s.targets * s.not_p, axis=-1) + (1.0 - np.sum(s.targets, axis=-1))
    return s.p * (1.0 - s.targets) + s.not_p * s.targets


def cross_entropy(s: State) -> Any:
    """1 - exp(-CE)."""
    return -np.expm1(-s.cross_entropy)


def margin(s: State) -> Any:
    """Sigmoid of the margin against the target."""
    if s.rows:
        z = np.sum(np.where(s.targets == 0.0, 0.0, s.targets * (s.log_p - s.log_not_p)), axis=-1)
    else:
        z = s.logits * (2.0 * s.targets - 1.0)
    return np.exp(-np.logaddexp(0.0, z))


RULES: dict[str, Callable[[State], Any]] = {"linear": linear, "cross_entropy": cross_entropy, "margin": margin}


def _modulator(s: State) -> Any:
    return power(s, s.q, s.gamma)


def power(s: State, base: Any, gamma: Any) -> Any:
    """base^gamma, 0^0 = 1, without a power of gamma - 1 unless a deviation has another; of losses, or of classes."""
    result = raised(base, constant(gamma)) if s._power is None else s._power(s, base, constant(gamma))
    detach = s.questions.detach
    return constant_where(detach[:, None] if numpy.ndim(constant(base)) > 1 else detach, result)


def constant_where(detached: Any, values: Any) -> Any:
    """The same numbers, without a derivative where they are detached."""
    if not numpy.any(detached):
        return values
    return np.where(detached, constant(values), values)


def constant(values: Any) -> Any:
    """The same numbers without a derivative."""
    while hasattr(values, "_value"):
        values = values._value
    return values


def _alpha_t(s: State) -> Any:
    if s.rows:
        return np.sum(s.targets * s.alpha, axis=-1)
    return s.positive_weight * s.targets + s.negative_weight * (1.0 - s.targets)


def _if_balanced(s: State, weight: Any) -> Any:
    return np.where(s.questions.balanced, weight, 1.0)


def _loss(s: State) -> Any:
    if s.rule == "expected":
        return expected(s)
    return s.alpha_t * s.modulator * s.cross_entropy


def expected(s: State) -> Any:
    """Each class its own loss, weighted with its target."""
    gamma = s.per_class(s.gamma)

    def hard(log: Any, opposite: Any, weight: Any) -> Any:
        return np.where(weight == 0.0, 0.0, -weight * power(s, opposite, gamma) * log)

    if s.rows:
        return np.sum(hard(s.log_p, s.not_p, s.targets * s.alpha), axis=-1)
    positive = hard(s.log_p, s.not_p, s.positive_weight * s.targets)
    return positive + hard(s.log_not_p, s.p, s.negative_weight * (1.0 - s.targets))


STEPS: dict[str, Callable[[State], Any]] = {
    "logits": lambda s: s._logits,
    "targets": lambda s: s.questions.targets,
    "alpha": lambda s: s.questions.alpha,
    "gamma": lambda s: s.questions.gamma,
    "log_p": _log_p,
    "log_not_p": _log_not_p,
    "p": _p,
    "not_p": _not_p,
    "cross_entropy": _cross_entropy,
    "q": _q,
    "modulator": _modulator,
    "positive_weight": lambda s: _if_balanced(s, s.alpha),
    "negative_weight": lambda s: _if_balanced(s, 1.0 - s.alpha),
    "alpha_t": _alpha_t,
    "loss": _loss,
    "result": lambda s: s.loss,
}


def evaluate(
    questions: Questions, changes: Sequence[tuple[Deviation, float]], upstream: Float64 | float = 1.0
) -> tuple[Float64, Float64]:
    """Losses (N,), and the derivative of their sum, weighted with ``upstream``, with respect to the logits."""
    finite = numpy.isfinite(questions.logits)

    def losses(logits: Any) -> Any:
        result = State(questions, logits, changes).result
        # A loss that lost every trace of the logits still has a derivative, 0.
        trace = 0.0 * np.where(finite, logits, 0.0)
        return result.astype(numpy.float64) + (np.sum(trace, axis=-1) if questions.rows else trace)

    with numpy.errstate(all="ignore"):
        backward, value = make_vjp(losses)(questions.logits)
        gradient = backward(numpy.ones(value.shape) * upstream)
    return numpy.asarray(value, dtype=numpy.float64), numpy.asarray(gradient, dtype=numpy.float64)
