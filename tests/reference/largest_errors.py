"""Print the reference's largest errors against the golden vectors, in ULP of float64."""

import focal_ref
from focal_conformance.errors import ulp_errors
from focal_conformance.formats import FORMATS
from focal_conformance.vectors.load import cases


def largest(quantity, smallest_gamma, largest_gamma):
    """The largest error of a quantity over the cases of a range of gamma."""
    return max(
        ulp_errors(
            getattr(focal_ref.SigmoidFocal(case.alpha, case.gamma), quantity)(case.logits, case.targets),
            case.exact[quantity],
            case.scale[quantity],
            FORMATS["float64"],
        ).max()
        for dtype in FORMATS
        for case in cases("sigmoid_focal", dtype)
        if smallest_gamma <= case.gamma <= largest_gamma
    )


if __name__ == "__main__":
    for name in ("value", "gradient", "curvature"):
        print(f"{name:10} gamma <= 5: {largest(name, 0.0, 5.0):.1f}   gamma 10: {largest(name, 10.0, 10.0):.1f}")
