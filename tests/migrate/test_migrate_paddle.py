"""The rows of docs/migrate.md whose left side runs in PaddlePaddle; the right side is PyTorch's."""

import numpy as np
import pytest
import torch
from migrate.migration_page import assert_same, factors, inputs, pairs

ROWS = pairs("paddle")


@pytest.fixture
def paddle():
    """Skips where it is not installed: it has an environment of its own."""
    return pytest.importorskip("paddle")


def of_paddle(paddle, expression, imported):
    arrays = {name: paddle.to_tensor(array) for name, array in inputs().items()}
    x = arrays["x"]
    x.stop_gradient = False
    value = eval(expression, {**imported, **arrays})
    (gradient,) = paddle.grad((value * paddle.to_tensor(factors(value.shape))).sum(), x)
    return value.numpy(), gradient.numpy()


def of_torch(expression, imported):
    arrays = {name: torch.tensor(array) for name, array in inputs().items()}
    x = arrays["x"].requires_grad_()
    value = eval(expression, {**imported, **arrays})
    (gradient,) = torch.autograd.grad((value * torch.tensor(factors(value.shape))).sum(), x)
    return value.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize(("section", "row"), **ROWS)
def test_both_sides_agree(section, row, paddle):
    names = section.names()
    assert_same(of_paddle(paddle, row.theirs, names), of_torch(row.ours, names))


def test_a_logit_of_zero_is_where_paddlepaddle_differs(paddle):
    names = ROWS["argvalues"][0][0].names()
    x = paddle.zeros([1, 1])
    x.stop_gradient = False
    theirs = names["theirs"](x, paddle.zeros([1, 1]), gamma=0.0)
    zero = torch.zeros(1, 1, requires_grad=True)
    ours = names["ours"](zero, torch.zeros(1, 1), gamma=0.0, reduction="sum")
    np.testing.assert_allclose(paddle.grad(theirs, x)[0].numpy(), [[-0.375]])
    np.testing.assert_allclose(torch.autograd.grad(ours, zero)[0].numpy(), [[0.375]])
