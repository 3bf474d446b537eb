"""jit over sharded arrays, and shard_map, on four virtual CPU devices, against one."""

import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

# Before JAX starts its backend, once in a process.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from scale.problem import CLASSES, assert_sum, class_indices, logits_and_targets
from scale.scale_page import run_section, wrong_by

from focal_adapters.jax import sigmoid_focal_loss, softmax_focal_loss

X, T = logits_and_targets()
Y = class_indices()
TARGETS = {"targets": T, "indices": np.where(Y == 3, CLASSES, Y)}
DENOMINATORS = {"sum": lambda t: 1, "mean": lambda t: X.size, "mean_positives": lambda t: _positives(t)}
AXES = [AxisType.Auto, AxisType.Explicit]


def _positives(t):
    return np.count_nonzero(t < CLASSES if t.ndim < X.ndim else t >= 0.5)


def put(axis, *arrays):
    mesh = jax.make_mesh((4,), ("data",), axis_types=(axis,))
    return [jax.device_put(array, NamedSharding(mesh, PartitionSpec("data"))) for array in arrays]


def step(loss, **options):
    return jax.jit(jax.value_and_grad(partial(loss, **options)))


def test_there_are_four_devices():
    assert jax.device_count() == 4


@pytest.mark.parametrize("gamma", [2.0, 1.5])
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("reduction", DENOMINATORS)
@pytest.mark.parametrize("axis", AXES)
def test_sharded_arrays_have_the_gradient_of_one_device(axis, reduction, kind, gamma):
    both, t = step(sigmoid_focal_loss, reduction=reduction, gamma=gamma), TARGETS[kind]
    value, gradient = both(*put(axis, X, t))
    np.testing.assert_array_equal(gradient, both(X, t)[1])
    assert gradient.sharding.num_devices == 4
    assert not gradient.is_fully_replicated
    if gamma == 2.0:
        dense = T if kind == "targets" else np.eye(CLASSES + 1, CLASSES, dtype=X.dtype)[t]
        assert_sum(value, X, dense, DENOMINATORS[reduction](t), "jax")


@pytest.mark.parametrize("axis", AXES)
def test_second_derivatives_are_those_of_one_device(axis):
    def curvature(x, t):
        slope = jax.grad(partial(sigmoid_focal_loss, reduction="mean_positives"))
        return jax.jvp(lambda x: slope(x, t), (x,), (jnp.ones_like(x),))[1]

    np.testing.assert_array_equal(jax.jit(curvature)(*put(axis, X, T)), jax.jit(curvature)(X, T))


@pytest.mark.parametrize("axis", AXES)
def test_losses_of_rows_have_the_values_of_one_device(axis):
    losses = jax.jit(softmax_focal_loss)
    np.testing.assert_array_equal(losses(*put(axis, X, Y)), losses(X, Y))


def test_losses_of_rows_have_the_gradient_of_one_device_up_to_a_reciprocal():
    both = step(softmax_focal_loss, reduction="sum")
    value, gradient = both(*put(AxisType.Auto, X, Y))
    assert_sum(value, X, Y, 1, "jax")
    one_device = np.asarray(both(X, Y)[1])
    scale = np.abs(one_device).max(-1, keepdims=True)
    assert (np.abs(gradient - one_device) <= 4 * np.finfo(np.float32).eps * scale).all()


def test_without_the_simplifier_losses_of_rows_have_the_same_bits():
    """The cause that the page names; the flag is for a whole process."""
    script = "from scale.test_jax_sharding import differing; print(differing())"
    flags = {"XLA_FLAGS": "--xla_disable_hlo_passes=algsimp", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", script], env={**os.environ, **flags}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == 0
    assert differing() > 0


def differing():
    """How many gradients of rows are not those of one device."""
    both = step(softmax_focal_loss, reduction="sum")
    return np.count_nonzero(np.asarray(both(*put(AxisType.Auto, X, Y))[1]) != np.asarray(both(X, Y)[1]))


@pytest.mark.parametrize("title", ["JAX: jit over sharded arrays", "JAX: shard_map"])
def test_the_code_of_the_page(title):
    names = run_section(title, x=X, t=T)
    assert_sum(names["value"], X, T, _positives(T), "jax")
    np.testing.assert_array_equal(names["gradient"], step(sigmoid_focal_loss, reduction="mean_positives")(X, T)[1])
    assert not names["gradient"].is_fully_replicated


def test_the_page_says_what_is_communicated():
    names = run_section("JAX: jit over sharded arrays", x=X, t=T)
    compiled = {
        "jit": names["step"].lower(*put(AxisType.Auto, X, T)).compile().as_text(),
        "shard_map": jax.jit(jax.value_and_grad(run_section("JAX: shard_map", x=X, t=T)["loss"]))
        .lower(X, T)
        .compile()
        .as_text(),
    }
    for text in compiled.values():
        reductions = [line.split(" all-reduce(")[0].split()[-1] for line in text.splitlines() if " all-reduce(" in line]
        assert sorted(reductions) == ["f32[]", "s32[]"]
        assert not any(other in text for other in ("all-gather(", "all-to-all(", "collective-permute("))


def test_a_mean_over_the_own_positives_is_another_number():
    def local(x, t):
        return jax.lax.pmean(sigmoid_focal_loss(x, t, reduction="mean_positives"), "data")

    names = run_section("JAX: shard_map", x=X, t=T)
    rows = names["rows"]
    naive = jax.shard_map(local, mesh=names["mesh"], in_specs=(rows, rows), out_specs=PartitionSpec())
    wrong = float(jax.jit(naive)(X, T)) / float(names["value"]) - 1.0
    assert wrong == pytest.approx(wrong_by("JAX, `shard_map`"), abs=0.005)
