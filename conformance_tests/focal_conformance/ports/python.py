"""Ports in Python: a function, or a class to be constructed with its parameters and then called."""

import inspect
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from itertools import takewhile
from pathlib import Path
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.frameworks import DISTRIBUTIONS
from focal_conformance.ports.port import Options, Port, PortMissing, UsageError
from focal_ref import LOSSES

ALIASES = {
    "logits": (
        "logits", "logit", "inputs", "input", "x", "preds", "pred", "predictions", "prediction", "predict",
        "y_pred", "y_hat", "outputs", "output", "z", "scores",
    ),
    "targets": ("targets", "target", "labels", "label", "t", "y_true", "y", "gt", "truth"),
    "alpha": ("alpha",),
    "gamma": ("gamma",),
    "reduction": ("reduction",),
    "normalizer": ("normalizer",),
    "weight": ("weight", "weights"),
    "mask": ("mask",),
    "ignore_index": ("ignore_index",),
    "axis": ("axis", "dim"),
    "label_smoothing": ("label_smoothing",),
    "alpha_by_class": (),
}  # fmt: skip
"""Names that need no flag; anything else is asked for, never guessed."""
ONLY_OF_ROWS = ("ignore_index", "axis")
"""Recognised without a flag in a loss of class rows alone: elsewhere they mean several things."""
NOT_CLAIMED = "none"
"""``--argument ignore_index=none``: the port has such an argument, and is not held to it."""

Signature = Mapping[str, inspect.Parameter]


def split_name(rest: str) -> tuple[str, str]:
    """Module or file, and object."""
    source, separator, target = rest.rpartition(":")
    if not separator or not source or not target:
        raise UsageError(
            f"a Python port is named py:package.module:object or py:path/to/file.py:object, got 'py:{rest}'"
        )
    return source, target


def load(rest: str, options: Options) -> Port:
    """The named object as a port."""
    companion = None if options.companion is None else load_object(options.companion)
    return described(rest, load_object(rest), options, companion)


def described(rest: str, target: Any, options: Options, companion: Any = None) -> Port:
    """An object as a port, and the one that gives its (value, gradient); ``rest`` is what messages call it."""
    function, signature = _callable(rest, target)
    names = recognised_names(rest, signature, options.names, rows=LOSSES[options.loss].consumes_classes)
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.values())
    for name in options.always:
        # Without such an argument, alpha and gamma say what the port is held against.
        if name not in signature and not open_ended and name not in ("alpha", "gamma"):
            raise UsageError(f"py:{rest} has no argument {name!r}; it has {', '.join(signature)}")
    always = {**_switches(signature), **_last_axis(signature, names["axis"]), **options.always}
    framework = options.framework or _framework_of(target)
    if framework is None:
        raise UsageError(f"py:{rest} needs --framework torch|tensorflow|jax|numpy")
    _check_transforms(options.transforms, framework)
    if companion is not None:
        companion = _callable(options.companion or "gradient", companion)[0]
    dialect = Dialect(
        **names,
        alpha_off=options.alpha_off if options.alpha_off is not None else (None,),
        fixed_alpha=() if names["alpha"] else (always.pop("alpha", None),),
        fixed_gamma=() if names["gamma"] else (always.pop("gamma", 2.0),),
        always=always,
        soft_targets=options.soft_targets,
        transforms=options.transforms,
        class_indices=options.class_indices,
        refuses_bad_parameters=False,
        source="found by trying",
    )
    return Port(
        f"py:{rest}",
        framework,
        dialect,
        function,
        options.loss,
        companion=companion,
        probed=True,
        flags=options.flags(),
    )


def load_object(rest: str) -> Any:
    """Import the module or file and look up the object."""
    source, target = split_name(rest)
    try:
        module = _file_module(Path(source)) if source.endswith(".py") else import_module(source)
    except ModuleNotFoundError as error:
        if error.name and source.split(".")[0] == error.name.split(".")[0]:
            raise UsageError(f"py:{rest}: there is no module {source!r}") from error
        wanted = DISTRIBUTIONS.get(error.name or "", error.name)
        raise PortMissing(f"py:{rest} needs {error.name}: pip install {wanted}") from error
    found: Any = module
    for part in target.split("."):
        if not hasattr(found, part):
            have = sorted(name for name, value in vars(module).items() if callable(value) and not name.startswith("_"))
            raise UsageError(f"py:{rest}: no object {target!r} in {source}; it has {', '.join(have) or 'no callables'}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"py:{rest} is not callable: {type(found).__name__}")
    return found


def _file_module(path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[path.stem] = module
    # A port may import its neighbours, as it could when run as a script.
    sys.path.insert(0, str(path.parent.resolve()))
    spec.loader.exec_module(module)
    return module


def _check_transforms(claimed: tuple[str, ...], framework: str) -> None:
    """A claim that nobody would check is refused."""
    from focal_conformance.checks.transforms import transforms_of

    there = transforms_of(framework)
    for name in claimed:
        if name not in there:
            raise UsageError(f"--transform {name}: {framework} has " + (f"{', '.join(there)}" if there else "none"))


def _callable(rest: str, target: Any) -> tuple[Callable[..., Any], Signature]:
    if inspect.isclass(target):
        return _constructed(rest, target)
    try:
        # A module object is described by what it forwards to, not by *args, **kwargs.
        described = target.forward if hasattr(target, "forward") and not inspect.isfunction(target) else target
        return _by_keyword(target, inspect.signature(described).parameters)
    except (TypeError, ValueError) as error:
        schema = getattr(target, "schema", None)  # torch.jit.script
        if schema is not None:
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            return target, {
                a.name: inspect.Parameter(
                    a.name, kind, default=a.default_value if a.has_default_value() else inspect.Parameter.empty
                )
                for a in schema.arguments
            }
        raise UsageError(
            f"py:{rest} has no signature: name its arguments, --argument logits=... --argument targets=..."
        ) from error


def _by_keyword(target: Callable[..., Any], signature: Signature) -> tuple[Callable[..., Any], Signature]:
    """Take positional-only arguments by keyword, too."""
    positional = [name for name, p in signature.items() if p.kind is inspect.Parameter.POSITIONAL_ONLY]
    if not positional:
        return target, signature

    def function(**keywords: Any) -> Any:
        leading = [keywords.pop(name) for name in positional if name in keywords]
        return target(*leading, **keywords)

    function.__wrapped__ = target  # type: ignore[attr-defined]
    return function, signature


def _constructed(rest: str, cls: type) -> tuple[Callable[..., Any], Signature]:
    """A class: constructor parameters are the loss's, the call takes logits and targets."""
    method = next((getattr(cls, name) for name in ("forward", "call", "__call__") if name in dir(cls)), None)
    if method is None:
        raise UsageError(f"py:{rest} is a class whose objects cannot be called")
    own = dict(inspect.signature(cls).parameters)
    called = dict(list(inspect.signature(method).parameters.items())[1:])
    built: dict[Any, Any] = {}

    def function(**keywords: Any) -> Any:
        construct = {k: v for k, v in keywords.items() if k in own}
        # Its text tells lists apart, too; an object with parameters is built once, as a training loop does.
        key = repr(sorted(construct.items(), key=lambda item: item[0]))
        if key not in built:
            built[key] = cls(**construct)
        # Logits and targets by position: Keras and torch name them only on the inner method.
        given = {k: v for k, v in keywords.items() if k in called and k not in own}
        leading = [given.pop(name) for name in list(takewhile(lambda name: name in given, called))]
        return built[key](*leading, **given)

    function.__wrapped__ = cls  # type: ignore[attr-defined]
    return function, {**called, **own}


def recognised_names(rest: str, signature: Signature, given: Mapping[str, str], *, rows: bool) -> dict[str, Any]:
    """Specification's name -> the port's argument, None where it has none."""
    names: dict[str, Any] = {}
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.values())
    for name, aliases in ALIASES.items():
        if name in given and given[name] == NOT_CLAIMED and NOT_CLAIMED not in signature:
            names[name] = None
        elif name in given:
            if given[name] not in signature and not open_ended:
                raise UsageError(f"py:{rest} has no argument {given[name]!r}; it has {', '.join(signature)}")
            names[name] = given[name]
        else:
            taken = set(given.values())
            found = next((a for a in aliases if a in signature and a not in taken), None)
            # A "weight" is one number a class as often as one an element: claimed only when named.
            names[name] = None if name == "weight" or (name in ONLY_OF_ROWS and not rows) else found
    for name in ("logits", "targets"):
        if names[name] is None:
            raise UsageError(
                f"py:{rest}: which argument holds the {name}? It has ({', '.join(signature)}); "
                f"write --argument {name}=NAME"
            )
    known = set(names.values()) | {"from_logits", "self"}
    for argument, parameter in signature.items():
        required = parameter.default is inspect.Parameter.empty and parameter.kind not in (
            inspect.Parameter.VAR_KEYWORD,
            inspect.Parameter.VAR_POSITIONAL,
        )
        if required and argument not in known:
            raise UsageError(
                f"py:{rest}: the argument {argument!r} has no default and is not recognised; write "
                f"--argument NAME={argument} for what it is (alpha, gamma, reduction, ...) or --always {argument}=VALUE"
            )
    return names


def _switches(signature: Signature) -> dict[str, Any]:
    """Arguments whose meaning is plain and whose default would ask for something else."""
    return {"from_logits": True} if "from_logits" in signature else {}


def _last_axis(signature: Signature, axis: str | None) -> dict[str, Any]:
    """Classes are given as the last axis: a port whose default is another one is told so in every call."""
    if axis is None or axis not in signature or signature[axis].default == -1:
        return {}
    return {axis: -1}


def _framework_of(target: Any) -> str | None:
    module = sys.modules.get(getattr(target, "__module__", ""), None)
    used = {getattr(value, "__name__", "").split(".")[0] for value in vars(module).values()} if module else set()
    found = [name for name in ("torch", "tensorflow", "jax", "paddle") if name in used]
    return found[0] if len(found) == 1 else "numpy" if not found and "numpy" in used else None
