"""Scales of the errors of a case, each computed when somebody first asks for it."""

from collections.abc import Callable, Iterator, Mapping

from focal_conformance.formats import Float64


class Scales(Mapping[str, Float64]):
    """Quantity -> scale of its error, of the shape of the exact results.

    Those of second derivatives take longest, and only the recommended level asks for them.
    """

    def __init__(self, quantities: tuple[str, ...], compute: Callable[[str], Float64]) -> None:
        self._quantities, self._compute = quantities, compute
        self._known: dict[str, Float64] = {}

    def __getitem__(self, quantity: str) -> Float64:
        if quantity not in self._quantities:
            raise KeyError(quantity)
        if quantity not in self._known:
            self._known[quantity] = self._compute(quantity)
        return self._known[quantity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._quantities)

    def __len__(self) -> int:
        return len(self._quantities)
