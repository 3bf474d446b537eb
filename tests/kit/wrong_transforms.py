"""Ports that are right until they are transformed, each with the check that is meant to catch it.

One file a framework; ``python -m kit.wrong_transforms FRAMEWORK`` verifies them in this process.
"""

import json
import sys
from importlib import import_module

from focal_conformance import verify
from focal_conformance.dialect import Dialect
from focal_conformance.ports.port import Port

CAUGHT_BY = {
    "torch": {
        "graph_break": "compile",
        "compiled_for_every_batch": "compile",
        "stale_gamma": "compile",
        "function_without_setup_context": "grad",
        "branch_on_data": "vmap",
        "function_without_jvp": "jvp",
        "first_derivative_only": "hessian",
        "sum_by_a_matrix_product": "autocast",
        "batch_size_built_in": "export",
        "moved_to_the_cpu": "meta_device",
        "forward_mode_without_tangent": "jvp",
        "rows_mixed_by_vmap": "vmap",
        "data_made_up": "meta_device",
    },
    "tensorflow": {
        "shape_built_in": "unknown_batch",
        "calls_python": "xla",
        "first_derivative_only": "nested_tapes",
        "second_derivative_of_a_part": "nested_tapes",
        "mixes_dtypes": "mixed_precision",
        "SigmoidTwice": "keras_fit",
        "ForgetsGamma": "keras_save",
    },
    "jax": {
        "reads_a_number": "jit",
        "doubled_where_nobody_differentiates": "jit",
        "computes_on_the_host": "grad",
        "branch_on_data": "vmap",
        "reverse_mode_only": "jvp",
        "forward_mode_without_tangent": "jvp",
        "first_derivative_only": "hessian",
        "branch_on_logits": "checkpoint",
        "switches_x64_on": "x64_off",
        "moved_to_the_first_device": "virtual_devices",
    },
    "array_api_strict": {"moved_to_the_cpu": "virtual_devices", "gradient_moved_to_the_cpu": "virtual_devices"},
}
"""Framework -> wrong port -> the check meant to catch it."""

RIGHT = {
    "torch": {
        "log_space": ("compile", "grad", "vmap", "jvp", "hessian", "autocast", "export", "meta_device"),
        "analytic": ("grad", "vmap", "jvp", "hessian", "autocast", "meta_device"),
        "mean_only": ("compile", "grad", "vmap", "jvp", "hessian", "export", "meta_device"),
    },
    "tensorflow": {
        "RightLoss": ("unknown_batch", "xla", "nested_tapes", "mixed_precision", "keras_fit", "keras_save"),
        "mean_only": ("unknown_batch", "xla", "nested_tapes"),
    },
    "jax": {
        "plain": ("jit", "grad", "vmap", "jvp", "hessian", "checkpoint", "x64_off", "virtual_devices"),
        "mean_only": ("jit", "grad", "vmap", "jvp", "hessian", "checkpoint", "x64_off", "virtual_devices"),
    },
    "array_api_strict": {"plain": ("virtual_devices",)},
}
"""Framework -> right port in another style than the adapters' -> what it works under."""


def port(framework, name, transforms):
    """One of them; a Keras class comes with the plain function."""
    module = import_module(f"kit.transforms_{framework}")
    found = getattr(module, name)
    is_class = isinstance(found, type)
    halves = ("float32",) if framework == "array_api_strict" else ("float32", "float16", "bfloat16")
    mean = name == "mean_only"
    dialect = Dialect(reduction=None, returns="mean" if mean else "none", dtypes=halves, transforms=transforms)
    more = {"keras_class": found} if is_class else {}
    companion = getattr(module, f"{name}_gradient", None)
    return Port(name, framework, dialect, module.plain if is_class else found, companion=companion, **more)


def results(framework):
    """Port -> check -> what was found; the values of each are right without a transformation."""
    claims = {name: (check,) for name, check in CAUGHT_BY[framework].items()} | RIGHT[framework]
    found = {}
    for name, transforms in claims.items():
        report = verify(port(framework, name, transforms), checks=("hard_values", *transforms), dtypes=())
        found[name] = {check.check: [check.verdict, *check.failures] for check in report.checks}
    return found


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(results(sys.argv[1])) + "\n")
