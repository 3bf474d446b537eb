"""DTensors: the page's code, every loss and every reduction on two ranks, against one device."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from scale.dtensor_cases import ALPHA, CASES, I, T, X
from scale.problem import assert_sum
from scale.processes import on_every_rank
from scale.scale_page import run_section
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode

from focal_adapters.torch import sigmoid_focal_loss, softmax_focal_loss

HERE = [(name, place) for name, case in CASES.items() for place in case.placements()]


def the_pages(rank):
    names = run_section("PyTorch: DTensor", x=X, t=T)
    return names["value"].item(), names["gradient"].full_tensor().numpy(), names["gradient"].placements


def communicated(rank):
    """Collectives of a step, and those of reading its loss."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    calls = {
        "dense": (sigmoid_focal_loss, Shard(0), T, Shard(0), {}),
        "classes": (sigmoid_focal_loss, Shard(1), T, Shard(1), {}),
        "rows": (softmax_focal_loss, Shard(0), I, Shard(0), {}),
        "rows in parts": (softmax_focal_loss, Shard(1), I, Replicate(), {}),
        "alphas in parts": (sigmoid_focal_loss, Shard(1), T, Replicate(), {"alpha": ALPHA}),
    }
    found = {}
    for name, (loss, placement, t, placement_of_t, options) in calls.items():
        logits = distribute_tensor(X, mesh, [placement]).requires_grad_()
        targets = distribute_tensor(t, mesh, [placement_of_t])
        with CommDebugMode() as step:
            value = loss(logits, targets, reduction="mean_positives", **options)
            value.backward()
        with CommDebugMode() as reading:
            value.full_tensor()
        counts = [mode.get_comm_counts() for mode in (step, reading)]
        found[name] = [{str(key).rpartition(".")[2]: number for key, number in each.items()} for each in counts]
        assert logits.grad.placements == (placement,)
    return found


def refusals(rank):
    """What is said of arrays that are no DTensors beside some that are."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    logits, indices = (distribute_tensor(array, mesh, [Shard(0)]) for array in (X, I))
    calls = {
        "targets": (logits, I, {}),
        "lists": (logits, I.tolist(), {}),
        "mask": (logits, indices, {"mask": I > 0}),
        "logits": (X, indices, {}),
        "weight": (X, I, {"weight": indices}),
    }
    said = {}
    for name, (x, t, options) in calls.items():
        with pytest.raises(TypeError) as error:
            softmax_focal_loss(x, t, **options)
        said[name] = str(error.value)
    with pytest.raises(ValueError, match=r"class indices from 0 to 7 .* got 8"):
        softmax_focal_loss(logits, indices + (indices == 7), validate=True)
    return said


def others(rank):
    """Terms of a sum as logits, targets that lie elsewhere, numbers that all ranks have."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    terms = DTensor.from_local(X / 2, mesh, [Partial()])
    rows = distribute_tensor(X, mesh, [Shard(0)])
    indices = distribute_tensor(I, mesh, [Replicate()])
    normalizer = torch.tensor(3.0)
    return [
        softmax_focal_loss(terms, indices).full_tensor().numpy(),
        softmax_focal_loss(rows, indices).full_tensor().numpy(),
        softmax_focal_loss(rows, indices, reduction="sum", normalizer=normalizer, weight=2.0).full_tensor().item(),
    ]


def outside(rank):
    """On a mesh of rank 0 alone, to which rank 1 does not belong."""
    mesh = DeviceMesh("cpu", [0])
    logits, indices = (distribute_tensor(array, mesh, [Shard(0)]) for array in (X, I))
    logits.requires_grad_()
    value = softmax_focal_loss(logits, indices, reduction="sum")
    value.backward()
    return value.to_local().item(), logits.grad.to_local().numel()


def squared(logits, targets):
    """The gradient of a sum of the gradient of a squared loss, to which the loss adds its gradient twice."""
    logits = logits.detach().requires_grad_()
    loss = softmax_focal_loss(logits, targets, reduction="mean")
    (gradient,) = torch.autograd.grad(loss.square(), logits, create_graph=True)
    return torch.autograd.grad((gradient * logits).sum(), logits)[0]


def sharded(rank):
    """All results of whole arrays, for every case."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    found = {}
    for name, place in HERE:
        case = CASES[name].spread(mesh, CASES[name].placements()[place])
        for reduction in case.reductions():
            outcome = case.results(reduction)
            found[name, place, reduction] = [array.full_tensor().detach() for array in outcome]
    found["squared"] = squared(*(distribute_tensor(array, mesh, [Shard(0)]) for array in (X, I))).full_tensor()
    return found


def everything(rank):
    return sharded(rank), the_pages(rank), communicated(rank), refusals(rank), others(rank), outside(rank)


@pytest.fixture(scope="module")
def outcome():
    """What every rank returns of each of the above."""
    return list(zip(*on_every_rank(everything), strict=True))


@pytest.fixture(scope="module")
def found(outcome):
    return outcome[0][0]


@pytest.mark.parametrize(("name", "place"), HERE)
def test_the_results_are_those_of_one_device(found, name, place):
    case = CASES[name]
    for reduction in case.reductions():
        value, *derivatives = (array.detach() for array in case.results(reduction))
        there, *derivatives_there = found[name, place, reduction]
        # Sums of positive terms in another order; where nothing is added up, to the bit.
        terms = {"none": 0, "sum_classes": case.logits.shape[1]}.get(reduction, case.logits.numel())
        assert there.dtype == value.dtype
        torch.testing.assert_close(there, value, rtol=min(terms, 32) * np.finfo(np.float32).eps, atol=0.0)
        for one, other in zip(derivatives_there, derivatives, strict=True):
            assert one.dtype == other.dtype
            assert torch.equal(one, other), reduction


def test_the_second_derivative_of_a_function_of_the_loss(found):
    torch.testing.assert_close(found["squared"], squared(X, I), rtol=1e-5, atol=1e-9)


def test_the_code_of_the_page(outcome):
    logits = X.clone().requires_grad_()
    sigmoid_focal_loss(logits, T, reduction="mean_positives").backward()
    for value, gradient, placements in outcome[1]:
        assert_sum(value, X.numpy(), T.numpy(), T.count_nonzero().item(), "torch")
        np.testing.assert_array_equal(gradient, logits.grad.numpy())
        assert placements == (Shard(0),)


def test_the_page_says_what_is_communicated(outcome):
    count, gathered = {"all_reduce": 1}, {"all_gather_into_tensor": 1}
    expected = {
        "dense": [count, count],
        "classes": [count, count],
        "rows": [count, count],
        "rows in parts": [gathered, {}],
        "alphas in parts": [gathered, {}],
    }
    assert list(outcome[2]) == [expected] * 2


def test_what_is_no_dtensor_is_refused_by_name(outcome):
    for said in outcome[3]:
        assert said["targets"].startswith("targets must be a DTensor, as logits is one, got a Tensor: give distribute")
        assert said["lists"].startswith("targets must be a DTensor, as logits is one, got a list")
        assert said["mask"].startswith("mask must be a DTensor, as logits is one")
        assert said["logits"] == "logits must be a DTensor, as targets is one, got Tensor"
        assert said["weight"] == "logits must be a DTensor, as weight is one, got Tensor"


def test_what_lies_elsewhere_is_moved(outcome):
    rows = softmax_focal_loss(X, I).numpy()
    for of_terms, of_copies, total in outcome[4]:
        np.testing.assert_array_equal(of_terms, rows)
        np.testing.assert_array_equal(of_copies, rows)
        assert_sum(total, X.numpy(), I.numpy(), 1.5, "torch")


def test_a_rank_outside_of_the_mesh_has_no_part(outcome):
    (value, gradients), nothing = outcome[5]
    assert_sum(value, X.numpy(), I.numpy(), 1, "torch")
    assert gradients == X.numel()
    assert nothing == (0.0, 0)


def test_parts_that_are_simpler_than_the_whole():
    soft = T.clone()
    soft[0, 0] = 0.5
    case = CASES["plain"]
    parts = [replace(case, logits=X[rows], targets=soft[rows]) for rows in (slice(500), slice(500, None))]
    whole = replace(case, targets=soft).results("sum")[1]
    cut = torch.cat([part.results("sum")[1] for part in parts])
    assert torch.equal(cut[:500], whole[:500])
    torch.testing.assert_close(cut, whole, rtol=12 * np.finfo(np.float32).eps, atol=0.0)
