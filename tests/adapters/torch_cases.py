"""What the tests of the PyTorch adapter share: points, their exact results, and every way to differentiate."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import func
from torch.autograd import forward_ad

from focal_adapters.parameters import held_in_float32
from focal_adapters.torch import apply
from focal_ref import SigmoidFocal
from focal_ref.losses import Loss

LOSSES = [
    SigmoidFocal(),
    SigmoidFocal(alpha=None, gamma=0.0),
    SigmoidFocal(alpha=0.999, gamma=0.7),
    SigmoidFocal(gamma=4.3),
]
BITS = {torch.float64: 53, torch.float32: 24, torch.float16: 11, torch.bfloat16: 8}
BOUND = {torch.float64: 32.0, torch.float32: 32.0, torch.float16: 0.51, torch.bfloat16: 0.51}
DTYPES = list(BITS)
REDUCTIONS = ["none", "sum", "mean", "sum_classes", "mean_positives"]


def points(dtype):
    """Logits from tiny to saturated, with 0, against hard and soft targets."""
    rng = np.random.default_rng(7)
    corners = [0.0, 5e-324, 1e-310, 1e-40, 1e-8, 0.5, 1, 10, 37, 88, 103, 104, 708, 710, 744, 745, 746, 1e4]
    x = np.concatenate([corners, np.negative(corners), rng.uniform(-1, 1, 300), rng.uniform(-100, 100, 300)])
    t = np.resize([0.0, 1.0, 0.25, 0.5, 0.999, 1e-7, *rng.uniform(0, 1, 7)], x.size)
    x, t = np.concatenate([x, x, x]), np.concatenate([np.zeros_like(x), np.ones_like(x), t])
    return torch.tensor(x).to(dtype), torch.tensor(t).to(dtype)


def small():
    x = torch.linspace(-3, 3, 8, dtype=torch.float64)
    return x, torch.tensor([1, 0, 0.9, 0.2, 1, 0, 0.5, 1], dtype=torch.float64)


def double(tensor):
    return tensor.detach().double().numpy()


def reference(loss, x, t):
    """Value, gradient and curvature in float64, at what the dtype of computation holds."""
    held = loss if x.dtype == torch.float64 else held_in_float32(loss)
    x, t = double(x), double(t)
    return *held.value_and_gradient(x, t), held.curvature(x, t)


def ulps(got, exact, scale, dtype):
    """Errors in ULP of the dtype at ``scale``; 0 where the exact result rounds to what was got."""
    tiny = float(torch.finfo(dtype).smallest_normal)
    unit = np.ldexp(1.0, np.frexp(np.maximum(np.abs(scale), tiny))[1] - BITS[dtype])
    return np.where(double(torch.tensor(exact).to(dtype)) == double(got), 0.0, np.abs(double(got) - exact) / unit)


def gradient_scale(loss, x, t):
    """Sum of the absolute terms of a gradient that has terms of both signs: those of t = 0 and t = 1."""
    held = loss if x.dtype == torch.float64 else held_in_float32(loss)
    alpha, t, x = held.alpha, double(t), double(x)
    alpha_t = 1.0 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    with np.errstate(over="ignore"):
        p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
    u = p * (1 - t) + q * t
    entropy = t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    with np.errstate(all="ignore"):
        k = np.where(u == 0, 0.0, p * q / u)
    return alpha_t * u**held.gamma * (held.gamma * np.abs(1 - 2 * t) * k * entropy + p * (1 - t) + q * t)


def gradient_of(function, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


def second_derivative_of(function, x):
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    return torch.autograd.grad(gradient.sum(), x)[0]


# Ways to differentiate

LOSS = SigmoidFocal(alpha=0.3, gamma=0.7)


def total(x):
    return apply(LOSS, x, small()[1]).sum()


def per_element(x):
    return apply(LOSS, x, small()[1])


def ones_jvp(function):
    return lambda x: func.jvp(function, (x,), (torch.ones_like(x),))[1]


def forward_mode(x):
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(per_element(forward_ad.make_dual(x, torch.ones_like(x)))).tangent


def forward_over_reverse(x):
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x.clone().requires_grad_(), torch.ones_like(x))
        (gradient,) = torch.autograd.grad(per_element(dual).sum(), dual, create_graph=True)
        return forward_ad.unpack_dual(gradient).tangent.detach()


GRADIENTS = {
    "grad": func.grad(total),
    "jvp": ones_jvp(per_element),
    "vjp": lambda x: func.vjp(per_element, x)[1](torch.ones_like(x))[0],
    "jacrev": func.jacrev(total),
    "jacfwd": func.jacfwd(total),
    "vmap of grad": lambda x: func.vmap(func.grad(lambda x, t: apply(LOSS, x, t)))(x, small()[1]),
    "vmap of jvp": lambda x: func.vmap(lambda x, t: ones_jvp(lambda x: apply(LOSS, x, t))(x))(x, small()[1]),
}
HESSIANS = {
    "hessian": func.hessian(total),
    "jacrev of jacrev": func.jacrev(func.jacrev(total)),
    "jacrev of jacfwd": func.jacrev(func.jacfwd(total)),
    "jacfwd of jacfwd": func.jacfwd(func.jacfwd(total)),
    "jvp of jvp": lambda x: torch.diag(ones_jvp(ones_jvp(per_element))(x)),
    "grad of jvp": lambda x: torch.diag(func.grad(lambda x: ones_jvp(per_element)(x).sum())(x)),
}
EAGER_GRADIENTS = GRADIENTS | {"forward_ad": forward_mode}
EAGER_HESSIANS = HESSIANS | {
    "autograd.functional": lambda x: torch.autograd.functional.hessian(total, x),
    "forward_ad over backward": lambda x: torch.diag(forward_over_reverse(x)),
}
THIRD = {
    "reverse": func.grad(lambda x: func.hessian(total)(x).sum()),
    "forward": func.jacfwd(func.jacfwd(func.jacfwd(total))),
    "grad of grad of grad": func.jacrev(func.jacrev(func.jacrev(total))),
}


@dataclass(frozen=True)
class ScaledSquare(Loss):
    """Scale (x - t)^2 / 2."""

    scale: float = 0.1
    label: str = "square"

    def value_formula(self, x, t, xp):
        return 0.5 * self.scale * (x - t) ** 2

    def gradient_formula(self, x, t, xp):
        return self.scale * (x - t)

    def value_and_gradient_formula(self, x, t, xp):
        return self.value_formula(x, t, xp), self.gradient_formula(x, t, xp)

    def curvature_formula(self, x, t, xp):
        return self.scale * xp.ones_like(x)

    def hessian_product_formula(self, x, t, vector, xp):
        return self.scale * vector
