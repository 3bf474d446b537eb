"""Where numbers were measured: processor, memory, versions, and how busy the machine was."""

import os
import platform
import re
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

DISTRIBUTIONS = (
    "numpy", "torch", "torchvision", "kornia", "monai", "triton", "tensorflow-cpu", "tensorflow", "keras", "jax",
    "jaxlib", "optax",
)  # fmt: skip
VECTORS = ("avx512f", "avx2", "asimd")
ASK_CUDA = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> list[float] | None:
    """Load averages of 1, 5 and 15 minutes, where the system has them."""
    with suppress(OSError, AttributeError):
        return [round(number, 2) for number in os.getloadavg()]
    return None


def described(threads: int, gpu: str | None) -> dict[str, Any]:
    """Of this machine, for the header of a report."""
    model, vectors = _processor()
    return {
        "processor": model,
        "vectors": vectors,
        "cores": cores(),
        "threads": threads,
        "memory_gib": _memory_gib(),
        "gpu": gpu,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **_versions()},
    }


def gpu_name() -> str | None:
    """The CUDA device that torch sees, asked in a process of its own."""
    run = subprocess.run([sys.executable, "-c", ASK_CUDA], capture_output=True, text=True, check=False)
    return run.stdout.strip() or None


def _processor() -> tuple[str, str]:
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text()
        model = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
        flags = re.search(r"^(?:flags|Features)\s*: (.+)$", text, re.MULTILINE)
        known = flags[1].split() if flags else []
        if model or known:
            return (
                model[1].strip() if model else platform.machine(),
                next((name for name in VECTORS if name in known), ""),
            )
    return platform.processor() or platform.machine(), ""


def _memory_gib() -> float | None:
    with suppress(OSError, ValueError, AttributeError):
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    return None


def _versions() -> dict[str, str]:
    found = {}
    for name in DISTRIBUTIONS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
