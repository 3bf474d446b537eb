"""Commands outside the source tree, and environments for the wheel."""

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def run(*command, cwd, code=0, **environment):
    """Output of a command that ends with a code."""
    env = {**clean_environment(), **environment}
    result = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, env=env)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


def clean_environment():
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}


def borrowing(folder):
    """An environment that finds what is installed here behind its own packages: frameworks are large."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    common = sysconfig.get_path("purelib")
    (Path(site) / "common.pth").write_text(f"import site; site.addsitedir({common!r})\n")
    return python
