"""The plot of growth: time a logit and memory a logit, a column a mode."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.cases import OURS, RECOMPUTE

COLOURS = {OURS: "#0072b2", RECOMPUTE: "#56b4e9"}
OTHERS = ("#d55e00", "#009e73", "#cc79a7", "#999999")
"""Okabe and Ito's, told apart by most eyes."""


def save(document: dict[str, Any], path: Path) -> None:
    """Write the figure; the same document gives the same bytes."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and ids do not depend on chance.
    with mpl.rc_context({"svg.hashsalt": "focal-ref", "svg.fonttype": "none", "font.size": 8}):
        names = list(dict.fromkeys(result["case"] for result in document["cases"]))
        figure, axes = plt.subplots(
            2, len(names), figsize=(2.6 * len(names) + 0.8, 5.2), sharex=True, sharey="row", squeeze=False
        )
        for column, name in enumerate(names):
            results = [result for result in document["cases"] if result["case"] == name]
            _draw(axes[0, column], results, "median", 1e9)
            _draw(axes[1, column], results, "peak_bytes", 1.0)
            axes[0, column].set_title(name.rsplit("/", 1)[0])
            axes[0, column].legend(frameon=False, fontsize=7)
            axes[1, column].set_xlabel("logits")
        axes[0, 0].set_ylabel("ns a logit")
        axes[1, 0].set_ylabel("bytes a logit at the peak")
        figure.tight_layout()
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(path, metadata=metadata, dpi=120)
        plt.close(figure)


def _draw(axis: Any, results: list[dict[str, Any]], key: str, factor: float) -> None:
    others = iter(OTHERS)
    for name in dict.fromkeys(name for result in results for name in result["contestants"]):
        points = [
            (result["work"]["elements"], factor * facts[key] / result["work"]["elements"])
            for result in results
            if (facts := result["contestants"].get(name, {})).get(key) is not None
        ]
        colour = COLOURS.get(name) or next(others)
        if points:
            axis.plot(*zip(*points, strict=True), color=colour, marker=".", linewidth=1.2, label=name)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.grid(alpha=0.3)
