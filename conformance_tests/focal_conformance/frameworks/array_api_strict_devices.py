"""The devices that array-api-strict pretends to have: what mixes two of them is refused by it."""

from typing import Any

import array_api_strict as xp

from focal_conformance.checks.transforms.trial import Trial


def virtual_devices(trial: Trial) -> None:
    """Value and the companion's gradient on the device of the logits."""
    points = trial.points()
    function = trial.function(points)
    for device in (xp.Device("device1"), xp.Device("device2")):
        x, t = (xp.asarray(array, device=device) for array in trial.arrays(points))
        results: dict[str, Any] = {"value": function(x, t)}
        if hasattr(function, "companion"):
            _, results["gradient"] = function.companion(x, t)
        for name, got in results.items():
            place = got.device
            trial.outcome.expect(place == device, f"{name} on {place} for logits on {device}")
            trial.judge(name, xp.asarray(got, device=xp.Device("CPU_DEVICE")), points, f"on {device}")
