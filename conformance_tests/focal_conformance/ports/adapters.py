"""The adapters of this project as ports: one row a backend."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.port import Options, Port, PortMissing, UsageError
from focal_ref import LOSSES

COMMON = Dialect(
    normalizer="normalizer",
    weight="weight",
    mask="mask",
    soft_targets_argument="soft_targets",
    detach_modulator="detach_modulator",
    ignore_index="ignore_index",
    alpha_by_class="alpha",
    class_indices=True,
    reductions={name: name for name in ("none", "sum", "mean", "sum_classes", "mean_positives")},
    reduced_half_dtype="float32",
    source="docs/spec.md",
)


@dataclass(frozen=True)
class Backend:
    """What a backend needs beyond its adapter."""

    framework: str
    package: str
    extra: str
    modes: tuple[str, ...]
    dtypes: tuple[str, ...] = ("float32", "float64", "float16", "bfloat16")
    flushes_subnormals: bool = False
    keras: bool = False
    """Whether it has Keras losses."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Mode -> the package that it needs beside the framework's, of the same name on the command line of pip."""
    losses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Mode -> the losses that are computed otherwise in it, where they are not all."""


BACKENDS = {
    "torch": Backend(
        "torch",
        "torch",
        "torch",
        ("eager", "compile", "triton"),
        needs={"triton": "triton"},
        losses={"triton": ("sigmoid_focal",)},
    ),
    "tensorflow": Backend(
        "tensorflow", "tensorflow", "tensorflow", ("eager", "function", "xla"), flushes_subnormals=True, keras=True
    ),
    "jax": Backend("jax", "jax", "jax", ("eager", "jit"), flushes_subnormals=True),
    # array-api-strict stands for every library of the standard; it has no half types.
    "array_api": Backend("array_api_strict", "array_api_strict", "conformance", ("eager",), ("float32", "float64")),
    # The same adapter on NumPy, which has them.
    "array_api-numpy": Backend("numpy", "numpy", "conformance", ("eager",)),
}


def names() -> list[str]:
    """Connectables of all adapters in all modes."""
    return [connectable(name, mode) for name, backend in BACKENDS.items() for mode in backend.modes]


def connectable(name: str, mode: str) -> str:
    """The name of an adapter in a mode."""
    return f"adapter:{name}" + ("" if mode == "eager" else f"@{mode}")


def installed(name: str, mode: str = "eager") -> bool:
    """Whether the adapter's framework is installed, and what else the mode needs; imports nothing."""
    return not missing(name, mode)


def missing(name: str, mode: str) -> str:
    """The command that installs what is not there, or nothing."""
    backend = BACKENDS[name]
    if find_spec(backend.package) is None:
        return f"pip install 'focal-ref[{backend.extra}]'"
    needed = backend.needs.get(mode)
    return f"pip install {needed}" if needed and find_spec(needed) is None else ""


def in_common(name: str, mode: str) -> bool:
    """Whether the packages of a mode are published for this system: Triton's is for Linux."""
    return "triton" not in BACKENDS[name].needs.get(mode, "") or sys.platform == "linux"


def losses(name: str, mode: str) -> tuple[str, ...]:
    """The losses that an adapter is verified for in a mode."""
    return BACKENDS[name].losses.get(mode, tuple(LOSSES))


def load(name: str, mode: str, options: Options) -> Port:
    """The adapter as a port; imports its framework."""
    backend = BACKENDS[name]
    if mode not in backend.modes:
        raise UsageError(f"adapter:{name} has no mode {mode!r}; it has {', '.join(backend.modes)}")
    if not installed(name, mode):
        package = backend.needs[mode] if installed(name) else backend.package
        raise PortMissing(f"{connectable(name, mode)} needs {package}: {missing(name, mode)}")
    module = import_module(f"focal_adapters.{name.split('-')[0]}")
    function = getattr(module, f"{options.loss}_loss")
    autodiff = not hasattr(module, "apply_hessian_product")
    return Port(
        name=connectable(name, mode),
        framework=backend.framework,
        dialect=_dialect(backend, options.loss),
        function=function,
        loss=options.loss,
        mode=mode,
        companion=None if autodiff else getattr(module, f"{options.loss}_loss_value_and_gradient"),
        second_companion=None if autodiff else _second(module, options.loss),
        versions={"focal-ref": _own_version()},
        keras_class=getattr(module, f"{LOSSES[options.loss].__name__}Loss")
        if backend.keras and mode == "eager"
        else None,
    )


def _dialect(backend: Backend, loss: str) -> Dialect:
    # Checks know ports, and not the other way round, but for this list of names.
    from focal_conformance.checks.transforms import TRANSFORMS

    rows = LOSSES[loss].consumes_classes
    return replace(
        COMMON,
        axis="axis" if rows else None,
        dtypes=backend.dtypes,
        flushes_subnormals=backend.flushes_subnormals,
        transforms=TRANSFORMS,
    )


def _second(module: Any, loss: str) -> Callable[..., Any]:
    """The Hessian product as a function of keywords, those of the loss among them."""
    own = [field.name for field in fields(LOSSES[loss])]  # type: ignore[arg-type]

    def product(logits: Any, targets: Any, vector: Any, **keywords: Any) -> Any:
        parameters = {name: keywords.pop(name) for name in own if name in keywords}
        return module.apply_hessian_product(LOSSES[loss](**parameters), logits, targets, vector, **keywords)

    return product


def _own_version() -> str:
    try:
        return version("focal-ref")
    except Exception:  # a bare checkout has no metadata
        import focal_ref

        return focal_ref.__version__
