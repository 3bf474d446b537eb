"""The softmax oracle against differences of its own values, the sigmoid oracle, and known limits."""

import math
import random

import pytest

flint = pytest.importorskip("flint", reason="the oracle needs python-flint")
from flint import arb, ctx  # noqa: E402
from oracle.shifted import Shifted  # noqa: E402

from focal_conformance.oracle.sigmoid_focal import balls  # noqa: E402
from focal_conformance.oracle.soft_targets import SOFT_TARGETS  # noqa: E402
from focal_conformance.oracle.softmax_focal import NO_DIRECTION, Row, softmax_focal  # noqa: E402

INF = math.inf
BITS, STEP = 2000, 2.0**-60
RANDOM = random.Random(5)


def _row(k, soft):
    x = [RANDOM.uniform(-8.0, 8.0) for _ in range(k)]
    if not soft:
        return x, RANDOM.randrange(k)
    shares = [RANDOM.random() for _ in range(k - 1)]
    rest = [share / (k * max(shares, default=1.0)) for share in shares]
    return x, [*rest, 1.0 - sum(rest)]


ROWS = [
    (rule, *_row(k, soft), alpha, gamma)
    for rule in SOFT_TARGETS
    for k, soft, alpha, gamma in (
        (2, True, None, 0.5),
        (3, False, 0.25, 2.0),
        (3, True, (0.25, 0.0, 1.0), 2.7),
        (5, True, None, 0.0),
        (5, True, 0.25, 5.0),
        (4, False, (0.5, 0.25, 1.0, 0.75), 1.0),
    )
]


def test_reviewed_values():
    got = [softmax_focal(x, y, None, 2.0).value for x, y in (((2.0, 0.5, -1.0), 0), ((0.0, 1.0, 0.3), 2))]
    assert [round(value, 7) for value in got] == [0.0110928, 0.7120961]


@pytest.mark.parametrize(("rule", "x", "t", "alpha", "gamma"), ROWS)
def test_derivatives_are_differences_of_values(rule, x, t, alpha, gamma):
    """Central and mixed differences of values alone: no series, no direction, no polarisation."""
    vector = [RANDOM.choice([1.0, -0.5, 0.25]) for _ in x]
    row = Row(x, t, vector)

    def value(*shifts):
        moved = [Shifted(xi, sum(s for c, s in shifts if c == i)) for i, xi in enumerate(x)]
        return Row(moved, t).ball("value", NO_DIRECTION, alpha, gamma, BITS, rule)

    before, ctx.prec = ctx.prec, BITS
    try:
        scale = 1e-30 * (1.0 + abs(float(value().mid())))
        second = {
            (i, j): (
                value((i, STEP), (j, STEP))
                - value((i, STEP), (j, -STEP))
                - value((i, -STEP), (j, STEP))
                + value((i, -STEP), (j, -STEP))
            )
            / (4 * arb(STEP) ** 2)
            for i in range(len(x))
            for j in range(len(x))
        }
        for j in range(len(x)):
            gradient = (value((j, STEP)) - value((j, -STEP))) / (2 * arb(STEP))
            product = sum((arb(v) * second[i, j] for i, v in enumerate(vector)), arb(0))
            for kind, difference in (("gradient", gradient), ("curvature", second[j, j]), ("product", product)):
                exact = row.ball(kind, j, alpha, gamma, BITS, rule)
                ctx.prec = BITS
                assert abs(float((difference - exact).mid())) <= scale, kind
    finally:
        ctx.prec = before


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("rule", SOFT_TARGETS)
@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.7])
def test_two_classes_are_the_sigmoid_loss(rule, detach, alpha, gamma):
    for x0, x1, t in ((0.5, 1.75, 0.75), (3.0, -9.0, 0.125), (-20.0, 20.0, 0.625), (1.0, 1.0, 0.5), (2.0, 7.0, 1.0)):
        row = Row([x0, x1], [1.0 - t, t], [0.0, 1.0])
        weights = None if alpha is None else (1.0 - alpha, alpha)
        numbers = balls(x1 - x0, t, alpha, gamma, 400, soft_targets=rule, detach_modulator=detach)
        for kind, number in zip(("value", "gradient", "curvature", "product"), (*numbers, numbers[2]), strict=True):
            assert row.ball(kind, 1, weights, gamma, 400, rule, detach).overlaps(number), kind
        assert row.ball("gradient", 0, weights, gamma, 400, rule, detach).overlaps(-numbers[1])


@pytest.mark.parametrize(("rule", "x", "t", "alpha", "gamma"), ROWS)
def test_both_forms_of_one_minus_p_agree(rule, x, t, alpha, gamma):
    direct, complement = Row(x, t, [1.0] * len(x)), Row(x, t, [1.0] * len(x))
    direct._complement, complement._complement = False, True
    for kind in ("value", "gradient", "curvature", "product"):
        one, other = (row.ball(kind, 1, alpha, gamma, 1024, rule) for row in (direct, complement))
        assert one.overlaps(other), kind
        assert one.rel_accuracy_bits() > 500 or abs(float(one.mid())) < 1e-200


@pytest.mark.parametrize("rule", SOFT_TARGETS)
def test_rules_agree_on_hard_rows_and_an_index_is_one(rule):
    x, v = [0.3, 5.0, -2.0, 1.0], [1.0, -0.5, 0.25, 2.0]
    for y in range(4):
        index = softmax_focal(x, y, 0.25, 2.7, "linear", vector=v)
        assert softmax_focal(x, [float(c == y) for c in range(4)], 0.25, 2.7, rule, vector=v) == index


def test_detaching_keeps_the_value_and_changes_the_gradient():
    for rule in SOFT_TARGETS:
        row = Row([0.3, 1.0, -2.0], [0.25, 0.5, 0.25], [1.0, -0.5, 0.25])
        plain, detached = (row.truth(None, 2.0, rule, detach) for detach in (False, True))
        assert plain.value == detached.value
        assert all(plain.gradient[c] != detached.gradient[c] for c in range(3))
        assert row.truth(None, 0.0, rule, True) == row.truth(None, 0.0, rule)


def test_a_detached_hard_row_is_the_weighted_cross_entropy():
    detached = softmax_focal([0.0, 0.0], 0, None, 1.0, "linear", True)
    # (1-p) (p_j - t_j) and (1-p) p_j (1-p_j) at p = 1/2.
    assert (detached.gradient, detached.curvature) == ({0: -0.25, 1: 0.25}, {0: 0.125, 1: 0.125})


def test_a_masked_class_is_not_there():
    for rule in SOFT_TARGETS:
        full = softmax_focal([0.5, -INF, 2.0], [0.25, 0.0, 0.75], None, 2.0, rule, vector=[1.0, 3.0, -0.5])
        rest = softmax_focal([0.5, 2.0], [0.25, 0.75], None, 2.0, rule, vector=[1.0, -0.5])
        assert full.value == rest.value
        for kind in ("gradient", "curvature", "product"):
            assert getattr(full, kind) == {0: getattr(rest, kind)[0], 1: 0.0, 2: getattr(rest, kind)[1]}


@pytest.mark.parametrize("x", [[3.0], [-INF, 3.0], [INF], [-1.7e308]])
def test_one_class_has_no_loss(x):
    truth = softmax_focal(x, len(x) - 1, 0.25, 0.5, vector=[1.0] * len(x))
    numbers = {truth.value, *truth.gradient.values(), *truth.curvature.values(), *truth.product.values()}
    assert numbers == {0.0}


def test_limits():
    right = softmax_focal([0.5, INF, 2.0], 1, 0.25, 2.0)
    assert {right.value, *right.gradient.values(), *right.curvature.values()} == {0.0}
    wrong = softmax_focal([0.5, INF, 2.0], 0, 0.25, 2.0)
    assert (wrong.value, wrong.gradient) == (INF, {0: -0.25, 1: 0.25, 2: 0.0})
    soft = softmax_focal([0.5, INF], [0.25, 0.75], None, 2.0)
    assert (soft.value, soft.gradient) == (INF, {0: -0.015625, 1: 0.015625})
    assert softmax_focal([0.5, INF], [0.25, 0.75], None, 2.0, "margin").value == 0.0
    missing = softmax_focal([-INF, 0.0, 0.0], 0, None, 2.0)
    assert (missing.value, missing.gradient) == (INF, {0: -1.0, 1: 0.5, 2: 0.5})


def test_nan_fills_its_row():
    truth = softmax_focal([0.5, math.nan], 0, None, 2.0, vector=[1.0, 2.0])
    numbers = [truth.value, *truth.gradient.values(), *truth.curvature.values(), *truth.product.values()]
    assert all(math.isnan(number) for number in numbers)


def test_two_infinite_logits_have_no_limit():
    with pytest.raises(ValueError, match="at most once"):
        softmax_focal([INF, INF], 0, None, 2.0)


def test_a_confident_right_row_keeps_its_digits():
    """1 - p_y = 2 exp(-700) / (1 + 2 exp(-700)), far below what 1 - p gives in float64."""
    truth = softmax_focal([0.0, 700.0, 0.0], 1, None, 0.0)
    assert truth.value == 2.0 * math.exp(-700.0) == -truth.gradient[1]
