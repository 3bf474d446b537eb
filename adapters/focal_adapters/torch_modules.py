"""The losses as torch modules without state, one class for each registered loss."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from focal_adapters.faces import check_names, class_names, class_signature
from focal_ref.checks import check_reduction, checked_flag, checked_ignore_index, checked_validate
from focal_ref.losses import Loss

_OPTIONS = {"reduction": "mean", "ignore_index": None, "validate": None, "recompute": False}


class FocalLossModule(torch.nn.Module):  # type: ignore[misc]
    """A loss and its reduction; the parameters may be assigned later on."""

    loss_class: type[Loss]
    function: Callable[..., Any]

    def __init__(
        self,
        *positional: Any,
        reduction: str = "mean",
        ignore_index: int | None = None,
        validate: bool | None = None,
        recompute: bool = False,
        **parameters: Any,
    ) -> None:
        super().__init__()
        if positional:
            first = ", ".join(self._parameter_names)
            raise TypeError(f"{type(self).__name__} takes keywords only, such as {first}; got {positional[0]!r}")
        check_reduction(reduction, None)
        check_names(type(self).__name__, parameters, self._parameter_names)
        loss = self.loss_class(**parameters)
        for name in self._parameter_names:
            setattr(self, name, getattr(loss, name))
        self.reduction = reduction
        self.ignore_index = checked_ignore_index(ignore_index)
        self.validate = checked_validate(validate)
        self.recompute = checked_flag("recompute", recompute)

    _parameter_names: tuple[str, ...] = ()

    def forward(
        self, logits: Tensor, targets: Any, *, weight: Any = None, mask: Any = None, normalizer: Any = None
    ) -> Tensor:
        """Reduced loss; takes what the function of the same name takes."""
        options: dict[str, Any] = {"weight": weight, "mask": mask, "normalizer": normalizer}
        options |= {"reduction": self.reduction, "ignore_index": self.ignore_index}
        options |= {"validate": self.validate, "recompute": self.recompute}
        parameters = {name: getattr(self, name) for name in self._parameter_names}
        result: Tensor = type(self).function(logits, targets, **parameters, **options)
        return result

    def extra_repr(self) -> str:
        """Show the parameters in ``repr``, those with a default only where they differ from it."""
        defaults = {field.name: field.default for field in dataclasses.fields(self.loss_class)}  # type: ignore[arg-type]
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name, default in defaults.items()
            if name in ("alpha", "gamma") or getattr(self, name) != default
        ]
        shown.append(f"reduction={self.reduction!r}")
        for name in ("ignore_index", "validate"):
            if getattr(self, name) is not None:
                shown.append(f"{name}={getattr(self, name)}")
        if self.recompute:
            shown.append("recompute=True")
        return ", ".join(shown)


def module_classes(functions: Mapping[str, Callable[..., Any]], module: str) -> dict[str, type[FocalLossModule]]:
    """A class for each loss, importable from ``module``, so that objects can be pickled."""
    classes = {}
    for name, loss in class_names().items():
        function_name = f"{loss.name}_loss"
        names = ", ".join((*(field.name for field in dataclasses.fields(loss)), *_OPTIONS))  # type: ignore[arg-type]
        doc = (
            f"`{function_name}` as a module without state.\n\nParameters\n----------\n"
            f"{names}\n"
            f'    As in `{function_name}`, checked here; ``reduction`` is "mean" unless told otherwise. They may be\n'
            "    assigned later on."
        )
        members = {
            "__doc__": doc,
            "__module__": module,
            "loss_class": loss,
            "function": staticmethod(functions[function_name]),
            "__signature__": class_signature(loss, _OPTIONS),
            "_parameter_names": tuple(field.name for field in dataclasses.fields(loss)),  # type: ignore[arg-type]
        }
        classes[name] = type(name, (FocalLossModule,), members)
    return classes
