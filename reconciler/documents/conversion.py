"""Documents from JSON, and their JSON Schemas, by pydantic: import this module only where one is read or described.

Takes JSON, which is hostile input; returns parts of documents. Does no I/O.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from reconciler import json_text
from reconciler.documents.base import Part
from reconciler.json_text import Json

Read = TypeVar("Read", bound=Part)
__all__ = [
    "InvalidPart",
    "from_content",
    "from_document",
    "from_text",
    "json_schema",
]

_adapters: dict[type[Part], TypeAdapter[Any]] = {}
_WORDS: Mapping[str, str] = {
    "bool_type": "it must be true or false",
    "dataclass_type": "it must be an object",
    "dict_type": "it must be an object",
    "float_type": "it must be a number",
    "greater_than_equal": "it must be at least {ge}",
    "int_type": "it must be an integer",
    "literal_error": "it must be {expected}",
    "missing": "it is missing",
    "string_pattern_mismatch": "it must match the pattern {pattern}",
    "string_type": "it must be a string",
    "tuple_type": "it must be an array",
    "unexpected_keyword_argument": "it is not a known key",
}
"""What is wrong, in the words of JSON, by pydantic's type of error, whose own words are those of Python."""
_OTHERWISE = "it is not a valid value"


class InvalidPart(ValueError):
    """JSON that is not the part that it should be.

    Attributes:
        place: The keys and numbers that lead to the first value that is wrong.
        words: What is wrong with it, after a colon.
        missing: The places of keys that are missing.
    """

    def __init__(
        self, place: tuple[str | int, ...], words: str, missing: tuple[tuple[str | int, ...], ...] = ()
    ) -> None:
        self.place = place
        self.words = words
        self.missing = missing
        super().__init__(self.reason())

    def reason(self, levels: int | None = None) -> str:
        """Return what is wrong, and where.

        Args:
            levels: How much of the place to name; None for all of it.
        """
        where = ".".join(str(part) for part in self.place[:levels])
        return f"at {where}: {self.words}" if where else self.words


def _adapter(kind: type[Part]) -> TypeAdapter[Any]:
    """Return pydantic's validator and serializer of a class, which it builds once."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def from_content(kind: type[Read], content: Json) -> Read:
    """Return a part from the values of its JSON.

    Raises:
        InvalidPart: It is not such a part.
    """
    return from_document(kind, json.dumps(content), content)


def from_text(kind: type[Read], text: str | bytes) -> Read:
    """Return a part from its JSON.

    Raises:
        ValueError: It is not valid JSON; an `InvalidPart` if it is not such a part.
        RecursionError: It is nested too deeply.
    """
    return from_document(kind, text, json_text.parse_document(text))


def from_document(kind: type[Read], text: str | bytes, content: Json) -> Read:
    """Return a part from its JSON; values of other types than in its JSON Schema are refused, not converted.

    Args:
        kind: The class of the part.
        text: The JSON.
        content: The values in it; None if they are not known, and a format version needs no check.

    Raises:
        InvalidPart: It is not such a part.
    """
    try:
        # Strictly, only JSON is read into tuples and dataclasses; lists and mappings are not.
        found: Read = _adapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        raise _invalid(error) from None
    given = content if isinstance(content, Mapping) else {}
    for field in fields(kind):
        # For pydantic, true is the literal 1.
        is_literal = str(field.type).startswith("Literal") and type(field.default) is int
        if is_literal and type(given.get(field.name, field.default)) is not int:
            raise InvalidPart((field.name,), _WORDS["literal_error"].format(expected=field.default))
    return found


def _invalid(error: ValidationError) -> InvalidPart:
    found = error.errors(include_url=False, include_input=False)
    first = found[0]
    words = _WORDS.get(first["type"], _OTHERWISE).format_map(first.get("ctx", {}))
    return InvalidPart(first["loc"], words, tuple(item["loc"] for item in found if item["type"] == "missing"))


def json_schema(kind: type[Part]) -> dict[str, Any]:
    """Return the JSON Schema of a part as it is written."""
    return _adapter(kind).json_schema(by_alias=True, mode="serialization")
