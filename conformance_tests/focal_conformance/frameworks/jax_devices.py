"""JAX without float64, and on a device that is not the first."""

import jax

from focal_conformance.checks.transforms.trial import Trial
from focal_conformance.dialect import NotClaimed


def x64_off(trial: Trial) -> None:
    """The setting of most users: results in float32, and the setting stays."""
    if "float32" not in trial.session.dtypes:
        raise NotClaimed("it does not claim float32, the widest dtype then")
    before = jax.config.jax_enable_x64
    # Not the context manager: it would hide a port that changes the setting for the whole process.
    jax.config.update("jax_enable_x64", False)
    try:
        points = trial.points(dtype="float32")
        x, t = trial.arrays(points)
        value, slope = trial.driver.gradient(trial.function(points), x, t)
        kept = not jax.config.jax_enable_x64
    finally:
        jax.config.update("jax_enable_x64", before)
    trial.outcome.expect(kept, "it switches jax_enable_x64 on")
    trial.judge_both(value, slope, points, "without x64")
    for name, got in (("value", value), ("gradient", slope)):
        dtype = trial.driver.dtype_of(got)
        trial.outcome.expect(dtype == "float32", f"without x64: {name} in {dtype}, expected float32")


def virtual_devices(trial: Trial) -> None:
    """Value and gradient on the last device, where the logits and targets are."""
    device = jax.devices(trial.driver.device.partition(":")[0])[-1]
    if device.id == 0:
        raise NotClaimed(
            "JAX has one device here: it was started before XLA_FLAGS could ask for more "
            "(--xla_force_host_platform_device_count=2), or it is a machine with one accelerator"
        )
    points = trial.points()
    x, t = (jax.device_put(array, device) for array in trial.arrays(points))
    value, slope = trial.driver.gradient(trial.function(points), x, t)
    trial.judge_both(value, slope, points, f"on {device}")
    for name, got in (("value", value), ("gradient", slope)):
        where = ", ".join(sorted(str(place) for place in got.devices()))
        trial.outcome.expect(got.devices() == {device}, f"{name} on {where} for logits on {device}")
