"""Print the reference's largest errors against the golden vectors, in ULP of float64."""

from collections import defaultdict

import numpy as np

from focal_conformance.errors import ulp_errors
from focal_conformance.formats import FORMATS
from focal_conformance.vectors.load import all_cases
from focal_ref import LOSSES


def loss_of(case):
    """The loss object of a case."""
    settings = {"soft_targets": case.soft_targets, "detach_modulator": case.detach_modulator}
    return LOSSES[case.loss](alpha=case.alpha, gamma=case.gamma, **settings)


def evaluated(case, quantity, loss=None):
    """What the reference gives for a quantity of a case."""
    loss = loss_of(case) if loss is None else loss
    if quantity == "product":
        return loss.hessian_product(case.logits, case.targets, np.broadcast_to(case.vector, case.logits.shape))
    return getattr(loss, quantity)(case.logits, case.targets)


def errors(case, quantity, got, dtype="float64"):
    """In ULP of a dtype; 0 where the vectors hold nothing."""
    found = ulp_errors(got, case.exact[quantity], case.scale[quantity], FORMATS[dtype])
    return found if found.ndim == 1 or quantity == "value" else np.where(case.known, found, 0.0)


if __name__ == "__main__":
    largest: dict[tuple[str, ...], float] = defaultdict(float)
    for name in LOSSES:
        for fmt in FORMATS:
            for one in all_cases(name, fmt):
                for quantity in one.exact:
                    key = (name, one.soft_targets, quantity, "gamma <= 5" if one.gamma <= 5.0 else "gamma 10")
                    largest[key] = max(largest[key], float(errors(one, quantity, evaluated(one, quantity)).max()))
    for key, error in sorted(largest.items()):
        print(f"{key[0]:14} {key[1]:14} {key[2]:10} {key[3]:11} {error:.1f}")
