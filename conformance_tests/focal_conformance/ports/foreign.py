"""A port that is no Python function, from its declaration and a way to ask it."""

from collections.abc import Callable
from typing import Any

from focal_conformance.ports.declaration import dialect_of
from focal_conformance.ports.messages import Message
from focal_conformance.ports.port import Options, Port

Ask = Callable[[tuple[str, ...], dict[str, Any]], tuple[Any, ...]]
"""(wants, arguments in the words of the specification) -> an array for each quantity."""


def foreign_port(name: str, framework: str, declared: Message, options: Options, ask: Ask) -> Port:
    """The port: value, and gradient and second derivative if they are declared."""
    gives = declared["gives"]

    def value(**arguments: Any) -> Any:
        return ask(("value",), arguments)[0]

    def value_and_gradient(**arguments: Any) -> Any:
        return ask(("value", "gradient"), arguments)

    def product(**arguments: Any) -> Any:
        return ask(("hessian_product",), arguments)[0]

    device = declared.get("device", "cpu")
    return Port(
        name=name,
        framework=framework,
        dialect=dialect_of(declared),
        function=value,
        loss=options.loss,
        companion=value_and_gradient if "gradient" in gives else None,
        second_companion=product if "hessian_product" in gives else None,
        versions={declared["name"]: declared["version"]},
        notes=() if device == "cpu" else (f"it computes on {device}, as it declares",),
        flags=options.flags(),
    )
