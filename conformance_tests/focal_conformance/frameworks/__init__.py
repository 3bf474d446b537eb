"""One driver per framework: arrays in and out, derivatives by its own autodiff, compiled modes."""

from importlib import import_module
from typing import Any

MODULES = {
    "torch": "focal_conformance.frameworks.torch_driver",
    "tensorflow": "focal_conformance.frameworks.tensorflow_driver",
    "jax": "focal_conformance.frameworks.jax_driver",
    "paddle": "focal_conformance.frameworks.paddle_driver",
    "numpy": "focal_conformance.frameworks.numpy_driver",
    "array_api_strict": "focal_conformance.frameworks.numpy_driver",
}
FOREIGN = dict.fromkeys(("command", "results"), "focal_conformance.frameworks.command_driver")
"""Ports that are no Python functions, and take no framework's arrays."""

DISTRIBUTIONS = {"paddle": "paddlepaddle"}
"""Import name -> what pip calls it, where that is another name."""


def load(name: str, device: str = "cpu") -> Any:
    """The driver of a framework, which this imports."""
    return import_module({**MODULES, **FOREIGN}[name]).driver(name, device)
