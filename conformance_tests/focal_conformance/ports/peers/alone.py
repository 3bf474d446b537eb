"""Files of a package that does not import here, loaded alone.

Packages that import torchvision do not import beside a torch that torchvision was not built for; their
losses are pure Python all the same.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


def imported_or_alone(
    module: str, *needed: str, stubs: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[ModuleType, tuple[str, ...]]:
    """A module of a package, and what a report should say about how it was loaded.

    Where the package does not import, only the file of `module` is run, after those of the modules `needed` that it
    imports. `stubs` are modules that the files import without their losses needing them: name -> attributes.
    """
    package = module.split(".")[0]
    try:
        return import_module(module), ()
    except (ImportError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
    _forget(package)
    loaded = alone(module, *needed, stubs=stubs)
    file = "/".join(module.split(".")[1:]) + ".py"
    return loaded, (
        f"{package} does not import beside this torch ({reason}); its pure-Python file {file} was loaded alone",
    )


def alone(module: str, *needed: str, stubs: Mapping[str, Mapping[str, Any]] | None = None) -> ModuleType:
    """The file of `module` alone, after those of the modules `needed`; the package itself is not imported."""
    package, modules, stubs = module.split(".")[0], (*needed, module), stubs or {}
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    try:
        for name in {parent for module in (*modules, *stubs) for parent in _parents(module)}:
            sys.modules[name] = _empty(name, {})
        for name, attributes in stubs.items():
            sys.modules[name] = _empty(name, attributes)
        for name in modules:
            loaded = _run(name, root.joinpath(*name.split(".")[1:]).with_suffix(".py"))
    finally:
        _forget(package)
    return loaded


def _run(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _empty(name: str, attributes: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []
    vars(module).update(attributes)
    return module


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _forget(package: str) -> None:
    """Remove a package's modules, whole or half imported, from the table of imported ones."""
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


def undecorated(*arguments: Any, **keywords: Any) -> Callable[[Any], Any]:
    """Stands for a decorator with arguments that leaves what it decorates as it is."""
    return lambda function: function
