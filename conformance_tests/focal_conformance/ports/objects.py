"""A port that is at hand as an object, in a test file, and the name that a command line has for it."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from focal_conformance.ports import python
from focal_conformance.ports.port import Options, Port, UsageError


def from_object(target: Callable[..., Any], options: Options, companion: Callable[..., Any] | None = None) -> Port:
    """The object as a port; ``companion`` gives (value, gradient) where the framework has no autodiff."""
    if not callable(target):
        raise UsageError(f"a port is a function, a class of losses or a name such as 'adapter:torch', got {target!r}")
    if companion is not None:
        options = replace(options, companion=name_of(companion) or words_of(companion))
    return python.described(name_of(target) or words_of(target), target, options, companion)


def name_of(target: Any) -> str:
    """``module:object`` or ``file.py:object``, as `py:` takes it; empty where nothing of that kind finds the object."""
    module_name, path = getattr(target, "__module__", None), getattr(target, "__qualname__", None)
    module = sys.modules.get(module_name or "")
    if module is None or not path or _looked_up(module, path) is not target:
        return ""
    source = getattr(module, "__file__", None)
    if "." in str(module_name) or source is None or hasattr(module, "__path__"):
        return f"{module_name}:{path}"
    # A file of its own, a test file for one, can be imported only where pytest looks for it.
    file = Path(source)
    return f"{file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}:{path}"


def words_of(target: Any) -> str:
    """What messages call an object without a name."""
    name = getattr(target, "__qualname__", None) or type(target).__qualname__
    module = inspect.getmodule(target)
    return str(name) if module is None else f"{module.__name__}:{name}"


def _looked_up(module: Any, path: str) -> Any:
    found = module
    for part in path.split("."):
        found = getattr(found, part, None)
    return found
