"""The bounds of the recommended level: reviewed data in bounds.json, which no script ever writes."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache
def _rows() -> list[dict[str, Any]]:
    text = files("focal_conformance").joinpath("bounds.json").read_text("utf-8")
    rows: list[dict[str, Any]] = json.loads(text)["bounds"]
    return rows


@lru_cache
def bound(loss: str, backend: str, quantity: str, dtype: str, gamma: float) -> float:
    """Largest admitted error in ULP; a backend's own row comes before the row of all backends."""
    fitting = [
        row
        for row in _rows()
        if row["loss"] == loss
        and row["dtype"] == dtype
        and row["backend"] in ("*", backend)
        and row["quantity"] in ("*", quantity)
        and gamma <= row["gamma_up_to"]
    ]
    if not fitting:
        raise LookupError(f"bounds.json has no row for {loss}, {quantity}, {dtype} at gamma {gamma}")
    fitting.sort(key=lambda row: (row["backend"] == "*", row["quantity"] == "*", row["gamma_up_to"]))
    return float(fitting[0]["ulp"])
