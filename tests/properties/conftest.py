"""Hypothesis for the properties: the same examples in every run, no clock."""

import pytest
from hypothesis import settings

pytest.register_assert_rewrite(
    *(f"properties.{name}" for name in ("formulas", "balance", "parameters", "targets", "masking", "reductions")),
    *(f"properties.{name}" for name in ("limits", "dtypes", "refusals", "derivatives", "exact")),
)
settings.register_profile("properties", deadline=None, derandomize=True, database=None, max_examples=30)
settings.load_profile("properties")
