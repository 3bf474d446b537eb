"""The four rules for a target between 0 and 1; they agree on 0 and 1."""

LINEAR, CROSS_ENTROPY, MARGIN, EXPECTED = SOFT_TARGETS = ("linear", "cross_entropy", "margin", "expected")


def checked_rule(soft_targets: str) -> str:
    """The rule, if it is one of the four."""
    if soft_targets not in SOFT_TARGETS:
        raise ValueError(f"soft_targets must be one of {', '.join(SOFT_TARGETS)}, got {soft_targets!r}")
    return soft_targets
