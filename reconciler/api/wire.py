"""Between the files' vocabulary and Twilio's: form parameters out, resources in. Plain data on both sides, no I/O.

`encode` gives the form of a request, `decode` reads one resource of a response and normalises it, so that whoever
compares later need not know how Twilio spells a thing: sets sorted, choices in the files' spelling, booleans from text,
JSON parsed, "" and [] as None. Live values are hostile input: whatever their type, decode gives something that can be
compared and shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from reconciler import json_text
from reconciler.address import looks_like_sid
from reconciler.errors import Malformed
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Choice

Form = tuple[tuple[str, str], ...]
"""Form parameters in order; a list repeats its key (OpenAPI description, text of `Permission`)."""

_LONGEST_JSON = 100_000
"""Longer JSON stays text: the API takes a few tens of thousands of characters."""
_DEEPEST = 100
"""How many levels of JSON are compared by meaning; Python itself can walk about ten times as many."""

_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_PLAIN_NAME = re.compile(r"[\w@~!$&'()*,=:-](?:[\w@~!$&'()*,=:. -]*[\w@~!$&'()*,=:-])?\Z")


def collection_path(kind: Kind, parents: Sequence[str]) -> str:
    """The path of a collection, or of a singleton itself.

    Args:
        kind: what it holds or is.
        parents: the SIDs of what contains it, outermost first, as many as the kind's path has names.
    """
    sids = iter(parents)
    return _PLACEHOLDER.sub(lambda _match: quote(next(sids), safe=""), kind.path)


def instance_path(kind: Kind, parents: Sequence[str], sid: str) -> str:
    """The path of one resource; of the singleton itself for a singleton."""
    path = collection_path(kind, parents)
    return path if kind.singleton else f"{path}/{quote(sid, safe='')}"


def is_plain_in_path(name: str) -> bool:
    """Tell whether every server between here and the API passes a name in a path on unchanged.

    Gateways, load balancers and firewalls may refuse an encoded slash, backslash, percent sign, semicolon or control
    character (often with a 404), decode a plus sign to a blank, resolve dots, and trim blanks and dots. How Twilio's do
    is unverified.
    """
    return _PLAIN_NAME.match(name) is not None


Sent = TypeVar("Sent")
"""What stands for a content until it is sent: a content, or a reference."""


def encode(kind: Kind, values: Mapping[str, Sent], resolve: Callable[[Sent], Content]) -> Form:
    """The form of a create or an update.

    Args:
        kind: what is written.
        values: contents by dotted field path; None clears.
        resolve: turns a reference into its SID and gives any other content back as it is.

    Returns:
        Parameters in the order of the kind's fields. A set is a repeated key; an empty one is the key with an empty
        value, the only spelling that a form has for it (whether the API takes it is unverified).
    """
    form: list[tuple[str, str]] = []
    for field in kind.fields:
        if field.path not in values:
            continue
        content = resolve(values[field.path])
        if field.shape is Shape.SET:
            words = content if isinstance(content, (tuple, list)) and content else ("",)
            form.extend((field.param, str(word)) for word in words)
        else:
            form.append((field.param, _encode_scalar(field, content)))
    return tuple(form)


def _encode_scalar(field: Field, content: Content) -> str:
    match field.shape:
        case Shape.BOOL:
            return "true" if content else "false"
        case Shape.JSON:
            return json.dumps({} if content is None else content, ensure_ascii=False, separators=(",", ":"))
        case _:
            return "" if content is None else str(content)


@dataclass(frozen=True, slots=True)
class Decoded:
    """One resource of a response, in the files' vocabulary.

    Attributes:
        sid: its SID; empty for a singleton.
        values: every readable field by dotted path; None where the API has null, "", [] or no such key.
        created: when it was made, as the API says it; empty where it does not.
        updated: when it was last changed, likewise.
    """

    sid: str
    values: Mapping[str, Content]
    created: str = ""
    updated: str = ""


def decode(kind: Kind, body: Json) -> Decoded:
    """Read one resource of a response.

    Args:
        kind: what it is.
        body: the JSON object of the resource.

    Raises:
        Malformed: when the body is no object, or has no SID where the kind has one.
    """
    if not isinstance(body, dict):
        raise Malformed(
            f"the API answered with {type(body).__name__} where a resource of kind {kind.noun} was expected"
        )
    values = {field.path: _decode(field, _dig(body, field.response)) for field in kind.fields if not field.write_only}
    return Decoded(
        sid="" if kind.singleton else _decode_sid(kind, body.get("sid")),
        values=kind.normalize(values),
        created=_as_text(body.get("date_created")) or "",
        updated=_as_text(body.get("date_updated")) or "",
    )


def _decode_sid(kind: Kind, value: Json) -> str:
    """A SID goes into paths and addresses, and whatever is none could lead anywhere."""
    if isinstance(value, str) and looks_like_sid(value) and value.startswith(kind.sid_prefix):
        return value
    raise Malformed(f"the API answered with a resource of kind {kind.noun} that has no sid of its kind")


def _dig(body: Json, keys: tuple[str, ...]) -> Json:
    for key in keys:
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body


def _as_text(value: Json) -> str | None:
    """Any JSON value as text; None for null and for empty text."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else _spelled(value)
    return _whole(text)


def _whole(text: str) -> str:
    """A text without halves of characters, which JSON can spell and UTF-8 cannot: not shown, not saved, not sent."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _decode(field: Field, value: Json) -> Content:
    match field.shape:
        case Shape.BOOL:
            # The sandbox of a credential comes as the text "False" (community provider's changelog).
            return (
                value.strip().lower() == "true" if isinstance(value, str) else value if value is None else bool(value)
            )
        case Shape.INT:
            return _as_number(value)
        case Shape.SET:
            items = value if isinstance(value, list) else [value]
            # An empty word is none: what is left of a set that was cleared as a form can, by an empty value.
            return tuple(sorted({text for item in items if (text := _as_text(item)) is not None})) or None
        case Shape.ENUM:
            return _decode_choice(field, _as_text(value))
        case Shape.JSON:
            return _decode_json(value)
        case _:
            return _as_text(value)


def _as_number(value: Json) -> Content:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    text = _as_text(value)
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,18}", text) else text


def _decode_choice(field: Field, text: str | None) -> str | None:
    choice = field.marker(Choice)
    words = choice.words if choice is not None else ()
    return next((word for word in words if text is not None and word.lower() == text.lower()), text)


def _decode_json(value: Json) -> Content:
    """JSON that comes as text, parsed; text that is none, or that nobody could walk, show or save, as it is."""
    if value is None:
        return None
    # The API promises text; whatever else comes is taken as if it had been.
    value = _whole(value if isinstance(value, str) else _spelled(value))
    if len(value) > _LONGEST_JSON:
        return value
    try:
        parsed = json_text.parse_live(value)
        if "\\u" in value:  # half a character may have been spelled out, too
            parsed = json.loads(_whole(json.dumps(parsed, ensure_ascii=False)))
    except (ValueError, RecursionError):
        return value
    return value if json_text.nests_deeper(parsed, _DEEPEST) else parsed


def _spelled(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        raise Malformed("the API answered with something that nests too deep to be looked at") from None
