"""Reading saved documents, which are hostile input."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import ClassVar, TypeVar

from reconciler import json_text
from reconciler.documents.base import Part
from reconciler.errors import PlanFileError
from reconciler.json_text import Json
from reconciler.lazy_dataclass import dataclass

_MOST_VERSIONS = 1000
_LONGEST_REASON = 500
_LONGEST_BEGIN = 200
_BEGIN = re.compile(r'\s*\{\s*"format"\s*:\s*"(reconciler\.[a-z-]+)"')
"""The first key of every document that a command writes."""
Saved = TypeVar("Saved", bound=Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head(Part):
    """The key that every document begins with."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {}

    format: str


def format_of(text: str | bytes) -> str:
    """Return the format that a JSON text declares; empty if it declares none or is not JSON."""
    from reconciler.documents import conversion  # noqa: PLC0415 - see `base`

    try:
        return conversion.from_document(_Head, text, None).format
    except conversion.InvalidPart:
        return ""


def intended_format(text: str | bytes) -> str:
    """Return the format of a document that may be damaged, such as one that was cut off; empty if it is unknown."""
    begin = text[:_LONGEST_BEGIN]
    found = _BEGIN.match(begin if isinstance(begin, str) else begin.decode("utf-8", "replace"))
    return format_of(text) or (found[1] if found is not None else "")


def _later_version(model: type[Part], content: Json) -> int:
    """Return the version of a document of the right format and a later version; 0 for any other."""
    if not isinstance(content, dict) or content.get("format") != _default(model, "format"):
        return 0
    version = content.get("format_version")
    return version if type(version) is int and _newest_version(model) < version < _MOST_VERSIONS else 0


def _default(model: type[Part], name: str) -> object:
    return next(field.default for field in fields(model) if field.name == name)


def _newest_version(model: type[Part]) -> int:
    """Return the newest version of a document that this release reads, which is also the one that it writes."""
    return int(str(_default(model, "format_version")))


def parse_as(model: type[Saved], text: str | bytes, name: str, noun: str, *commands: str) -> Saved:
    """Parse a saved document.

    Args:
        model: the document's type.
        text: its text.
        name: what to call it in an error, usually its file.
        noun: the noun for the document.
        commands: the commands that write one.

    Raises:
        PlanFileError: it is not such a document; the message says what is wrong and where.
    """
    from reconciler.documents import conversion  # noqa: PLC0415 - see `base`

    reason = ""
    command = " or ".join(f"`{one}`" for one in commands)
    try:
        content = json_text.parse_document(text)
        later = _later_version(model, content)
        if later:
            raise PlanFileError(
                f"{name} is a {noun} of format version {later}, but this release of reconciler reads version "
                f"{_newest_version(model)}. Use "
                f"the release that made it, or make a new one with {command}"
            )
        return conversion.from_document(model, text, content)
    except conversion.InvalidPart as error:
        lacks_parents = any(place[-1:] == ("parents",) for place in error.missing)
        if lacks_parents and format_of(text) == _default(model, "format"):
            raise PlanFileError(
                f"{name} was made by an older release of reconciler, which did not record the SIDs that an approval "
                f"covers. Make a new plan with {command}"
            ) from None
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = f"not JSON: {error}" if isinstance(error, json.JSONDecodeError) else str(error)
    raise PlanFileError(
        f"{name} is not a {noun} of this version of reconciler ({reason[:_LONGEST_REASON]}). Make one with {command}"
    )
