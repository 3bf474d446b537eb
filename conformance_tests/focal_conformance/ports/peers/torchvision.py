"""torchvision.ops.sigmoid_focal_loss."""

import sys
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

# Its docstring: logits and targets are float tensors of the same arbitrary shape, alpha in [0, 1] or -1.
DIALECT = Dialect(
    logits="inputs",
    targets="targets",
    order=("inputs", "targets", "alpha", "gamma", "reduction"),
    alpha_off=(-1,),
    integer_targets=False,
    refuses_bad_parameters=False,
    source="docstring of torchvision.ops.sigmoid_focal_loss, 0.28",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The public function; where the package does not import, its pure-Python file alone."""
    try:
        from torchvision.ops import sigmoid_focal_loss
    except (ImportError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        return _from_single_file(), (
            f"torchvision does not import beside this torch ({reason}); "
            "its pure-Python file ops/focal_loss.py was loaded alone",
        )
    return sigmoid_focal_loss, ()


def _from_single_file() -> Callable[..., Any]:
    package = find_spec("torchvision")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "ops" / "focal_loss.py"
    # The file's one relative import is a usage logger.
    logger = ModuleType("torchvision.utils")
    logger._log_api_usage_once = lambda *arguments: None  # type: ignore[attr-defined]
    stubs = {"torchvision": ModuleType("torchvision"), "torchvision.ops": ModuleType("torchvision.ops")}
    stubs["torchvision.utils"] = logger
    sys.modules.update(stubs)
    try:
        spec = spec_from_file_location("torchvision.ops.focal_loss", path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for name in stubs:
            del sys.modules[name]
    loss: Callable[..., Any] = module.sigmoid_focal_loss
    return loss


PEER = Peer(
    name="torchvision",
    framework="torch",
    packages=("torch", "torchvision"),
    install="pip install torchvision",
    dialect=DIALECT,
    function=function,
    distributions=("torchvision",),
    documentation="https://docs.pytorch.org/vision/stable/generated/torchvision.ops.sigmoid_focal_loss.html",
)
