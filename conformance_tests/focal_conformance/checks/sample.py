"""A few golden points for the checks that look at behaviour rather than digits."""

from dataclasses import dataclass

import numpy as np

from focal_conformance.dialect import Parameters
from focal_conformance.errors import required_tolerance
from focal_conformance.formats import FORMATS, Float64, FloatFormat
from focal_conformance.session import Session
from focal_conformance.vectors.grid import held
from focal_conformance.vectors.load import cases


@dataclass(frozen=True, eq=False)
class Sample:
    """Hard targets, moderate logits, in an order without symmetry."""

    dtype: str
    parameters: Parameters
    logits: Float64
    targets: Float64
    value: Float64
    gradient: Float64
    value_tolerance: Float64
    gradient_tolerance: Float64

    def shaped(self, *shape: int) -> "Sample":
        """The first points, in a shape."""
        count = int(np.prod(shape))
        arrays = ("logits", "targets", "value", "gradient", "value_tolerance", "gradient_tolerance")
        # More points than there are: the same again.
        fields = {name: np.resize(getattr(self, name), count).reshape(shape) for name in arrays}
        return Sample(self.dtype, self.parameters, **fields)


def usual_parameters(session: Session) -> Parameters:
    """Alpha 0.25 and gamma 2, or what the port has fixed."""
    dialect = session.port.dialect
    alpha = 0.25 if dialect.alpha is not None else dialect.fixed_alpha[0]
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
    key = (held(parameters.alpha, fmt), held(parameters.gamma, fmt))
    case = next(
        (
            c
            for c in cases(session.port.loss, dtype)
            if c.points == "special" and c.ordinary and (c.alpha, c.gamma) == key
        ),
        None,
    )
    if case is None:
        raise LookupError(f"the vectors hold no alpha={parameters.alpha}, gamma={parameters.gamma}")
    hard = (case.targets == 0.0) | (case.targets == 1.0)
    # Both signs of 0.5 to 10: easy and hard, positive and negative, none near saturation.
    chosen = np.flatnonzero(hard & (np.abs(case.logits) >= 0.5) & (np.abs(case.logits) <= 10.0))
    chosen = chosen[(7 * np.arange(chosen.size) + 3) % chosen.size] if chosen.size % 7 else chosen
    value, gradient = case.exact["value"][chosen], case.exact["gradient"][chosen]
    alpha_t = case.alpha_t[chosen]
    return Sample(
        dtype,
        Parameters(alpha=case.alpha, gamma=case.gamma),
        case.logits[chosen],
        case.targets[chosen],
        value,
        gradient,
        _tolerance(value, alpha_t, fmt),
        _tolerance(gradient, alpha_t, fmt),
    )


def _tolerance(exact: Float64, alpha_t: Float64, fmt: FloatFormat) -> Float64:
    """Wide enough for any port whose elements pass: accuracy is judged by the numeric checks alone."""
    return np.maximum(required_tolerance(exact, alpha_t, fmt), np.maximum(0.01 * np.abs(exact), 1e-3 * alpha_t))
