"""Ports: what is verified, and how each kind is named on the command line."""

from focal_conformance.ports.port import Port, PortMissing, UsageError
from focal_conformance.ports.resolve import KINDS, known_ports, resolve

__all__ = ["KINDS", "Port", "PortMissing", "UsageError", "known_ports", "resolve"]
