"""DTensors: the page's code and every reduction on two ranks, against one device."""

import numpy as np
import pytest
import torch
import torch.distributed as dist
from scale.problem import assert_sum, logits_and_targets
from scale.processes import on_every_rank
from scale.scale_page import run_section
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode

from focal_adapters.torch import sigmoid_focal_loss

LOGITS, TARGETS = (torch.from_numpy(array) for array in logits_and_targets())
REDUCTIONS = ["none", "sum_classes", "sum", "mean", "mean_positives"]
OPTIONS = {
    "plain": {},
    "masked": {"mask": LOGITS > -1.0, "weight": LOGITS.abs()},
    "rough": {"gamma": 1.5, "alpha": None},
    # Parts of different size.
    "uneven": {},
}
PLACEMENTS = {"rows": Shard(0), "classes": Shard(1), "copies": Replicate()}


def the_pages(rank):
    names = run_section("PyTorch: DTensor", x=LOGITS, t=TARGETS)
    return names["value"].item(), names["gradient"].full_tensor().numpy(), names["gradient"].placements


def communicated(rank):
    """Collectives of a step, and those of reading its loss."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    logits, targets = (distribute_tensor(array, mesh, [Shard(0)]) for array in (LOGITS, TARGETS))
    logits.requires_grad_()
    with CommDebugMode() as step:
        loss = sigmoid_focal_loss(logits, targets, reduction="mean_positives")
        loss.backward()
    with CommDebugMode() as reading:
        loss.full_tensor()
    return [{str(name): number for name, number in mode.get_comm_counts().items()} for mode in (step, reading)]


def results(logits, targets, options, reduction):
    """Value, gradient, and a Hessian times a vector."""
    logits.requires_grad_()
    value = sigmoid_focal_loss(logits, targets, reduction=reduction, **options)
    (gradient,) = torch.autograd.grad(value.sum(), logits, create_graph=True)
    (second,) = torch.autograd.grad((gradient * gradient).sum(), logits)
    return value, gradient, second


def sharded(rank):
    """All of the above, of whole arrays, for every case."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    found = {}
    for place, placement in PLACEMENTS.items():
        for name, options in OPTIONS.items():
            rows = slice(0, 999 if name == "uneven" else None)
            logits, targets, options = (
                distribute_tensor(LOGITS[rows], mesh, [placement]),
                distribute_tensor(TARGETS[rows], mesh, [placement]),
                {
                    key: distribute_tensor(value, mesh, [placement]) if isinstance(value, torch.Tensor) else value
                    for key, value in options.items()
                },
            )
            for reduction in REDUCTIONS:
                outcome = results(logits.detach(), targets, options, reduction)
                found[place, name, reduction] = [a.full_tensor().detach().numpy() for a in outcome]
    return found


def everything(rank):
    return sharded(rank), the_pages(rank), communicated(rank)


@pytest.fixture(scope="module")
def outcome():
    """What every rank returns of each of the above."""
    return list(zip(*on_every_rank(everything), strict=True))


@pytest.fixture(scope="module")
def found(outcome):
    return outcome[0][0]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("place", PLACEMENTS)
def test_the_results_are_those_of_one_device(found, place, name, reduction):
    rows = slice(0, 999 if name == "uneven" else None)
    one_device = results(LOGITS[rows].clone(), TARGETS[rows], OPTIONS[name], reduction)
    value, gradient, second = (a.detach().numpy() for a in one_device)
    there, *derivatives = found[place, name, reduction]
    # Sums of positive terms in another order; where nothing is added up, to the bit.
    terms = {"none": 0, "sum_classes": 8}.get(reduction, LOGITS.numel())
    np.testing.assert_allclose(there, value, rtol=min(terms, 32) * np.finfo(np.float32).eps, atol=0.0)
    np.testing.assert_array_equal(derivatives[0], gradient)
    np.testing.assert_array_equal(derivatives[1], second)


def test_the_code_of_the_page(outcome):
    logits = LOGITS.clone().requires_grad_()
    sigmoid_focal_loss(logits, TARGETS, reduction="mean_positives").backward()
    for value, gradient, placements in outcome[1]:
        assert_sum(value, LOGITS.numpy(), TARGETS.numpy(), TARGETS.count_nonzero().item(), "torch")
        np.testing.assert_array_equal(gradient, logits.grad.numpy())
        assert placements == (Shard(0),)


def test_the_page_says_what_is_communicated(outcome):
    once = {"c10d_functional.all_reduce": 1}
    assert list(outcome[2]) == [[once, once]] * 2
