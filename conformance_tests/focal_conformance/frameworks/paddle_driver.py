"""PaddlePaddle."""

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import DTYPES, DeviceMissing, Function, NoDerivative


def driver(name: str, device: str) -> "PaddleDriver":
    """Driver on a device: 'cpu', 'cuda', 'cuda:0'."""
    return PaddleDriver(device)


class PaddleDriver:
    """Dynamic graphs only; nothing is said of what paddle.jit makes of a port."""

    name = "paddle"
    differentiates = True
    dtypes = DTYPES
    flushes_subnormals = False
    compiles_each_shape = False
    modes = ("eager",)

    def __init__(self, device: str) -> None:
        self.device = device
        kind, _, index = device.partition(":")
        if kind not in ("cpu", "cuda") or (kind == "cuda" and paddle.device.cuda.device_count() <= int(index or 0)):
            raise DeviceMissing(f"paddle has no device {device!r} here")
        self._place = paddle.CPUPlace() if kind == "cpu" else paddle.CUDAPlace(int(index or 0))
        # What a port creates without saying where goes there too.
        paddle.set_device("cpu" if kind == "cpu" else f"gpu:{index or 0}")

    def array(self, values: Any, dtype: str) -> Any:
        # float64 first: each value is exact in the target dtype, so nothing rounds twice.
        return paddle.to_tensor(np.asarray(values), place=self._place).astype(dtype)

    def strided(self, values: Any, dtype: str) -> Any:
        doubled = np.repeat(np.asarray(values), 2, axis=-1)
        return self.array(doubled, dtype)[..., ::2]

    def numbers(self, array: Any) -> Float64:
        return np.asarray(array.detach().astype("float64").numpy())

    def is_array(self, value: Any) -> bool:
        return isinstance(value, paddle.Tensor)

    def dtype_of(self, array: Any) -> str:
        return str(array.dtype).removeprefix("paddle.")

    def device_of(self, array: Any) -> str:
        return "cuda" if array.place.is_gpu_place() else "cpu"

    def value(self, function: Function, logits: Any, targets: Any) -> Any:
        return function(logits, targets)

    def gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any = None) -> tuple[Any, Any]:
        leaf = _leaf(logits)
        value = function(leaf, targets)
        return value, _derivative(value, leaf, cotangent)

    def hessian_product(self, function: Function, logits: Any, targets: Any, vector: Any) -> Any:
        leaf = _leaf(logits)
        try:
            gradient = _derivative(function(leaf, targets), leaf, None, create_graph=True)
        except RuntimeError as error:
            # Operators of paddle that have no second derivative say so when the first one is asked for a graph.
            if "doesn't have any grad op" in str(error):
                raise NoDerivative(str(error).strip().splitlines()[-1].split(". ")[0]) from error
            raise
        return _derivative(gradient, leaf, vector)

    def repeated_gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any) -> tuple[Any, Any]:
        """Two backward passes through one graph."""
        leaf = _leaf(logits)
        value = function(leaf, targets)
        first, second = (_derivative(value, leaf, cotangent, retain_graph=True) for _ in range(2))
        return first, second

    def keeps_grad_off(self, function: Function, logits: Any, targets: Any) -> bool:
        """Whether gradients stay off inside paddle.no_grad()."""
        with paddle.no_grad():
            function(logits, targets)
            return not paddle.is_grad_enabled()

    def in_mode(self, call: Callable[..., Any], mode: str, thorough: bool) -> Callable[..., Any]:
        return call

    def global_state(self) -> Any:
        # Seed, offset and engine; what a state prints has an address in it.
        random = [state.__getstate__() for state in paddle.get_rng_state()]
        return (paddle.is_grad_enabled(), paddle.get_default_dtype(), paddle.get_device(), random)

    def versions(self) -> dict[str, str]:
        return {"paddle": paddle.__version__}


def _leaf(logits: Any) -> Any:
    # Not a copy: it would have other strides, and would hide a port that writes to its inputs.
    leaf = logits.detach()
    leaf.stop_gradient = False
    return leaf


def _derivative(
    value: Any, leaf: Any, cotangent: Any, *, create_graph: bool = False, retain_graph: bool = False
) -> Any:
    if not isinstance(value, paddle.Tensor):
        raise NoDerivative(f"the result is a {type(value).__name__}, not a tensor")
    if value.stop_gradient:
        raise NoDerivative("the result carries no graph: stop_gradient is True")
    seed = None if cotangent is None else [cotangent.astype(value.dtype)]
    keep = create_graph or retain_graph
    (result,) = paddle.grad([value], [leaf], seed, create_graph=create_graph, retain_graph=keep, allow_unused=True)
    if result is None:
        raise NoDerivative("the result does not depend on the logits")
    return result
