"""PyTorch."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch

from focal_conformance.formats import Float64
from focal_conformance.frameworks.driver import DTYPES, DeviceMissing, Function, NoDerivative


def driver(name: str, device: str) -> "TorchDriver":
    """Driver on a device: 'cpu', 'cuda', 'cuda:0', 'mps'."""
    return TorchDriver(device)


class TorchDriver:
    """Eager by default; mode 'compile' is torch.compile(fullgraph=True), 'triton' eager calls of Triton kernels."""

    name = "torch"
    differentiates = True
    dtypes = DTYPES
    flushes_subnormals = False
    compiles_each_shape = False
    modes = ("eager", "compile", "triton")

    def __init__(self, device: str) -> None:
        self.device = device
        try:
            torch.zeros(1, device=device)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            raise DeviceMissing(f"torch has no device {device!r} here: {str(error).splitlines()[0]}") from error

    def array(self, values: Any, dtype: str) -> Any:
        # float64 first: each value is exact in the target dtype, so nothing rounds twice.
        return torch.tensor(np.asarray(values)).to(getattr(torch, dtype)).to(self.device)

    def strided(self, values: Any, dtype: str) -> Any:
        doubled = np.repeat(np.asarray(values), 2, axis=-1)
        return self.array(doubled, dtype)[..., ::2]

    def numbers(self, array: Any) -> Float64:
        return np.asarray(array.detach().cpu().to(torch.float64).numpy())

    def is_array(self, value: Any) -> bool:
        return isinstance(value, torch.Tensor)

    def dtype_of(self, array: Any) -> str:
        return str(array.dtype).removeprefix("torch.")

    def device_of(self, array: Any) -> str:
        return str(array.device)

    def value(self, function: Function, logits: Any, targets: Any) -> Any:
        return function(logits, targets)

    def gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any = None) -> tuple[Any, Any]:
        # Not a copy: it would have other strides, and would hide a port that writes to its inputs.
        leaf = logits.detach().requires_grad_(True)
        value = function(leaf, targets)
        return value, self._derivative(value, leaf, cotangent)

    def hessian_product(self, function: Function, logits: Any, targets: Any, vector: Any) -> Any:
        leaf = logits.detach().clone().requires_grad_(True)
        gradient = self._derivative(function(leaf, targets), leaf, None, create_graph=True)
        try:
            return self._derivative(gradient, leaf, vector)
        except RuntimeError as error:
            # So does torch.compile(torch.sin): what AOTAutograd compiled cannot be differentiated twice from outside.
            if "does not currently support double backward" in str(error):
                raise NoDerivative(str(error).split(". ")[0]) from error
            raise

    def _derivative(self, value: Any, leaf: Any, cotangent: Any, create_graph: bool = False) -> Any:
        if not isinstance(value, torch.Tensor):
            raise NoDerivative(f"the result is a {type(value).__name__}, not a tensor")
        if not value.requires_grad:
            raise NoDerivative("the result carries no graph: requires_grad is False")
        seed = torch.ones_like(value) if cotangent is None else cotangent.to(value.dtype)
        (result,) = torch.autograd.grad(value, leaf, seed, create_graph=create_graph, allow_unused=True)
        if result is None:
            raise NoDerivative("the result does not depend on the logits")
        return result

    def repeated_gradient(self, function: Function, logits: Any, targets: Any, cotangent: Any) -> tuple[Any, Any]:
        """Two backward passes through one graph."""
        leaf = logits.detach().clone().requires_grad_(True)
        value = function(leaf, targets)
        if not value.requires_grad:
            raise NoDerivative("the result carries no graph: requires_grad is False")
        first, second = (torch.autograd.grad(value, leaf, cotangent, retain_graph=True)[0].clone() for _ in range(2))
        return first, second

    def keeps_grad_off(self, function: Function, logits: Any, targets: Any) -> bool:
        """Whether gradients stay off inside torch.no_grad()."""
        with torch.no_grad():
            function(logits, targets)
            return not torch.is_grad_enabled()

    def in_mode(self, call: Callable[..., Any], mode: str, thorough: bool) -> Callable[..., Any]:
        if mode == "triton":
            self._allow_triton()
        if mode in ("eager", "triton"):
            return call
        # One compiled function meets every dtype, rank and keyword here; a user's meets a few.
        torch._dynamo.config.recompile_limit = 1000
        torch._dynamo.config.accumulated_recompile_limit = 10_000
        # Otherwise a second backward pass through one graph is refused, whatever the port does.
        torch._functorch.config.donated_buffer = False
        # By default each new dtype is compiled twice, the second time with symbolic lengths and floats.
        return torch.compile(call, fullgraph=True, dynamic=None if thorough else True)

    def _allow_triton(self) -> None:
        """On a CPU its interpreter takes the place of the compiler, where it was told so before it was imported."""
        kind = torch.device(self.device).type
        if kind not in ("cuda", "cpu"):
            raise DeviceMissing(f"Triton kernels run on cuda, and interpreted on cpu, not on {self.device!r}")
        compiles = hasattr(import_module("triton.language").sum, "cache_key")
        if kind == "cpu" and compiles:
            raise DeviceMissing("Triton interprets kernels on cpu only if it is first imported with TRITON_INTERPRET=1")

    def global_state(self) -> Any:
        return (
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.initial_seed(),
            torch.get_rng_state().sum().item(),
        )

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}
