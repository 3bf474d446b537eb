"""Numbers that other projects and the paper print, reproduced by the reference."""

from decimal import Decimal

import numpy as np
import pytest
from external.published_numbers import PUBLISHED

import focal_ref
from focal_ref import SigmoidFocal, smooth_targets


def _printed(texts):
    """Numbers, and one unit of the last digit of each."""
    decimals = np.vectorize(Decimal, otypes=[object])(np.asarray(texts))
    units = np.vectorize(lambda number: float(Decimal(1).scaleb(number.as_tuple().exponent)), otypes=[float])
    return decimals.astype(float), units(decimals)


def _assert_as_printed(got, texts, relative):
    expected, unit = _printed(texts)
    assert got.shape == expected.shape
    assert np.all(np.abs(got - expected) <= unit + relative * np.abs(expected)), got


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.source)
def test_published_number(published):
    function = getattr(focal_ref, f"{published.loss}_focal_loss_value_and_gradient")
    value, gradient = function(published.logits, published.targets, **published.parameters)
    _assert_as_printed(np.asarray(value), published.value, published.relative)
    if published.gradient is not None:
        _assert_as_printed(gradient, published.gradient, published.relative)


def test_every_printed_number_names_its_source():
    sources = [published.source for published in PUBLISHED]
    assert len(set(sources)) == len(sources) == 39
    assert all(
        published.link.startswith("https://") for published in PUBLISHED if "field study" not in published.source
    )


def _log_odds(p):
    return np.log(p) - np.log1p(-p)


# Field study 4.2: below this p_t the loss is concave, and boosting needs a floor.
@pytest.mark.parametrize(
    ("gamma", "p_t"), [(0.5, "0.0177"), (1.0, "0.0432"), (2.0, "0.0578"), (3.0, "0.0575"), (5.0, "0.0502")]
)
def test_second_derivative_is_negative_below(gamma, p_t):
    around = np.array([float(p_t) - 1e-4, float(p_t) + 1e-4])
    below, above = SigmoidFocal(alpha=None, gamma=gamma).curvature(_log_odds(around), [1, 1])
    assert below < 0.0 < above


# Field study 1.3: where the loss of t = 0.7 is least, by each rule; that of margin has no minimum.
@pytest.mark.parametrize(("rule", "p"), [("linear", 0.878), ("cross_entropy", 0.700), ("expected", 0.579)])
def test_least_loss_of_a_soft_target_is_at(rule, p):
    loss = SigmoidFocal(alpha=None, soft_targets=rule)
    below, above = loss.gradient(_log_odds(np.array([p - 1e-3, p + 1e-3])), [0.7, 0.7])
    assert below < 0.0 < above


def test_margin_has_no_least_loss_of_a_soft_target():
    x = np.arange(3.0, 60.0)
    loss = SigmoidFocal(alpha=None, soft_targets="margin")
    assert np.all(np.diff(loss.value(x, np.full(x.shape, 0.7))) < 0.0)
    assert loss.value([100.0], [0.7])[0] < 1e-30


# The paper, section 3.2: by how much gamma = 2 lowers the cross-entropy of what is classified well.
@pytest.mark.parametrize(("p_t", "factor"), [(0.9, 100.0), (0.968, 976.5625), (0.5, 4.0)])
def test_cross_entropy_is_lowered_by(p_t, factor):
    x = _log_odds(np.array([p_t]))
    ratio = SigmoidFocal(alpha=None, gamma=0.0).value(x, [1]) / SigmoidFocal(alpha=None).value(x, [1])
    np.testing.assert_allclose(ratio, factor, rtol=1e-12)


# TensorFlow Addons, focal_loss_test.py: the decimal order of that ratio.
def test_order_of_the_ratio():
    x, t = _log_odds(np.array([0.97, 0.91, 0.73, 0.27, 0.09, 0.03])), [1, 1, 1, 0, 0, 0]
    ratio = SigmoidFocal(alpha=None, gamma=0.0).value(x, t) / SigmoidFocal(alpha=None).value(x, t)
    assert (10.0 ** np.floor(np.log10(ratio))).tolist() == [1000, 100, 10, 10, 100, 1000]


def test_smoothed_target_of_the_field_study():
    assert smooth_targets([1.0], 0.1).tolist() == pytest.approx([0.95], abs=2e-16)
