"""The text of a vector file: hexadecimal literals, one line an array, so that a diff shows what changed."""

import json
from typing import Any

SETS = ("logits", "points", "groups")


def literal(number: float) -> str:
    """C99 literal without the zeros that end Python's; the sign of zero says nothing here."""
    text = float(number + 0.0).hex()
    if "p" not in text:
        return text
    digits, exponent = text.split("p")
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}p{exponent}"


def literals(numbers: Any) -> list[Any]:
    """Literals of an array of any rank."""
    return [literals(entry) if hasattr(entry, "__len__") else literal(float(entry)) for entry in numbers]


def text_of(document: dict[str, Any]) -> str:
    """JSON of a whole file."""
    lines = []
    for key, value in document.items():
        if key in SETS:
            entries = ",\n".join(
                "  {\n" + ",\n".join(f"   {json.dumps(k)}: {_array(v)}" for k, v in entry.items()) + "\n  }"
                for entry in value
            )
            lines.append(f" {json.dumps(key)}: [\n{entries}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _array(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "[\n" + ",\n".join(f"    {_compact(row)}" for row in value) + "\n   ]"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
