"""Long arrays are shared by threads: the bits do not depend on how many there are."""

import multiprocessing
import threading

import numpy as np
import pytest

import focal_ref
from focal_ref import ranges
from focal_ref.blocks import BLOCK, RANGE, evaluate_in_blocks, extremes

SHAPE = (3 * RANGE // 80 + 17, 80)
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(0.0, 2.0, SHAPE)
HARD = (RANDOM.random(SHAPE) < 0.02).astype(float)


def made(name):
    """Arguments of a function of the sigmoid loss."""
    targets = {
        "hard": HARD,
        "soft": RANDOM.random(SHAPE),
        "indices": RANDOM.integers(0, 81, SHAPE[0]),
        "fortran": np.asfortranarray(HARD),
        "masked": HARD.astype(np.float32),
    }[name]
    masked = {"weight": np.linspace(0.0, 2.0, 80), "mask": RANDOM.random(SHAPE) < 0.9} if name == "masked" else {}
    return {"logits": X, "targets": targets, **masked}


@pytest.mark.parametrize("name", ["hard", "soft", "indices", "fortran", "masked"])
@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_bits_do_not_depend_on_the_number_of_threads(name, reduction, monkeypatch):
    arguments, found = made(name), []
    for count in (1, 2, 3, 7):
        monkeypatch.setattr(ranges, "threads", lambda count=count: count)
        found.append(focal_ref.sigmoid_focal_loss_value_and_gradient(**arguments, reduction=reduction))
    for value, gradient in found[1:]:
        np.testing.assert_array_equal(value, found[0][0])
        np.testing.assert_array_equal(gradient, found[0][1])


def test_rows_of_classes_too(monkeypatch):
    found = []
    for count in (1, 4):
        monkeypatch.setattr(ranges, "threads", lambda count=count: count)
        found.append(focal_ref.softmax_focal_loss_value_and_gradient(X, np.arange(SHAPE[0]) % 80, reduction="sum"))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_one_part_is_the_caller_s_own_work(monkeypatch):
    monkeypatch.setattr(ranges, "threads", lambda: 4)
    seen = ranges.over_ranges(lambda start, stop: threading.current_thread(), RANGE, RANGE)
    assert seen == [threading.main_thread()]
    assert ranges.over_ranges(lambda start, stop: 0, 0, RANGE) == []


def test_parts_come_in_order_and_by_several_threads(monkeypatch):
    monkeypatch.setattr(ranges, "threads", lambda: 2)
    both = threading.Barrier(2, timeout=60)

    def part(start, stop):
        both.wait()
        return start, stop

    assert ranges.over_ranges(part, 7, 2)[:3] == [(0, 2), (2, 4), (4, 6)]
    assert all("focal_ref" not in t.name for t in threading.enumerate())


@pytest.mark.parametrize("count", [1, 3])
def test_what_a_thread_raises_is_raised(count, monkeypatch):
    monkeypatch.setattr(ranges, "threads", lambda: count)

    def kernel(x):
        if x[0] == 5 * BLOCK:
            raise ArithmeticError("one block")
        return (x,)

    with pytest.raises(ArithmeticError, match="one block"):
        evaluate_in_blocks(kernel, [np.arange(3.0 * RANGE)], (3 * RANGE,), [True])


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.filterwarnings("error")
def test_underflow_and_overflow_are_nobody_s_concern(count, monkeypatch):
    monkeypatch.setattr(ranges, "threads", lambda: count)
    x = np.linspace(-800.0, 800.0, 2 * RANGE)
    with np.errstate(all="raise"):
        assert np.isfinite(focal_ref.sigmoid_focal_loss(x, np.arange(2 * RANGE) % 2, reduction="sum"))


def test_extremes():
    array = RANDOM.normal(size=(5, RANGE // 2, 2)).astype(np.float32)
    assert extremes(array) == (array.min(), array.max())
    assert extremes(array.T) == (array.min(), array.max())
    assert extremes(np.asarray(3.0)) == (3.0, 3.0)
    array[4, -1, 1] = np.nan
    assert np.isnan(extremes(array)).all()


def _total(queue):
    queue.put(focal_ref.sigmoid_focal_loss(X, HARD, reduction="sum"))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
def test_a_forked_process_has_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(ranges, "threads", lambda: 2)
    expected = focal_ref.sigmoid_focal_loss(X, HARD, reduction="sum")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_total, args=(queue,))
    process.start()
    assert queue.get(timeout=120) == expected
    process.join()
