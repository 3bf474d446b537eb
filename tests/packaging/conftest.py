"""The wheel, built once."""

import sys

import pytest
from installing import ROOT, borrowing, run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def with_frameworks(wheel, tmp_path_factory):
    """Python of an environment that has the wheel, and borrows the frameworks."""
    folder = tmp_path_factory.mktemp("borrowing")
    python = borrowing(folder)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--ignore-installed", wheel, cwd=folder)
    where = run(python, "-c", "import focal_conformance; print(focal_conformance.__file__)", cwd=folder)
    assert where.startswith(str(folder)), "the wheel stands before the source tree"
    return python
