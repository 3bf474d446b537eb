"""Known ways in which ports deviate from the specification, each also a wrong port that the suite must catch."""

from focal_conformance.deviations.balance import BALANCE
from focal_conformance.deviations.conduct import CONDUCT, Conduct
from focal_conformance.deviations.deviation import Deviation
from focal_conformance.deviations.focusing import FOCUSING
from focal_conformance.deviations.probabilities import PROBABILITIES
from focal_conformance.deviations.reductions import REDUCTIONS, Reduction
from focal_conformance.deviations.results import RESULTS
from focal_conformance.deviations.soft import SOFT
from focal_conformance.deviations.styles import STYLES
from focal_conformance.deviations.variants import VARIANTS

__all__ = ["CATALOGUE", "CONDUCTS", "FORMULA", "REDUCED", "Conduct", "Deviation", "Reduction"]

FORMULA: dict[str, Deviation] = {
    deviation.name: deviation
    for deviation in (*BALANCE, *FOCUSING, *SOFT, *PROBABILITIES, *RESULTS, *VARIANTS, *STYLES)
}
"""Deviations of the loss of an element or a row, by name."""
REDUCED: dict[str, Reduction] = {deviation.name: deviation for deviation in REDUCTIONS}
"""Deviations of what is done to the losses."""
CONDUCTS: dict[str, Conduct] = {deviation.name: deviation for deviation in CONDUCT}
"""Deviations that a check sees by itself."""
CATALOGUE: dict[str, Deviation] = {**FORMULA, **REDUCED, **CONDUCTS}
"""All of them."""
