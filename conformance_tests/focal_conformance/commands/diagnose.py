"""``focal-ref diagnose``."""

from argparse import Namespace


def run(parsed: Namespace) -> int:
    """Run the command."""
    raise NotImplementedError
