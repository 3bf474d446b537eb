"""The checks: properties of a port. A new check is a class in one of these files and a line in `CHECKS`."""

from focal_conformance.checks import calls, inputs, parameters, results
from focal_conformance.checks.check import Check
from focal_conformance.checks.numeric import NUMERIC_CHECKS
from focal_conformance.checks.reductions import Masking, Normalizer, Reductions, Weights
from focal_conformance.checks.spec_rows import SPEC_CHECKS
from focal_conformance.checks.transforms import TRANSFORM_CHECKS

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        *NUMERIC_CHECKS,
        Reductions(),
        Normalizer(),
        Weights(),
        Masking(),
        *SPEC_CHECKS,
        results.ResultKind(),
        calls.ChainRule(),
        calls.FreshParameters(),
        calls.Repeatable(),
        calls.NoTrace(),
        inputs.NoBroadcasting(),
        inputs.Layouts(),
        inputs.EdgeShapes(),
        inputs.IntegerTargets(),
        parameters.BadParameters(),
        *TRANSFORM_CHECKS,
    )
}

__all__ = ["CHECKS", "Check"]
