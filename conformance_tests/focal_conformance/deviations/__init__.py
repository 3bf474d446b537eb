"""Known ways in which ports deviate from the specification, each also a wrong port that the suite must catch."""

from focal_conformance.deviations.balance import BALANCE
from focal_conformance.deviations.deviation import Deviation
from focal_conformance.deviations.focusing import FOCUSING
from focal_conformance.deviations.probabilities import PROBABILITIES
from focal_conformance.deviations.results import RESULTS
from focal_conformance.deviations.soft import SOFT
from focal_conformance.deviations.styles import STYLES

FORMULA: dict[str, Deviation] = {
    deviation.name: deviation for deviation in (*BALANCE, *FOCUSING, *SOFT, *PROBABILITIES, *RESULTS, *STYLES)
}
"""Deviations of the loss of an element or a row, by name."""
