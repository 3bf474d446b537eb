"""Errors along the logits as SVG that takes its colours from the page around it."""

import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from focal_conformance.formats import FORMATS
from focal_conformance.report import Curve

QUANTITIES = ("value", "gradient")
COLOURS = {"#0000f1": "var(--one)", "#0000f2": "var(--zero)", "#0000f3": "var(--faint)", "#0000f4": "currentColor"}
"""Colours that matplotlib is given, and what the page makes of them: light and dark are the page's business."""
ONE, ZERO, FAINT, INK = COLOURS
WIDTH, HEIGHT = 4.2, 3.9
LINEAR_UP_TO = 1.0


@dataclass(frozen=True)
class Panel:
    """One picture: a dtype and a gamma, value above gradient."""

    dtype: str
    gamma: float
    svg: str
    told: str
    """The picture in words."""


def panels(curves: Iterable[Curve], name: str) -> list[Panel]:
    """A picture for each dtype and gamma; ``name`` makes the identifiers in it unique on a page."""
    groups: dict[tuple[str, float], list[Curve]] = {}
    for curve in curves:
        groups.setdefault((curve.dtype, curve.gamma), []).append(curve)
    return [
        Panel(dtype, gamma, _svg(dtype, gamma, group, f"{name}-{dtype}-{gamma:g}"), _told(group))
        for (dtype, gamma), group in groups.items()
    ]


def _told(curves: list[Curve]) -> str:
    parts = []
    for curve in curves:
        bad = [x for x, error in zip(curve.logits, curve.relative, strict=True) if not math.isfinite(error)]
        numbers = [(error, x) for x, error in zip(curve.logits, curve.relative, strict=True) if math.isfinite(error)]
        text = "no result" if not numbers else "largest relative error {:.1e} at logit {:.3g}".format(*max(numbers))
        lost = f", nan or infinite from |logit| = {min(map(abs, bad)):.3g} on" if bad else ""
        parts.append(f"{curve.quantity}, target {curve.target:g}: {text}{lost}")
    return "; ".join(parts)


def _svg(dtype: str, gamma: float, curves: list[Curve], name: str) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif", "font.size": 9}
    with matplotlib.rc_context(style):
        present = [quantity for quantity in QUANTITIES if any(curve.quantity == quantity for curve in curves)]
        height = HEIGHT if len(present) > 1 else 0.58 * HEIGHT
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        for index, quantity in enumerate(present, 1):
            axes = figure.add_subplot(len(present), 1, index)
            _draw(axes, dtype, quantity, [curve for curve in curves if curve.quantity == quantity])
            if index == len(present):
                axes.set_xlabel("logit", color=INK)
            else:
                axes.tick_params(labelbottom=False)
        drawn = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    return _inline(drawn.getvalue())


def _draw(axes, dtype: str, quantity: str, curves: list[Curve]) -> None:  # type: ignore[no-untyped-def]
    eps = FORMATS[dtype].eps
    lowest, right, highest = eps / 300.0, eps / 100.0, 3.0
    # Above the errors a band for results that are no number, as high for each dtype.
    band = 0.2 * math.log10(highest / lowest)
    axes.set_xscale("symlog", linthresh=LINEAR_UP_TO, linscale=0.6)
    axes.set_yscale("log")
    axes.set_xlim(-1e3, 1e3)
    axes.set_ylim(lowest, highest * 10.0**band)
    axes.axhline(eps, color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
    for curve in sorted(curves, key=lambda curve: curve.target):
        colour, line = (ONE, "-") if curve.target else (ZERO, (0, (3, 1.5)))
        finite = [min(max(e, right), highest) if math.isfinite(e) else math.nan for e in curve.relative]
        axes.plot(curve.logits, finite, color=colour, linewidth=1.3, linestyle=line, solid_joinstyle="round")
        bad = [x for x, error in zip(curve.logits, curve.relative, strict=True) if not math.isfinite(error)]
        height = highest * 10.0 ** (band * (0.7 if curve.target else 0.4))
        axes.plot(bad, [height] * len(bad), color=colour, linestyle="none", marker="x", markersize=3.5)
    ticks = {right: "0", eps: "eps", 1e-2: "1 %", 1.0: "100 %", highest * 10.0 ** (0.55 * band): "nan, ∞"}
    if math.log10(1e-2 / eps) < 3.0:
        del ticks[1e-2]
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_xticks([-100, -10, -1, 0, 1, 10, 100], ["-100", "-10", "-1", "0", "1", "10", "100"])
    axes.minorticks_off()
    axes.tick_params(color=FAINT, labelcolor=INK, length=3)
    axes.grid(color=FAINT, linewidth=0.4, alpha=0.5)
    axes.set_title(quantity, loc="left", fontsize=9, color=INK, pad=3)
    for spine in axes.spines.values():
        spine.set(color=FAINT, linewidth=0.7)


def _inline(text: str) -> str:
    """The element alone: in the page's colours, without what the page has no use for."""
    svg = text[text.index("<svg") :]
    for given, wanted in COLOURS.items():
        svg = svg.replace(given, wanted)
    opening, rest = svg.split(">", 1)
    box = opening[opening.index('viewBox="') :].split('"')[1]
    # Names of groups are the same in every picture, and rules in a picture hold for the whole page.
    rest = re.sub(r'<g id="[^"]*"', "<g", re.sub(r"<style.*?</style>", "", rest, flags=re.DOTALL))
    rest = re.sub(r"(\d\.\d\d)\d+", r"\1", rest)
    rest = re.sub(r"\s+", " ", rest)
    return f'<svg viewBox="{box}" aria-hidden="true" focusable="false">{rest}'
