"""What a framework has to supply for the pipeline."""

from typing import Any, Protocol

from focal_ref.losses import Loss

Array = Any


class Backend(Protocol):
    """What a framework has to supply."""

    @property
    def xp(self) -> Any:
        """Array-API namespace: astype, where, sum, maximum, broadcast_to, count_nonzero, ..."""

    def as_array(self, name: str, value: Any, like: Array | None) -> Array:
        """The framework's own array; TypeError for what is none. ``like`` gives the device for lists and numbers."""

    def kind(self, array: Array) -> str:
        """'floating', 'integer', 'bool' or 'complex'."""

    def compute_dtype(self, array: Array) -> Any:
        """The dtype to compute in: float32 for the half types, else the array's own."""

    def refuse_derivative(self, name: str, array: Array) -> None:
        """TypeError if a derivative with respect to this argument is asked for, where that can be known."""

    def readable(self, array: Array) -> bool:
        """Whether values can be read without waiting for a device and outside of any tracing."""

    def traced(self, array: Array) -> bool:
        """Whether values cannot be read at all, not even by waiting."""

    def elements(self, loss: Loss, logits: Array, targets: Array) -> Array:
        """Element losses with their analytic derivatives."""
