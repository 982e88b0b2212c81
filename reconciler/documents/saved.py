"""Reading saved documents, which are hostile input."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reconciler import json_text
from reconciler.documents.parts import Part
from reconciler.errors import PlanFileError
from reconciler.json_text import Json

_MOST_VERSIONS = 1000
_LONGEST_REASON = 500
Saved = TypeVar("Saved", bound=Part)


class _Head(BaseModel):
    """The key that every document begins with."""

    format: str


def format_of(text: str | bytes) -> str:
    """Return the format that a JSON text declares; empty if it declares none or is not JSON."""
    try:
        return _Head.model_validate_json(text).format
    except ValidationError:
        return ""


def _later_version(model: type[Part], content: Json) -> int:
    """Return the version of a document of the right format and a later version; 0 for any other."""
    if not isinstance(content, dict) or content.get("format") != model.model_fields["format"].default:
        return 0
    version = content.get("format_version")
    return version if type(version) is int and _newest_version(model) < version < _MOST_VERSIONS else 0


def _newest_version(model: type[Part]) -> int:
    """Return the newest version of a document that this release reads, which is also the one that it writes."""
    return int(model.model_fields["format_version"].default)


def parse_as(model: type[Saved], text: str | bytes, name: str, noun: str, command: str) -> Saved:
    """Parse a saved document.

    Args:
        model: the document's type.
        text: its text.
        name: what to call it in an error, usually its file.
        noun: the noun for the document, in one word.
        command: the command that writes one.

    Raises:
        PlanFileError: it is not such a document; the message says what is wrong and where.
    """
    reason = ""
    try:
        content = json_text.parse_document(text)
        later = _later_version(model, content)
        if later:
            raise PlanFileError(
                f"{name} is a {noun} of format version {later}, but this release of reconciler reads version "
                f"{_newest_version(model)}. Use "
                f"the release that made it, or make a new one with `{command}`"
            )
        return model.model_validate(content)
    except ValidationError as error:
        lacks_parents = any(item["type"] == "missing" and item["loc"][-1:] == ("parents",) for item in error.errors())
        if lacks_parents and format_of(text) == model.model_fields["format"].default:
            raise PlanFileError(
                f"{name} was made by an older release of reconciler, which did not record the SIDs that an approval "
                f"covers. Make a new plan with `{command}`"
            ) from None
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"at {where}: {first['msg']}" if where else first["msg"]
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = f"not JSON: {error}" if isinstance(error, json.JSONDecodeError) else str(error)
    raise PlanFileError(
        f"{name} is not a {noun} of this version of reconciler ({reason[:_LONGEST_REASON]}). Make one with `{command}`"
    )
