"""Harness of focal_adapters.torch, by torch.autograd."""

import ml_dtypes
import numpy as np
import torch
from properties.harness import Harness

import focal_adapters.torch


class TorchHarness(Harness):
    """Eager, on the CPU."""

    name = "torch"
    third_refused = RuntimeError

    def module(self):
        return focal_adapters.torch

    def array(self, array, dtype):
        wide = np.asarray(array)
        wide = wide.astype(np.float64) if wide.dtype == ml_dtypes.bfloat16 else np.array(wide)
        return torch.from_numpy(wide).to(getattr(torch, dtype))

    def to_numpy(self, array):
        return array.detach().double().numpy()

    def dtype_of(self, array):
        return str(array.dtype).removeprefix("torch.")

    def value_and_gradient_of(self, function, logits, targets, keywords):
        x = logits.clone().requires_grad_()
        value = function(x, targets, **keywords)
        (gradient,) = torch.autograd.grad(value.sum(), x)
        return value, gradient

    def hessian_product_of(self, function, logits, targets, vector, keywords):
        x = logits.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(function(x, targets, **keywords).sum(), x, create_graph=True)
        return torch.autograd.grad((gradient * vector).sum(), x)[0]

    def third_derivative(self, function, logits, targets):
        x = logits.clone().requires_grad_()
        result = function(x, targets).sum()
        for _ in range(3):
            (result,) = torch.autograd.grad(result.sum(), x, create_graph=True)
        return result

    def derivative_with_respect_to(self, name, function, logits, targets, weight):
        arguments = {"targets": targets, "weight": weight}
        arguments[name] = arguments[name].clone().requires_grad_()
        value = function(logits.clone().requires_grad_(), arguments["targets"], weight=arguments["weight"])
        return torch.autograd.grad(value.sum(), arguments[name], allow_unused=True)[0]
