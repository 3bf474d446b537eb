"""Binary floating-point formats: rounding to them, and their unit in the last place."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FloatFormat:
    """A binary format no wider than float64."""

    name: str
    bits: int
    """Bits of the significand, the implicit one included."""
    min_exponent: int
    """Exponent of the smallest normal number, 2**min_exponent."""
    max_exponent: int
    """Exponent of the largest finite number, (2 - 2**(1-bits)) * 2**max_exponent."""
    compute_name: str
    """The format that a port computes in, and in which it holds alpha and gamma."""

    @property
    def eps(self) -> float:
        """Distance from 1 to the next larger number."""
        return 2.0 ** (1 - self.bits)

    @property
    def smallest_normal(self) -> float:
        """2**min_exponent."""
        return float(2.0**self.min_exponent)

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return float((2.0 - self.eps) * 2.0**self.max_exponent)

    @property
    def is_half(self) -> bool:
        """Whether it takes 16 bits."""
        return self.bits < 24

    def ulp(self, x: npt.ArrayLike) -> Float64:
        """Spacing of the format's numbers at |x|; below the normal range that of the subnormals."""
        _, exponent = np.frexp(np.abs(np.asarray(x, dtype=np.float64)))
        # frexp puts 0 at exponent 0, which would be the spacing at 1/2.
        exponent = np.where(np.asarray(x) == 0.0, self.min_exponent, exponent - 1)
        exponent = np.clip(exponent, self.min_exponent, self.max_exponent)
        return np.asarray(np.ldexp(1.0, exponent - (self.bits - 1)))

    def rounded(self, x: npt.ArrayLike) -> Float64:
        """The nearest number of the format, ties to even, as float64."""
        values = np.asarray(x, dtype=np.float64)
        if self.bits == 53:
            return values
        with np.errstate(all="ignore"):
            unit = self.ulp(values)
            result = np.rint(values / unit) * unit
            return np.where(np.abs(result) > self.largest, np.copysign(np.inf, values), result)


FORMATS = {
    f.name: f
    for f in (
        FloatFormat("float64", 53, -1022, 1023, "float64"),
        FloatFormat("float32", 24, -126, 127, "float32"),
        FloatFormat("float16", 11, -14, 15, "float32"),
        FloatFormat("bfloat16", 8, -126, 127, "float32"),
    )
}
