"""From a connectable, `kind:name[@mode]`, to a port."""

from difflib import get_close_matches
from importlib import import_module
from typing import Any

from focal_conformance.ports import adapters, peers, python
from focal_conformance.ports.port import ANSWER_TIMEOUT, DEFAULT_LOSS, Options, Port, UsageError
from focal_ref import LOSSES

KINDS = {
    "adapter": "an adapter of this project: adapter:torch, adapter:torch@compile",
    "peer": "a public package that the kit knows: peer:torchvision",
    "py": "a Python function: py:package.module:object or py:path/to/file.py:object (runs the code it names)",
    "cmd": "a program in any language that speaks JSON lines: cmd:./port, 'cmd:node port.js' (runs it)",
    "results": "answers of a port that ran elsewhere: results:answers.jsonl (questions: `focal-ref vectors export`)",
    "mutant": "a port with a known deviation: mutant:alpha_swapped, mutant:epsilon_in_log=1e-5 (docs/mutants.md)",
}


def _foreign(kind: str) -> Any:
    """Ports outside Python, loaded when one is named: only they need jsonschema, which a GPU machine may not have."""
    return import_module(f"focal_conformance.ports.{kind}")


def known_ports() -> list[str]:
    """All connectables that need no path."""
    return adapters.names() + peers.names()


def package_installed(connectable: str) -> bool:
    """Whether the package behind a known port is installed; imports nothing heavy."""
    kind, _, rest = connectable.partition(":")
    name, _, mode = rest.partition("@")
    return adapters.installed(name, mode) if kind == "adapter" else peers.installed(rest)


def in_common(connectable: str) -> bool:
    """Whether the port belongs in the environment that holds all others: no package conflicts with another's."""
    kind, _, rest = connectable.partition(":")
    name, _, mode = rest.partition("@")
    if kind == "adapter":
        return adapters.in_common(name, mode)
    return kind != "peer" or not peers.PEERS[rest].environment_packages


def check_name(connectable: str) -> None:
    """UsageError for a connectable that names nothing, with the nearest names; imports nothing heavy."""
    kind, separator, rest = connectable.partition(":")
    if not separator or not rest or kind not in KINDS:
        near = _nearest(connectable)
        kinds = "\n".join(f"  {name}:...  {text}" for name, text in KINDS.items())
        raise UsageError(f"unknown port {connectable!r}{near}; a port is named by its kind:\n{kinds}")
    if kind == "py":
        python.split_name(rest)
    elif kind == "cmd":
        _foreign("command").command_words(rest)
    elif kind == "results":
        pass
    elif kind == "mutant":
        from focal_conformance.mutants.names import mutations

        mutations(rest)
    elif kind == "adapter" and rest.split("@")[0] in adapters.BACKENDS:
        name, _, mode = rest.partition("@")
        if (mode or "eager") not in adapters.BACKENDS[name].modes:
            modes = ", ".join(adapters.BACKENDS[name].modes)
            raise UsageError(f"adapter:{name} has no mode {mode!r}; it has {modes}")
    elif connectable not in known_ports():
        raise UsageError(f"unknown port {connectable!r}{_nearest(connectable)}; `focal-ref list` names them all")


def _nearest(connectable: str) -> str:
    known = known_ports()
    near = get_close_matches(connectable, known, n=3, cutoff=0.5)
    near = near or [name for name in known if connectable and connectable in name][:3]
    return f" (did you mean {', '.join(near)}?)" if near else ""


def resolve(connectable: str, options: Options) -> Port:
    """The port, ready to be called; imports its framework and its package."""
    check_name(connectable)
    kind, _, rest = connectable.partition(":")
    if kind == "py":
        return python.load(rest, options)
    if kind == "cmd":
        return _foreign("command").load(rest, options)
    if kind == "results":
        return _foreign("results").load(rest, options)
    if kind == "mutant":
        from focal_conformance import mutants

        return mutants.load(rest, options)
    if kind == "adapter":
        name, _, mode = rest.partition("@")
        return adapters.load(name, mode or "eager", options)
    return peers.load(rest, code=options.code)


def losses_of(connectable: str, loss: str | None, timeout: float = ANSWER_TIMEOUT) -> tuple[str, ...]:
    """The losses that a port is verified for: the one asked for, else all that it is known or found to have.

    A port in another language is asked; ``timeout`` are the seconds that its answer may take.
    """
    kind, _, rest = connectable.partition(":")
    if kind == "peer":
        own = peers.PEERS[rest].loss
        if loss not in (None, own):
            raise UsageError(f"{connectable} computes {own}, not {loss}")
        return (own,)
    if kind == "adapter" and rest.split("@")[0] in adapters.BACKENDS:
        known = adapters.losses(*rest.partition("@")[::2])
        if loss is not None and loss not in known:
            raise UsageError(f"{connectable} computes {', '.join(known)}, not {loss}, in a way of its own")
        return known if loss is None else (loss,)
    if loss is not None:
        return (loss,)
    if kind == "cmd":
        return _foreign("command").declared_losses(rest, timeout)
    if kind == "results":
        return _foreign("results").declared_losses(rest)
    if kind == "mutant":
        from focal_conformance.mutants.names import losses_of as of_mutant

        return of_mutant(rest)
    return tuple(LOSSES) if kind == "adapter" else (DEFAULT_LOSS,)
