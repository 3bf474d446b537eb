"""A few golden points for the checks that look at behaviour rather than digits."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from focal_conformance.dialect import NotClaimed, Parameters
from focal_conformance.errors import required_tolerance
from focal_conformance.formats import FORMATS, Float64, FloatFormat
from focal_conformance.session import Session
from focal_conformance.vectors.grid import held
from focal_conformance.vectors.load import Case, cases

QUANTITIES = ("value", "gradient", "curvature")
ARRAYS = ("logits", "targets", *QUANTITIES, *(f"{name}_tolerance" for name in QUANTITIES))


@dataclass(frozen=True, eq=False)
class Sample:
    """Hard targets, moderate logits, in an order without symmetry.

    Values have the shape of the losses. Logits and derivatives have it too, or for a loss of rows that
    shape and the classes as the last axis; targets are then class indices or one-hot rows.
    """

    dtype: str
    parameters: Parameters
    logits: Float64
    targets: Any
    value: Float64
    gradient: Float64
    curvature: Float64
    value_tolerance: Float64
    gradient_tolerance: Float64
    curvature_tolerance: Float64

    def shaped(self, *shape: int) -> "Sample":
        """The first points, with losses of a shape; the same again where there are not as many."""
        chosen = np.arange(int(np.prod(shape, dtype=np.int64))) % len(self.logits)
        arrays = {name: getattr(self, name) for name in ARRAYS}
        fields = {name: array[chosen].reshape((*shape, *array.shape[1:])) for name, array in arrays.items()}
        return Sample(self.dtype, self.parameters, **fields)

    def spread(self, per_loss: Float64) -> Float64:
        """Numbers of the losses, aligned with the logits."""
        return per_loss[..., None] if self.logits.ndim > self.value.ndim else per_loss


def usual_parameters(session: Session) -> Parameters:
    """The defaults of the loss, alpha 0.25 or off, and gamma 2; or what the port has fixed."""
    dialect = session.port.dialect
    alpha: float | None = None if session.rows and dialect.alpha_off else 0.25
    if dialect.alpha is None and dialect.fixed_alpha:
        alpha = dialect.fixed_alpha[0]
    gamma = 2.0 if dialect.gamma is not None else dialect.fixed_gamma[0]
    return Parameters(alpha=alpha, gamma=gamma)


def usual_dtype(session: Session) -> str:
    """float32 where it is asked for, else the first dtype."""
    return "float32" if "float32" in session.dtypes else session.dtypes[0]


def sample(session: Session, dtype: str | None = None, parameters: Parameters | None = None) -> Sample:
    """Golden points for the usual or the given parameters, which the vectors must hold."""
    dtype = dtype or usual_dtype(session)
    parameters = parameters or usual_parameters(session)
    fmt = FORMATS[dtype]
    alpha, gamma = held(parameters.alpha, fmt), held(parameters.gamma, fmt)
    name = "k3-indices" if session.rows else "special"
    held_here = [c for c in cases(session.port.loss, dtype) if c.points == name and c.ordinary and c.gamma == gamma]
    case = next((c for c in held_here if c.alpha == alpha), None)
    if case is None and session.rows and isinstance(alpha, float):
        # One number for alpha is a factor of every loss, and half types hold fewer parameters.
        plain = next((c for c in held_here if c.alpha is None), None)
        case = None if plain is None else _times(plain, alpha)
    if case is None:
        raise NotClaimed(f"the vectors hold no alpha={parameters.alpha}, gamma={parameters.gamma:g} in {dtype}")
    chosen = _moderate(case)
    targets = case.targets[chosen]
    if session.rows and session.port.dialect.targets_form == "rows":
        targets = np.eye(case.logits.shape[-1])[targets]
    exact = {name: case.exact[name][chosen] for name in QUANTITIES}
    alpha_t = case.alpha_t[chosen]
    tolerances = {
        f"{name}_tolerance": _tolerance(numbers, alpha_t if numbers.ndim == 1 else alpha_t[:, None], fmt)
        for name, numbers in exact.items()
    }
    parameters = replace(parameters, alpha=case.alpha, gamma=case.gamma)
    return Sample(dtype, parameters, case.logits[chosen], targets, **exact, **tolerances)


def _times(case: Case, alpha: float) -> Case:
    exact = {name: alpha * numbers for name, numbers in case.exact.items()}
    return replace(case, alpha=alpha, exact=exact, alpha_t=alpha * case.alpha_t)


def _moderate(case: Case) -> Any:
    """Easy and hard, positive and negative, none near saturation."""
    if case.logits.ndim == 1:
        hard = (case.targets == 0.0) | (case.targets == 1.0)
        chosen = np.flatnonzero(hard & (np.abs(case.logits) >= 0.5) & (np.abs(case.logits) <= 10.0))
        return chosen[(7 * np.arange(chosen.size) + 3) % chosen.size] if chosen.size % 7 else chosen
    spread = np.max(case.logits, axis=-1) - np.min(case.logits, axis=-1)
    return np.flatnonzero((spread > 0.0) & (spread <= 12.0))


def _tolerance(exact: Float64, alpha_t: Float64, fmt: FloatFormat) -> Float64:
    """Wide enough for any port whose elements pass: accuracy is judged by the numeric checks alone."""
    return np.maximum(required_tolerance(exact, alpha_t, fmt), np.maximum(0.01 * np.abs(exact), 1e-3 * alpha_t))
