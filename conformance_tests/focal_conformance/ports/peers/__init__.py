"""Public packages as ports, each with the dialect that its own documentation declares.

A new peer is one file here and one line in `PEERS`. Verdicts never stand in these files: they come
from running the checks, and `peers.json` records what a run gave.
"""

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec

from focal_conformance.ports.peers import (
    article,
    focal_loss,
    focal_loss_torch,
    fvcore,
    keras,
    keras_categorical,
    kornia,
    kornia_softmax,
    monai,
    monai_softmax,
    optax,
    paddle,
    smp,
    timm,
    toolbelt,
    torchvision,
    transformers,
    ultralytics,
)
from focal_conformance.ports.peers.peer import Peer
from focal_conformance.ports.port import Port, PortMissing, UsageError

PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        torchvision.PEER,
        fvcore.PEER,
        kornia.PEER,
        monai.PEER,
        *keras.PEERS,
        optax.PEER,
        article.PEER,
        kornia_softmax.PEER,
        monai_softmax.PEER,
        *keras_categorical.PEERS,
        *smp.PEERS,
        *toolbelt.PEERS,
        timm.PEER,
        *transformers.PEERS,
        *focal_loss.PEERS,
        *focal_loss_torch.PEERS,
        paddle.PEER,
        ultralytics.PEER,
    )
}


def names() -> list[str]:
    """Connectables of all peers."""
    return [f"peer:{name}" for name in PEERS]


def installed(name: str) -> bool:
    """Whether all packages of a peer are installed; imports nothing."""
    return not missing_packages(name)


def missing_packages(name: str) -> list[str]:
    """Packages of a peer that are not installed."""
    peer = PEERS[name]
    missing = [package for package in peer.packages if find_spec(package) is None]
    if peer.environment_packages:
        # Two distributions may install one import name: only their metadata tells them apart.
        missing += [name for name in peer.distributions if name not in missing and not _distributed(name)]
    return missing


def _distributed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def load(name: str, code: bool = False) -> Port:
    """The peer as a port, in its documented dialect or in that of its code; imports its packages."""
    missing = missing_packages(name)
    if missing:
        raise PortMissing(f"peer:{name} needs {', '.join(missing)}: {PEERS[name].install}")
    if code and PEERS[name].code_dialect is None:
        raise UsageError(
            f"peer:{name} has one dialect: its code does what its documentation says, or nothing that fits"
        )
    return PEERS[name].load(code)
