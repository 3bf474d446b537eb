"""What is loaded before anything is computed: an import, a list and a help text are no reason to wait.

No time is measured here. What takes long is named.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATH = os.pathsep.join([str(ROOT), str(ROOT / "adapters"), str(ROOT / "conformance_tests")])
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "paddle", "mxnet", "onnxruntime", "array_api_strict")
HEAVY = (*FRAMEWORKS, "numpy", "scipy", "matplotlib", "jsonschema", "hypothesis", "jinja2", "pytest", "flint")


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": PATH}, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def loaded(code, modules):
    """Which of the modules a program has loaded when it ends."""
    return run(f"{code}\nimport sys\nprint([name for name in {modules!r} if name in sys.modules])")[-1]


@pytest.mark.parametrize("package", ["focal_ref", "focal_adapters", "focal_conformance"])
def test_a_package_loads_nothing_heavy(package):
    assert loaded(f"import {package}", (*HEAVY, "rich", "array_api_compat.numpy")) == "[]"


@pytest.mark.parametrize("line", [["list"], ["--version"], ["verify", "--help"]])
def test_what_computes_nothing_loads_nothing_heavy(line):
    code = f"from focal_conformance.cli import main\ntry:\n    main({line!r})\nexcept SystemExit:\n    pass"
    assert loaded(code, HEAVY) == "[]"


def test_a_module_that_is_loaded_is_seen():
    assert loaded("import focal_ref\nfocal_ref.sigmoid_focal_loss([0.0], [1])", HEAVY) == "['numpy']"


def test_functions_are_there_before_they_are_loaded():
    code = (
        "import focal_ref, sys\n"
        "names = set(focal_ref.__all__)\n"
        "print(names <= set(dir(focal_ref)), 'numpy' in sys.modules)\n"
        "from focal_ref import *\n"
        "print(sorted(name for name in names if name not in globals()), 'numpy' in sys.modules)\n"
        "print(softmax_focal_loss.__module__, apply is focal_ref.apply)\n"
    )
    assert run(code) == ["True False", "[] True", "focal_ref True"]


def test_a_name_that_does_not_exist_is_named():
    import focal_ref
    from focal_ref import namespace

    for module in (focal_ref, namespace):
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nothing'"):
            _ = module.nothing


def test_numpy_is_known_wrapped_and_plain():
    import array_api_strict
    import numpy as np

    from focal_ref.namespace import is_numpy, namespace_of, numpy_namespace

    assert is_numpy(np)
    assert is_numpy(numpy_namespace)
    assert not is_numpy(array_api_strict)
    assert namespace_of([0.0], 1.0) is namespace_of(np.zeros(1)) is numpy_namespace
    assert namespace_of(array_api_strict.zeros(1)) is array_api_strict
