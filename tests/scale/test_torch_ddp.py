"""DistributedDataParallel: the page's step on two and three ranks, against one device."""

import numpy as np
import pytest
import torch
import torch.distributed as dist
from scale.problem import CLASSES, assert_sum, assert_sum_of_rows, logits_and_targets
from scale.processes import on_every_rank
from scale.scale_page import run_section, wrong_by
from torch.nn.parallel import DistributedDataParallel

from focal_adapters.torch import sigmoid_focal_loss

FEATURES, TARGETS = (torch.from_numpy(array) for array in logits_and_targets())
TITLE = "PyTorch: DistributedDataParallel"
RANKS = [2, 3]
ONE_POSITIVE = torch.zeros_like(TARGETS)
ONE_POSITIVE[-1, 0] = 1.0


def model():
    torch.manual_seed(7)
    return torch.nn.Linear(CLASSES, CLASSES)


def own(array, rank):
    return array.tensor_split(dist.get_world_size())[rank]


def the_pages(rank, targets):
    """A rank's loss, logits, their gradient and those of the parameters."""
    train, inner = run_section(TITLE)["train"], model()
    kept = []

    def keep(module, inputs, output):
        output.retain_grad()
        kept.append(output)

    inner.register_forward_hook(keep)
    loss = train(DistributedDataParallel(inner), own(FEATURES, rank), own(targets, rank))
    (logits,) = kept
    return [a.numpy() for a in (loss, logits.detach(), logits.grad, inner.weight.grad, inner.bias.grad)]


def naive(rank):
    """The mean over the own positives, averaged."""
    loss = sigmoid_focal_loss(own(FEATURES, rank), own(TARGETS, rank), reduction="mean_positives")
    return mean(loss)


def clamped_too_late(rank):
    """The page's loss, but for the order of two operations, of targets with a single positive."""
    targets = own(ONE_POSITIVE, rank)
    positives = targets.count_nonzero()
    dist.all_reduce(positives)
    share = (positives / dist.get_world_size()).clamp(min=1)
    return mean(sigmoid_focal_loss(own(FEATURES, rank), targets, reduction="sum", normalizer=share))


def mean(loss):
    dist.all_reduce(loss)
    return loss.item() / dist.get_world_size()


def everything(rank):
    return the_pages(rank, TARGETS), the_pages(rank, ONE_POSITIVE), naive(rank), clamped_too_late(rank)


@pytest.fixture(scope="module", params=RANKS)
def outcome(request):
    """What every rank returns of each of the above."""
    return list(zip(*on_every_rank(everything, ranks=request.param), strict=True))


@pytest.fixture(scope="module")
def ranks(outcome):
    return outcome[0]


@pytest.fixture(scope="module")
def one_device(ranks):
    """The same logits, on one device; what they make of the parameters."""
    logits = torch.from_numpy(np.concatenate([logits for _, logits, *_ in ranks])).requires_grad_()
    sigmoid_focal_loss(logits, TARGETS, reduction="mean_positives").backward()
    return logits


def test_the_mean_of_the_losses_is_the_loss(ranks):
    logits = np.concatenate([logits for _, logits, *_ in ranks])
    loss = sum(float(loss) for loss, *_ in ranks) / len(ranks)
    assert_sum(loss, logits, TARGETS.numpy(), TARGETS.count_nonzero().item(), "torch")


def test_the_logits_have_the_gradient_of_one_device(ranks, one_device):
    gradient = np.concatenate([gradient for _, _, gradient, *_ in ranks]) / np.float32(len(ranks))
    expected = one_device.grad.numpy()
    if len(ranks) == 2:
        np.testing.assert_array_equal(gradient, expected)
    else:
        # One rounding in the division of the count by 3, one in the product, one in this division.
        np.testing.assert_allclose(gradient, expected, rtol=4 * np.finfo(np.float32).eps, atol=0.0)


def test_the_parameters_have_the_gradient_of_one_device(ranks, one_device):
    inner = model()
    per_logit = one_device.grad
    inner(FEATURES).backward(per_logit)
    weight_terms = (per_logit[:, :, None] * FEATURES[:, None, :]).numpy()
    for _, _, _, weight, bias in ranks:
        assert_sum_of_rows(weight, inner.weight.grad.numpy(), weight_terms)
        assert_sum_of_rows(bias, inner.bias.grad.numpy(), per_logit.numpy())


def test_all_ranks_have_the_same_parameters(ranks):
    for quantity in zip(*(parameters for *_, parameters in ranks), strict=True):
        assert len(set(quantity)) == 1


def test_a_step_with_fewer_positives_than_ranks(outcome):
    _, ranks, _, too_late = outcome
    logits = np.concatenate([logits for _, logits, *_ in ranks])
    assert_sum(sum(float(loss) for loss, *_ in ranks) / len(ranks), logits, ONE_POSITIVE.numpy(), 1, "torch")
    exact = sigmoid_focal_loss(FEATURES, ONE_POSITIVE, reduction="mean_positives").item()
    assert too_late == pytest.approx([exact / len(ranks)] * len(ranks), rel=1e-6)


def test_a_mean_over_the_own_positives_is_another_number(outcome):
    naive = outcome[2]
    exact = sigmoid_focal_loss(FEATURES, TARGETS, reduction="mean_positives").item()
    assert len(set(naive)) == 1
    if len(naive) == 2:
        assert naive[0] / exact - 1.0 == pytest.approx(wrong_by("DDP"), abs=0.005)
    else:
        assert naive[0] > 1.1 * exact
