"""The catalogue of deviations: well-formed, each one visible, and the formula that they change is the specification."""

import itertools
import re

import numpy as np
import pytest

from focal_conformance.checks import CHECKS
from focal_conformance.deviations import CATALOGUE, CONDUCTS, FORMULA, REDUCED
from focal_conformance.deviations.formula import RULES, Contradiction, Questions, evaluate
from focal_conformance.deviations.reductions import Batch
from focal_conformance.mutants import pages
from focal_ref import LOSSES

TOPICS = {
    "alpha", "modulator", "gradient", "state", "arguments", "soft targets", "label smoothing", "targets", "epsilon",
    "logits or probabilities", "softmax or sigmoid", "reduction", "normalizer", "weight", "ignored", "terms",
    "gamma below 1", "gamma 0", "log of 0", "low precision", "overflow", "broadcasting", "in place", "results",
    "layouts",
}  # fmt: skip
"""What public implementations disagree on, as far as outputs show it."""


def questions(loss, rule="linear", *, detach=False, dtype="float64", extreme=False):
    """Logits, hard and soft targets, alpha off, 0, 1 and between, and gammas, all with each other; two calls."""
    random = np.random.default_rng(5)
    logits = np.concatenate([random.normal(0, 3, 60), [0.0, 17.5, -17.5, 40.0, -40.0, 120.0, -120.0]])
    if extreme:
        logits = np.concatenate([logits, np.resize([800.0, -800.0, 21.0, -21.0], 60)])
    n = len(logits)
    targets = np.resize([0.0, 1.0, 0.3, 1.0, 0.9, 0.0, 0.05], n)
    alpha = np.resize([0.25, 0.7, 0.0, 1.0, 0.4], n)
    balanced = np.arange(n) % 4 != 3
    gamma = np.resize([2.0, 0.5, 0.0, 1.0, 2.7], n)
    if loss == "softmax_focal":
        logits = np.stack([logits, random.normal(0, 2, n), random.normal(0, 2, n)], axis=-1)
        rows = np.eye(3)[np.arange(n) % 3]
        targets = np.where((np.arange(n) % 2 == 0)[:, None], rows, random.dirichlet(np.ones(3), n))
        alpha = np.where((np.arange(n) % 3 == 0)[:, None], alpha[:, None] + np.zeros(3), random.uniform(0, 1, (n, 3)))
        alpha = np.where(balanced[:, None], alpha, 1.0)
    else:
        alpha = np.where(balanced, alpha, 1.0)
    first = np.where(gamma == 2.0, 0.5, gamma)
    return Questions(
        logits, targets, alpha, balanced, gamma, np.arange(n) % 2, rule, np.full(n, detach), first, dtype
    )  # fmt: skip


def exact(loss, asked, quantity):
    """What focal_ref gives for each point with its own parameters."""
    results = []
    for i in range(len(asked.logits)):
        alpha = asked.alpha[i].tolist() if asked.balanced[i] else None
        alpha = tuple(alpha) if isinstance(alpha, list) else alpha
        reference = LOSSES[loss](
            alpha=alpha, gamma=float(asked.gamma[i]), soft_targets=asked.rule, detach_modulator=bool(asked.detach[i])
        )
        results.append(getattr(reference, quantity)(asked.logits[i : i + 1], asked.targets[i : i + 1])[0])
    return np.array(results)


def test_there_are_enough_and_names_are_unique():
    assert len(CATALOGUE) == len(FORMULA) + len(REDUCED) + len(CONDUCTS) >= 40


def test_every_topic_is_covered():
    assert {deviation.topic for deviation in CATALOGUE.values()} == TOPICS


@pytest.mark.parametrize("deviation", CATALOGUE.values(), ids=CATALOGUE)
def test_an_entry_is_well_formed(deviation):
    assert re.fullmatch(r"[a-z0-9_]+", deviation.name)
    assert ("{value}" in deviation.sentence) == (deviation.parameter is not None)
    assert re.sub(r"\{value\}", "", deviation.sentence).count("{") == 0
    assert deviation.sentence.strip() == deviation.sentence
    assert not deviation.sentence.endswith(".")
    assert deviation.change
    assert set(deviation.losses) <= set(LOSSES)
    re.compile(deviation.written)
    for link in deviation.links:
        assert re.fullmatch(r"https://(github\.com|huggingface\.co)/[\w.-]+/[\w./-]+", link)
        assert ".invalid" not in link
    parameter = deviation.parameter
    if parameter is not None:
        assert all(parameter.low <= value <= parameter.high for value in parameter.usual)
    for name, why in deviation.same.items():
        assert name in CATALOGUE
        assert why


def test_conducts_name_checks():
    for conduct in CONDUCTS.values():
        assert conduct.check in CHECKS
        re.compile(conduct.says)


def test_few_deviations_are_called_the_same():
    assert sum(bool(deviation.same) for deviation in CATALOGUE.values()) <= 0.05 * len(CATALOGUE)


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("rule", [*RULES, "expected"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_unchanged_formula_is_the_specification(loss, rule, detach):
    asked = questions(loss, rule, detach=detach)
    value, gradient = evaluate(asked, ())
    for got, quantity in ((value, "value"), (gradient, "gradient")):
        want = exact(loss, asked, quantity)
        assert np.all(np.abs(got - want) <= 1e-12 * np.maximum(1.0, np.abs(want)))


@pytest.mark.parametrize(
    ("name", "loss"), [(name, loss) for name, deviation in FORMULA.items() for loss in deviation.losses]
)
def test_a_deviation_of_the_formula_shows(name, loss):
    deviation = FORMULA[name]
    changes = ((deviation, deviation.parameter.usual[0] if deviation.parameter else 0.0),)
    shows = []
    for rule, dtype in itertools.product(("linear", "cross_entropy"), ("float32", "float64")):
        asked = questions(loss, rule, dtype=dtype, extreme=True)
        try:
            changed = evaluate(asked, changes)
        except Contradiction:
            # Where p_t is taken from the cross entropy, a cross entropy taken from p_t is no formula.
            assert rule == "cross_entropy"
            continue
        for right, wrong in zip(evaluate(asked, ()), changed, strict=True):
            with np.errstate(invalid="ignore"):
                close = np.abs(right - wrong) <= 1e-11 * np.abs(right)
            shows.append(not np.all((right == wrong) | (np.isnan(right) & np.isnan(wrong)) | close))
    assert any(shows)


@pytest.mark.parametrize("reduction", REDUCED.values(), ids=REDUCED)
def test_a_deviation_of_a_reduction_shows(reduction):
    random = np.random.default_rng(1)
    losses, counted = random.uniform(0.1, 2.0, (4, 3)), (np.arange(12).reshape(4, 3) % 3 != 1).astype(float)
    positive = (np.arange(12).reshape(4, 3) % 5 < 2).astype(float)
    ignored = counted if reduction.needs == "ignored" else np.ones((4, 3))
    weight = 0.25 + random.uniform(0, 1, (4, 3)) if reduction.needs == "weight" else np.ones((4, 3))
    normalizer = 0.25 if reduction.needs == "normalizer" else 1.0
    batch = Batch(losses, ignored, weight, 0.25 + 0.5 * positive, positive, normalizer, 3)
    right = {
        "none": losses * ignored * weight,
        "sum": np.sum(losses * ignored * weight) / normalizer,
        "mean": np.sum(losses * ignored * weight) / np.sum(ignored),
    }[reduction.reduction]
    got = np.asarray(reduction.reduces(batch))
    assert got.shape != np.shape(right) or not np.allclose(got, right, rtol=1e-3)


def test_the_pages_name_every_deviation():
    text = pages.catalogue()
    for name in CATALOGUE:
        assert f"`{name}`" in text
    assert "{value}" not in text
