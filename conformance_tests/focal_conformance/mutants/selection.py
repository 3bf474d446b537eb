"""Which mutants prove the suite: each deviation, unusual parameters, pairs; and right ports that must pass."""

from dataclasses import dataclass

from focal_conformance.deviations import CATALOGUE
from focal_conformance.mutants.names import losses_of

SINGLE, UNUSUAL, PAIR, RIGHT = "single", "unusual", "pair", "right"


@dataclass(frozen=True)
class Trial:
    """One port for one loss."""

    name: str
    """Of a mutant, or the connectable of a right port."""
    loss: str
    kind: str
    framework: str = ""
    """Of a right port."""


UNUSUAL_PARAMETERS = (
    "epsilon_in_log=3e-5",
    "log_of_at_least=5e-6",
    "clipped_probabilities=2e-3",
    "epsilon_in_power=4e-4",
    "clipped_logits=12.5",
    "log_floor=7.3",
    "temperature=1.7",
    "gamma_fixed=1.3",
    "gamma_shifted=0.3",
    "gamma_scaled=1.6",
    "alpha_fixed=0.6",
    "reduced_threshold=0.42",
    "poly_term=0.35",
    "targets_smoothed=0.03",
    "cross_entropy_smoothed=0.07",
    "scaled=0.7",
    "constant_added=3e-4",
    "value_capped=7.5",
    "gradient_scaled=0.35",
    "gradient_clipped=13",
)
"""Numbers that no list of usual ones has: they are estimated."""

PAIRS = (
    "alpha_swapped+epsilon_in_log=1e-5",
    "alpha_swapped+modulator_detached",
    "alpha_swapped+sign_missing",
    "alpha_swapped+double_sigmoid",
    "alpha_swapped+soft_targets_cross_entropy",
    "alpha_swapped+mean_is_sum",
    "alpha_swapped+modulator_of_mean_cross_entropy",
    "alpha_on_positives_only+gamma_multiplied",
    "alpha_on_positives_only+modulator_of_p",
    "alpha_on_both_classes+clipped_probabilities=1e-3",
    "alpha_on_both_classes+temperature=0.5",
    "alpha_ignored+log10",
    "alpha_ignored+modulator_of_p_t",
    "alpha_applied_twice+modulator_one_minus_power",
    "alpha_inside_p_t+targets_smoothed=0.1",
    "alpha_in_reverse+modulator_missing",
    "alpha_of_next_class+epsilon_in_log=1e-5",
    "alpha_with_background+modulator_detached",
    "negatives_dropped+epsilon_in_log=1e-8",
    "gamma_multiplied+sum_is_mean",
    "gamma_shifted=1+alpha_on_both_classes",
    "modulator_missing+clipped_logits=10",
    "modulator_of_p_t+scaled=2",
    "modulator_detached+mean_counts_ignored",
    "modulator_of_log_p_t+weight_ignored",
    "epsilon_in_log=1e-5+mean_over_batch_size",
    "targets_of_next_class+log2",
    "log10+normalizer_ignored",
)
"""Two mistakes of different topics in one port."""

MODULE = "py:focal_conformance.mutants"
RIGHT_PORTS = (
    Trial(f"{MODULE}.right_torch:log_space", "sigmoid_focal", RIGHT, "torch"),
    Trial(f"{MODULE}.right_torch:Analytic", "sigmoid_focal", RIGHT, "torch"),
    Trial(f"{MODULE}.right_torch:by_torch_func", "sigmoid_focal", RIGHT, "torch"),
    Trial(f"{MODULE}.right_torch:float32_only", "sigmoid_focal", RIGHT, "torch"),
    Trial(f"{MODULE}.right_numpy:without_gradient", "sigmoid_focal", RIGHT, "numpy"),
    Trial("mutant:unchanged", "sigmoid_focal", RIGHT),
    Trial("mutant:unchanged", "softmax_focal", RIGHT),
)
"""Right ports in different styles, the one that mutants change among them."""


def trials(names: tuple[str, ...] = ()) -> tuple[Trial, ...]:
    """All of them, or the mutants named."""
    if names:
        return tuple(Trial(name, loss, _kind(name)) for name in names for loss in losses_of(name))
    chosen = [(name, SINGLE) for name in CATALOGUE]
    chosen += [(name, UNUSUAL) for name in UNUSUAL_PARAMETERS] + [(name, PAIR) for name in PAIRS]
    return (*(Trial(name, loss, kind) for name, kind in chosen for loss in losses_of(name)), *RIGHT_PORTS)


def _kind(name: str) -> str:
    return PAIR if "+" in name else UNUSUAL if "=" in name else SINGLE
