"""Public packages as ports, each with the dialect that its own documentation declares.

A new peer is one file here and one line in `PEERS`. Verdicts never stand in these files: they come
from running the checks, and `peers.json` records what a run gave.
"""

from importlib.util import find_spec

from focal_conformance.ports.peers import article, fvcore, keras, kornia, monai, optax, torchvision
from focal_conformance.ports.peers.peer import Peer
from focal_conformance.ports.port import Port, PortMissing

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
    return [package for package in PEERS[name].packages if find_spec(package) is None]


def load(name: str) -> Port:
    """The peer as a port; imports its packages."""
    missing = missing_packages(name)
    if missing:
        raise PortMissing(f"peer:{name} needs {', '.join(missing)}: {PEERS[name].install}")
    return PEERS[name].load()
