"""The adapters of this project as ports: one row a backend."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

from focal_conformance.dialect import Dialect
from focal_conformance.ports.port import Options, Port, PortMissing, UsageError

DIALECT = Dialect(
    normalizer="normalizer",
    weight="weight",
    mask="mask",
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


BACKENDS = {
    "torch": Backend("torch", "torch", "torch", ("eager", "compile")),
    "tensorflow": Backend(
        "tensorflow", "tensorflow", "tensorflow", ("eager", "function", "xla"), flushes_subnormals=True
    ),
    "jax": Backend("jax", "jax", "jax", ("eager", "jit"), flushes_subnormals=True),
    # array-api-strict stands for every library of the standard; it has no half types.
    "array_api": Backend("array_api_strict", "array_api_strict", "conformance", ("eager",), ("float32", "float64")),
}


def names() -> list[str]:
    """Connectables of all adapters in all modes."""
    return [
        f"adapter:{name}" + ("" if mode == "eager" else f"@{mode}")
        for name, backend in BACKENDS.items()
        for mode in backend.modes
    ]


def installed(name: str) -> bool:
    """Whether the adapter's framework is installed; imports nothing."""
    return find_spec(BACKENDS[name].package) is not None


def load(name: str, mode: str, options: Options) -> Port:
    """The adapter as a port; imports its framework."""
    backend = BACKENDS[name]
    if mode not in backend.modes:
        raise UsageError(f"adapter:{name} has no mode {mode!r}; it has {', '.join(backend.modes)}")
    if not installed(name):
        raise PortMissing(f"adapter:{name} needs {backend.package}: pip install 'focal-ref[{backend.extra}]'")
    module = import_module(f"focal_adapters.{name}")
    function = getattr(module, f"{options.loss}_loss")
    companion = getattr(module, f"{options.loss}_loss_value_and_gradient", None)
    fields = {**DIALECT.__dict__, "dtypes": backend.dtypes, "flushes_subnormals": backend.flushes_subnormals}
    return Port(
        name=f"adapter:{name}" + ("" if mode == "eager" else f"@{mode}"),
        framework=backend.framework,
        dialect=Dialect(**fields),
        function=function,
        loss=options.loss,
        mode=mode,
        companion=companion,
        versions={"focal-ref": _own_version()},
        shipped=True,
    )


def _own_version() -> str:
    try:
        return version("focal-ref")
    except Exception:  # a bare checkout has no metadata
        import focal_ref

        return focal_ref.__version__
