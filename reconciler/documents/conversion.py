"""Documents from JSON, and their JSON Schemas, by pydantic: import this module only where one is read or described.

Takes JSON, which is hostile input; returns parts of documents. Does no I/O.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from reconciler.documents.base import Part
from reconciler.json_text import Json

Read = TypeVar("Read", bound=Part)
__all__ = [
    "ValidationError",
    "from_content",
    "from_text",
    "json_schema",
    "reason",
]

_adapters: dict[type[Part], TypeAdapter[Any]] = {}
_WORDS = {"unexpected_keyword_argument": "Extra inputs are not permitted"}
"""What to say instead of pydantic's words, which are those of Python's calls, by type of error."""


def _adapter(kind: type[Part]) -> TypeAdapter[Any]:
    """Return pydantic's validator and serializer of a class, which it builds once."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def from_content(kind: type[Read], content: Json) -> Read:
    """Return a part from the values of its JSON.

    Raises:
        ValidationError: It is not such a part.
    """
    found: Read = _adapter(kind).validate_python(content)
    return found


def from_text(kind: type[Read], text: str | bytes) -> Read:
    """Return a part from its JSON.

    Raises:
        ValidationError: It is not such a part.
    """
    found: Read = _adapter(kind).validate_json(text)
    return found


def reason(error: ValidationError, *, levels: int | None = None) -> str:
    """Return the first reason why a part was not read, and its place.

    Args:
        error: The error.
        levels: How much of the place to name; None for all of it.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    words = _WORDS.get(first["type"], first["msg"])
    where = ".".join(str(part) for part in first["loc"][:levels])
    return f"at {where}: {words}" if where else words


def json_schema(kind: type[Part]) -> dict[str, Any]:
    """Return the JSON Schema of a part as it is written."""
    return _adapter(kind).json_schema(by_alias=True, mode="serialization")
