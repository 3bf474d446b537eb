"""Ports that take logits of two axes alone: rows of more axes are given to them as one matrix."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from focal_conformance.frameworks.driver import Driver
from focal_conformance.ports.port import Port


def given_matrices(port: Port, driver: Driver) -> Port:
    """The port, its rows one under another; what it gives a row goes back to where the row was."""
    companion = port.companion
    return replace(
        port,
        function=_flattening(port.function, port, driver),
        companion=None if companion is None else _flattening(companion, port, driver),
    )


def _flattening(function: Callable[..., Any], port: Port, driver: Driver) -> Callable[..., Any]:
    dialect = port.dialect

    @wraps(function)
    def flattened(**keywords: Any) -> Any:
        x, t = keywords[dialect.logits], keywords[dialect.targets]
        if len(x.shape) <= 2:
            return function(**keywords)
        rows, classes = tuple(x.shape[:-1]), x.shape[-1]
        keywords[dialect.logits] = _reshaped(x, (-1, classes))
        keywords[dialect.targets] = _reshaped(t, (-1, classes) if len(t.shape) == len(x.shape) else (-1,))
        for name in (dialect.mask, dialect.weight):
            if name is not None and keywords.get(name) is not None:
                given = keywords[name]
                wide = np.broadcast_to(driver.numbers(given), rows).reshape(-1)
                keywords[name] = driver.array(wide, driver.dtype_of(given))
        result = function(**keywords)
        parts = result if isinstance(result, tuple) else (result,)
        count = int(np.prod(rows))
        back = tuple(
            _reshaped(part, (*rows, *part.shape[1:])) if driver.is_array(part) and tuple(part.shape)[:1] == (count,)
            else part
            for part in parts
        )  # fmt: skip
        return back if isinstance(result, tuple) else back[0]

    return flattened


def _reshaped(array: Any, shape: tuple[int, ...]) -> Any:
    if hasattr(array, "reshape"):
        return array.reshape(shape)
    if hasattr(array, "__array_namespace__"):
        return array.__array_namespace__().reshape(array, shape)
    return sys.modules["tensorflow"].reshape(array, shape)
