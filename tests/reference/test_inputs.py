"""What the reference accepts, and one clear error for what it does not."""

import ml_dtypes
import numpy as np
import pytest

import focal_ref


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"gamma": -1.0}, ValueError, ["gamma", ">= 0", "-1.0"]),
        ({"gamma": float("nan")}, ValueError, ["gamma", "nan"]),
        ({"gamma": float("inf")}, ValueError, ["gamma", "finite", "inf"]),
        ({"gamma": "2"}, TypeError, ["gamma", "'2'"]),
        ({"gamma": True}, TypeError, ["gamma", "True"]),
        ({"alpha": 1.5}, ValueError, ["alpha", "[0, 1]", "1.5"]),
        ({"alpha": -1}, ValueError, ["alpha", "[0, 1]", "-1"]),
        ({"alpha": float("nan")}, ValueError, ["alpha", "nan"]),
        ({"alpha": [0.25, 0.75, 0.5]}, ValueError, ["alpha", "one number a class, 2", "got 3"]),
        ({"reduction": "average"}, ValueError, ["reduction", "'mean'", "'average'"]),
        ({"reduction": "sum", "normalizer": 0.0}, ValueError, ["normalizer", "> 0", "0.0"]),
        ({"reduction": "sum", "normalizer": -2}, ValueError, ["normalizer", "-2"]),
        ({"reduction": "mean", "normalizer": 2.0}, ValueError, ["normalizer", "reduction='sum'", "'mean'"]),
        ({"logits": np.zeros((2, 1)), "targets": np.zeros(2)}, ValueError, ["targets", "(2, 1)", "(2,)"]),
        ({"logits": np.array([1, 2]), "targets": np.zeros(2)}, TypeError, ["logits", "int64"]),
        ({"logits": np.array([1j, 2]), "targets": np.zeros(2)}, TypeError, ["logits", "complex128"]),
        ({"targets": np.array([0.5, 1.5])}, ValueError, ["targets", "[0, 1]", "1.5"]),
        ({"targets": np.array([0.5, -0.5])}, ValueError, ["targets", "-0.5"]),
        ({"targets": np.array([0.5, np.nan])}, ValueError, ["targets", "nan"]),
        ({"targets": np.array([0.5, 1j])}, TypeError, ["targets", "complex128"]),
        ({"logits": "ab"}, TypeError, ["logits", "'ab'"]),
        ({"weight": np.ones(3)}, ValueError, ["weight", "(2,)", "(3,)"]),
        ({"weight": np.ones((4, 2))}, ValueError, ["weight", "enlarging", "(4, 2)"]),
        ({"mask": np.array([1, 0])}, TypeError, ["mask", "bool", "int64"]),
        ({"logits": 0.5, "targets": 1, "reduction": "sum_classes"}, ValueError, ["sum_classes", "()"]),
    ],
)
def test_bad_input(arguments, error, words):
    arguments = {"logits": np.array([0.5, -0.5]), "targets": np.array([1.0, 0.0]), **arguments}
    with pytest.raises(error) as raised:
        focal_ref.sigmoid_focal_loss(arguments.pop("logits"), arguments.pop("targets"), **arguments)
    assert all(word in str(raised.value) for word in words), str(raised.value)


def test_a_tensor_is_sent_to_the_adapters():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="focal_adapters"):
        focal_ref.sigmoid_focal_loss(torch.zeros(2), torch.zeros(2))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, ml_dtypes.bfloat16])
def test_any_float_in_float64_out(dtype):
    got = focal_ref.sigmoid_focal_loss(np.array([0.5, -2.0], dtype=dtype), np.array([1, 0]))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, focal_ref.sigmoid_focal_loss([0.5, -2.0], [True, False]))


@pytest.mark.parametrize("targets", [[1, 0], np.array([1, 0], dtype=np.uint8), np.array([True, False]), (1.0, 0.0)])
def test_targets_of_other_kinds(targets):
    np.testing.assert_array_equal(
        focal_ref.sigmoid_focal_loss([0.5, 1.0], targets), focal_ref.sigmoid_focal_loss([0.5, 1.0], [1.0, 0.0])
    )


def test_zero_d():
    value, gradient = focal_ref.sigmoid_focal_loss_value_and_gradient(0.0, 1)
    assert value.shape == gradient.shape == ()
    assert value == 0.0625 * np.log(2.0)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty(shape):
    assert focal_ref.sigmoid_focal_loss(np.zeros(shape), np.zeros(shape)).shape == shape


def test_strided_reversed_fortran_and_read_only():
    x, t = np.linspace(-5, 5, 24).reshape(4, 6), np.arange(24).reshape(4, 6) % 2
    x.setflags(write=False)
    expected = focal_ref.sigmoid_focal_loss(x.copy(), t.copy())
    np.testing.assert_array_equal(focal_ref.sigmoid_focal_loss(x[::-1, ::2], t[::-1, ::2]), expected[::-1, ::2])
    np.testing.assert_array_equal(focal_ref.sigmoid_focal_loss(np.asfortranarray(x), t), expected)
    np.testing.assert_array_equal(focal_ref.sigmoid_focal_loss(x.T, t.T), expected.T)


def test_inputs_are_not_changed():
    x, t = np.array([np.inf, -1.0, np.nan]), np.array([1.0, 0.5, 0.0])
    before = x.copy(), t.copy()
    focal_ref.sigmoid_focal_loss_value_and_gradient(x, t, mask=np.array([True, True, False]))
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(t, before[1])


def test_a_loss_is_a_value():
    assert focal_ref.SigmoidFocal(0.25, 2) == focal_ref.SigmoidFocal(alpha=0.25, gamma=2.0)
    assert len({focal_ref.SigmoidFocal(), focal_ref.SigmoidFocal(0.25, 2.0)}) == 1
