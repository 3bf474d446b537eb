"""Lines of the protocol: JSON, checked against its schema in both directions."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

Message = dict[str, Any]
NUMBER = {"$ref": "#/$defs/number"}
LONGEST_MESSAGE = 200


class BadMessage(ValueError):
    """A line that is no message of the protocol; the text names the field."""


@lru_cache
def schema() -> Message:
    """The published schema of all messages."""
    text = files("focal_conformance").joinpath("schema", "protocol.schema.json").read_text("ascii")
    result: Message = json.loads(text)
    return result


def line_of(message: Message, kind: str) -> str:
    """A message as one line, the end of line included; a bug of the kit if it does not fit the schema."""
    check(message, kind)
    return json.dumps(message, allow_nan=False) + "\n"


def parsed(line: bytes, kind: str) -> Message:
    """The message in a line, fitting the definition ``kind`` of the schema; BadMessage if it is none."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadMessage(f"byte {error.start} is not UTF-8: {_shown(repr(line[:60]))}") from error
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except BadMessage:
        raise
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"not a JSON object: {_shown(repr(text[:60]))}") from error
    check(message, kind)
    result: Message = message
    return result


def check(message: Any, kind: str) -> None:
    """BadMessage naming the first field that does not fit."""
    # Quick where all is right: the best match is looked for only in what is wrong.
    if _validator(kind).is_valid(message):
        return
    error = best_match(_validator(kind).iter_errors(message))
    field = error.json_path.removeprefix("$").removeprefix(".")
    raise BadMessage(f"{field + ': ' if field else ''}{_shown(error.message)}")


def _refuse_constant(name: str) -> Any:
    raise BadMessage(f'{name} is not JSON: write the string "{name}"')


def _shown(text: str) -> str:
    """What a message says of a value stands behind it."""
    half = LONGEST_MESSAGE // 2
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:half]} ... {text[-half:]}"


def _items(validator: Any, items: Any, instance: Any, own: Any) -> Iterator[ValidationError]:
    """The keyword ``items``; of numbers only the first bad one is looked at closely, for arrays are long."""
    if items != NUMBER or not isinstance(instance, list):
        yield from Draft202012Validator.VALIDATORS["items"](validator, items, instance, own)
        return
    fits = re.compile(schema()["$defs"]["number"]["pattern"]).search
    for place, number in enumerate(instance):
        if type(number) is str and fits(number):
            continue
        if type(number) in (int, float):
            continue
        yield from validator.descend(number, items, path=place)
        return


_Validator: Any = extend(Draft202012Validator, {"items": _items})  # type: ignore[no-untyped-call]


@lru_cache
def _validator(kind: str) -> Any:
    return _Validator({"$ref": f"#/$defs/{kind}", "$defs": schema()["$defs"]})
