"""What XLA makes of the JAX adapter on CPU: how many arrays, how many loops, how exact a logarithm."""

from functools import partial

import numpy as np
import pytest

from focal_ref import SigmoidFocal
from focal_ref.losses.sigmoid_fused import log1p_of_unit

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

from focal_adapters.jax import apply, sigmoid_focal_loss  # noqa: E402

ROWS, CLASSES = 1000, 80
LOGITS = jax.ShapeDtypeStruct((ROWS, CLASSES), jnp.float32)
TARGETS = {"dense": LOGITS, "indices": jax.ShapeDtypeStruct((ROWS,), jnp.int32)}
OPTIONS = {
    "default": {},
    "gamma 1.5": {"gamma": 1.5},
    "gamma 10": {"gamma": 10.0},
    "alpha none": {"alpha": None},
    "alpha per class": {"alpha": [0.25] * CLASSES},
}


def step(**options):
    return jax.jit(jax.value_and_grad(partial(sigmoid_focal_loss, reduction="sum", **options)))


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("options", OPTIONS)
def test_no_array_but_the_gradient(options, kind):
    """Neither one-hot rows nor the losses have memory of their own."""
    compiled = step(**OPTIONS[options]).lower(LOGITS, TARGETS[kind]).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 4 * ROWS


@pytest.mark.parametrize("kind", TARGETS)
def test_value_gradient_and_sum_have_a_loop_each(kind):
    text = step().lower(LOGITS, TARGETS[kind]).compile().as_text()
    results = [line.split(" fusion(")[0].split(" = ")[1] for line in text.splitlines() if " fusion(" in line]
    assert sorted(result.split("{")[0] for result in results) == ["f32[1000,80]", "f32[1000,80]", "f32[]"]


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
def test_only_on_cpu_are_they_kept_apart(platform):
    lowered = step().trace(LOGITS, LOGITS).lower(lowering_platforms=(platform,)).as_text()
    assert ("optimization_barrier" in lowered) == (platform == "cpu")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logarithm(dtype):
    e = np.concatenate([np.linspace(0.0, 1.0, 100_001), np.logspace(-37.0, 0.0, 100_001)]).astype(dtype)
    exact = np.log1p(e.astype(np.longdouble))
    # XLA adds and multiplies in one rounding, NumPy in two.
    with jax.enable_x64(True):
        for got in (log1p_of_unit(e, np), jax.jit(lambda e: log1p_of_unit(e, jnp))(e)):
            assert (np.abs(np.asarray(got) - exact) <= 2.0 * np.spacing(exact.astype(dtype))).all()


def test_gradient_just_above_the_smallest_normal_number():
    """Where the loss itself, which the gradient is computed after, is below it and flushed."""
    x, t = np.linspace(-29.6, -28.9, 701, dtype=np.float32), np.zeros(701, np.float32)
    exact = SigmoidFocal().gradient(x, t)
    got = jax.jit(jax.grad(lambda x: apply(SigmoidFocal(), x, t).sum()))(x)
    normal = exact >= np.finfo(np.float32).tiny
    assert (SigmoidFocal().value(x, t)[normal] < np.finfo(np.float32).tiny).any()
    np.testing.assert_allclose(got[normal], exact[normal], rtol=1e-6)


def test_a_class_that_alpha_leaves_out_keeps_nan_and_loses_infinity():
    x = np.array([np.nan, -np.inf, -3.0], np.float32)
    losses = jax.jit(lambda x: sigmoid_focal_loss(x, np.ones(3, np.float32), alpha=0.0, gamma=0.0))(x)
    np.testing.assert_array_equal(losses, [np.nan, 0.0, 0.0])
