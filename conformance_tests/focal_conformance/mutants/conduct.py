"""Ports with one bad conduct: the adapters of this project, which conform, with a wrapper that does it."""

from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[..., Any]
"""A named function of an adapter for NumPy, or its companion that gives (value, gradient)."""


def broadcasts(call: Call) -> Call:
    """Whatever broadcasts is broadcast; class indices against the rows."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        if targets.dtype.kind in "iu" and targets.ndim < logits.ndim:
            shape = np.broadcast_shapes(logits.shape[:-1], targets.shape)
            return call(
                np.broadcast_to(logits, (*shape, logits.shape[-1])), np.broadcast_to(targets, shape), **keywords
            )
        return call(*np.broadcast_arrays(logits, targets), **keywords)

    return port


def changes_its_arguments(call: Call) -> Call:
    """The logits are halved afterwards, in place."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        result = call(logits.copy(), targets, **keywords)
        logits *= 0.5
        return result

    return port


def differs_between_calls(call: Call) -> Call:
    """Noise of a thousandth."""
    noise = np.random.default_rng(0)

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        result = call(logits, targets, **keywords)
        parts = result if isinstance(result, tuple) else (result,)
        noisy = tuple(np.asarray(part * (1.0 + 1e-3 * noise.standard_normal())).astype(part.dtype) for part in parts)
        return noisy if isinstance(result, tuple) else noisy[0]

    return port


def changes_settings(call: Call) -> Call:
    """A number is drawn from the generator of the whole process."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        np.random.random()  # noqa: NPY002
        return call(logits, targets, **keywords)

    return port


def keeps_parameters_of_first_call(call: Call) -> Call:
    """The same arrays again give the earlier result, whatever alpha and gamma are."""
    earlier: dict[object, Any] = {}

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        if logits.size > SMALL:
            return call(logits, targets, **keywords)
        others = tuple((name, str(value)) for name, value in sorted(keywords.items()) if name not in ("alpha", "gamma"))
        key = (logits.tobytes(), targets.tobytes(), logits.shape, others)
        if key not in earlier:
            earlier[key] = call(logits, targets, **keywords)
        return earlier[key]

    return port


SMALL = 20
"""Elements up to which results are kept."""


def foreign_array(call: Call) -> Call:
    """Lists in place of arrays."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        result = call(logits, targets, **keywords)
        return (result[0].tolist(), result[1]) if isinstance(result, tuple) else result.tolist()

    return port


def shape_of_result(call: Call) -> Call:
    """One axis more."""
    return _of_value(call, lambda value: value[..., None])


def dtype_of_result(call: Call) -> Call:
    """Always float64."""
    return _of_value(call, lambda value: value.astype(np.float64))


def _of_value(call: Call, change: Callable[[Any], Any]) -> Call:
    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        result = call(logits, targets, **keywords)
        return (change(result[0]), result[1]) if isinstance(result, tuple) else change(result)

    return port


def reads_memory_order(call: Call) -> Call:
    """The memory behind the logits is read one number after the other, whatever the strides."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        dense = np.empty_like(logits, order="C", subok=False, shape=logits.shape).strides
        return call(np.lib.stride_tricks.as_strided(logits, strides=dense).copy(), targets, **keywords)

    return port


def accepts_bad_parameters(call: Call) -> Call:
    """Clamped into their range in silence."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        gamma, alpha = keywords.get("gamma", 2.0), keywords.get("alpha")
        keywords["gamma"] = gamma if gamma >= 0.0 else 0.0
        if isinstance(alpha, float):
            keywords["alpha"] = float(np.clip(np.nan_to_num(alpha), 0.0, 1.0))
        return call(logits, targets, **keywords)

    return port


def integer_targets_misread(call: Call) -> Call:
    """Integer targets are taken for grey values out of 255."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        if targets.dtype.kind in "iub" and targets.shape == logits.shape:
            targets = (targets / 255).astype(logits.dtype)
        return call(logits, targets, **keywords)

    return port


def empty_or_single_fails(call: Call) -> Call:
    """The first element is looked at, which empty arrays and single numbers do not have."""

    def port(logits: Any, targets: Any, **keywords: Any) -> Any:
        if not len(logits):
            raise IndexError("index 0 is out of bounds for axis 0 with size 0")
        return call(logits, targets, **keywords)

    return port


IN_NUMPY: dict[str, Callable[[Call], Call]] = {
    wrap.__name__: wrap
    for wrap in (
        broadcasts, changes_its_arguments, differs_between_calls, changes_settings, keeps_parameters_of_first_call,
        foreign_array, shape_of_result, dtype_of_result, reads_memory_order, accepts_bad_parameters,
        integer_targets_misread, empty_or_single_fails,
    )
}  # fmt: skip
