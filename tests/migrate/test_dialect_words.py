"""What the dialects of libraries can say, and what they refuse to say."""

import pytest

from focal_conformance.dialect import DENOMINATORS, Dialect, NotClaimed, Parameters
from focal_conformance.ports.peers import PEERS

BACKGROUND = Dialect(alpha_form="background", reduction=None)
BY_CLASS = Dialect(alpha=None, fixed_alpha=(None,), alpha_by_class="weights", reduction=None)
RULES = Dialect(soft_targets_argument="soft_targets", detach_modulator="detach", axis="dim", reduction=None)


@pytest.mark.parametrize(
    ("dialect", "parameters", "said"),
    [
        (BACKGROUND, Parameters((0.75, 0.25, 0.25)), {"alpha": 0.25}),
        (BACKGROUND, Parameters(0.5), {"alpha": 0.5}),
        (Dialect(alpha_form="pair", reduction=None), Parameters(0.25), {"alpha": [0.75, 0.25]}),
        (BY_CLASS, Parameters((0.1, 0.9)), {"weights": [0.1, 0.9]}),
        (BY_CLASS, Parameters(None), {}),
        (RULES, Parameters(soft_targets="margin", axis=1), {"alpha": 0.25, "soft_targets": "margin", "dim": 1}),
        (RULES, Parameters(detach_modulator=True), {"alpha": 0.25, "soft_targets": "linear", "detach": True}),
        (Dialect(ignore_index="skip", reduction=None), Parameters(ignore_index=0), {"alpha": 0.25, "skip": 0}),
        (
            Dialect(normalizer="boxes", normalizer_off=(1,), reduction=None, returns="sum"),
            Parameters(reduction="sum"),
            {"alpha": 0.25, "boxes": 1},
        ),
        (Dialect(soft_targets="expected", reduction=None), Parameters(soft_targets="expected"), {"alpha": 0.25}),
    ],
)
def test_a_dialect_says_it_in_its_own_words(dialect, parameters, said):
    assert dialect.keywords(parameters) == {"gamma": 2.0, **said}


@pytest.mark.parametrize(
    ("dialect", "parameters"),
    [
        (BACKGROUND, Parameters(0.25)),
        (BACKGROUND, Parameters((0.1, 0.2, 0.7))),
        (BY_CLASS, Parameters(0.25)),
        (Dialect(), Parameters((0.1, 0.9))),
        (Dialect(), Parameters(soft_targets="margin")),
        (Dialect(soft_targets=None), Parameters(soft_targets="expected")),
        (Dialect(), Parameters(detach_modulator=True)),
        (Dialect(), Parameters(ignore_index=0)),
        (Dialect(), Parameters(axis=1)),
        (Dialect(), Parameters(label_smoothing=0.1)),
    ],
)
def test_what_it_has_no_words_for_is_refused(dialect, parameters):
    with pytest.raises(NotClaimed):
        dialect.keywords(parameters)


@pytest.mark.parametrize("peer", PEERS.values(), ids=lambda peer: peer.name)
def test_a_peers_dialects_are_whole(peer):
    dialects = [peer.dialect, *([peer.code_dialect] if peer.code_dialect else [])]
    assert all(denominator in DENOMINATORS for dialect in dialects for denominator in dialect.denominators.values())
    assert peer.code_dialect is None or (peer.differences and peer.code_dialect != peer.dialect)
    assert not peer.code_loss or peer.code_dialect
    assert bool(peer.environment_packages) == peer.install.startswith("in an environment of its own: pip install ")
    assert all(requirement in peer.install for requirement in peer.environment_packages)
