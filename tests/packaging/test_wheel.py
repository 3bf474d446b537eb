"""The wheel, in an empty environment, from an empty directory."""

import venv

import pytest
from installing import ROOT, run


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel and nothing but what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=folder)
    return python


@pytest.fixture
def empty(tmp_path):
    return tmp_path


def test_holds_three_packages_and_the_vectors(wheel):
    from zipfile import ZipFile

    names = ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if not name.startswith("focal_ref-")}
    assert tops == {"focal_ref", "focal_adapters", "focal_conformance"}
    assert "focal_conformance/vectors/data/sigmoid_focal_float64.json" in names
    assert {"focal_conformance/bounds.json", "focal_conformance/peers.json"} <= set(names)
    assert wheel.stat().st_size < 2_000_000


def test_the_reference_alone(installed, empty):
    out = run(installed, "-c", "import focal_ref; print(focal_ref.sigmoid_focal_loss([0.0], [1]))", cwd=empty)
    assert "0.04332" in out
    listed = run(installed, "-m", "pip", "list", "--format", "freeze", cwd=empty)
    packages = {line.split("==")[0].split(" @")[0].lower().replace("_", "-") for line in listed.splitlines() if line}
    assert packages <= {"focal-ref", "numpy", "array-api-compat", "pip", "setuptools"}


def test_the_command_line_names_its_extra(installed, empty):
    out = run(installed.parent / "focal-ref", "list", cwd=empty, code=3)
    assert out.strip().endswith("pip install 'focal-ref[conformance]'")
    assert "usage" in run(installed.parent / "focal-ref", "--help", cwd=empty)


def test_the_command_line_with_its_extra(installed, wheel, empty):
    run(
        installed,
        "-m",
        "pip",
        "install",
        "--quiet",
        "-c",
        ROOT / "constraints.txt",
        f"focal-ref[conformance] @ {wheel.as_uri()}",
        cwd=empty,
    )
    command = installed.parent / "focal-ref"
    assert "conforms" in run(command, "verify", "adapter:array_api", cwd=empty)
    assert "pip install 'focal-ref[torch]'" in run(command, "verify", "adapter:torch", cwd=empty, code=3)
    out = run(
        installed,
        "-m",
        "pytest",
        "-q",
        "--pyargs",
        "focal_conformance.suite",
        "--focal-port",
        "adapter:array_api",
        cwd=empty,
    )
    assert "passed" in out


def test_importing_the_reference_imports_no_framework(installed, empty):
    heavy = ("torch", "jax", "tensorflow", "rich", "pytest")
    code = f"import focal_ref, focal_adapters, focal_conformance, sys; print([m for m in sys.modules if m in {heavy}])"
    assert run(installed, "-c", code, cwd=empty).strip() == "[]"
