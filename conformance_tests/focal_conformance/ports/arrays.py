"""Numbers and arrays in messages: decimal strings that any language's own parser reads back exactly."""

import math
from typing import Any

import numpy as np

from focal_conformance.frameworks.numpy_driver import numpy_dtype
from focal_conformance.ports.messages import BadMessage, Message


def written(number: float) -> str:
    """The shortest decimal that names a float64; the spellings that C, JavaScript, Java, Go, Rust and R share."""
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0.0 else "-Infinity"


def read(number: "str | float") -> float:
    """A number of the schema; BadMessage for an integer or a hexadecimal literal beyond float64."""
    try:
        if isinstance(number, str) and "x" in number.lower():
            return float.fromhex(number)
        return float(number)
    except OverflowError as error:
        raise BadMessage(f"{str(number)[:40]} is beyond float64") from error


def array_message(values: Any) -> Message:
    """A NumPy array of one of the protocol's dtypes."""
    array = np.asarray(values)
    dtype = str(array.dtype)
    if dtype in ("int64", "bool"):
        data = [str(int(value)) for value in array.reshape(-1).tolist()]
    else:
        data = [written(value) for value in array.astype(np.float64).reshape(-1).tolist()]
    return {"dtype": dtype, "shape": list(array.shape), "data": data}


def array_of(message: Message, field: str) -> Any:
    """The NumPy array of an array message, its numbers rounded to the dtype that it names."""
    data, shape = message["data"], message["shape"]
    if len(data) != math.prod(shape):
        raise BadMessage(f"{field}: data holds {len(data)} numbers, shape {shape} needs {math.prod(shape)}")
    numbers = np.array([read(number) for number in data], dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        return numbers.astype(numpy_dtype(message["dtype"])).reshape(shape)
