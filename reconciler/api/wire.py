"""Translation between the configuration's terms and Twilio's: form parameters out, resources in. Pure.

`encode` returns the form of a request. `decode` reads one resource of a response and normalizes it, so that comparisons
need not know Twilio's spelling: sets sorted, choices in the configuration's spelling, booleans from text, JSON parsed,
"" and [] as None. Live values are hostile input: `decode` turns a value of any type into one that can be compared and
shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from operator import methodcaller
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from reconciler import json_text
from reconciler.address import looks_like_sid
from reconciler.errors import Malformed
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.kinds.comparable import word_set
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Choice

Form = tuple[tuple[str, str], ...]
"""Form parameters in order; a list repeats its key (OpenAPI description, text of `Permission`)."""

_LONGEST_JSON = 100_000
"""Longer JSON remains text: the API accepts a few tens of thousands of characters."""
_DEEPEST = 100
"""Levels of JSON that are compared by meaning; Python itself can process about ten times as many."""

_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_PLAIN_NAME = re.compile(r"[\w@~!$&'()*,=:-](?:[\w@~!$&'()*,=:. -]*[\w@~!$&'()*,=:-])?\Z")


def collection_path(kind: Kind, parents: Sequence[str]) -> str:
    """Return the path of a collection, or of a singleton itself.

    Args:
        kind: the kind of its resources.
        parents: SIDs of its parents, outermost first, as many as the kind's path has placeholders.
    """
    sids = iter(parents)
    return _PLACEHOLDER.sub(lambda _match: quote(next(sids), safe=""), kind.path)


def instance_path(kind: Kind, parents: Sequence[str], sid: str) -> str:
    """Return the path of one resource, or of a singleton itself."""
    path = collection_path(kind, parents)
    return path if kind.singleton else f"{path}/{quote(sid, safe='')}"


def is_plain_in_path(name: str) -> bool:
    """Return whether every server between here and the API forwards a name in a path unchanged.

    Gateways, load balancers, and firewalls may reject an encoded slash, backslash, percent sign, semicolon, or control
    character (often with a 404), decode a plus sign to a space, resolve dots, and trim spaces and dots. How Twilio's
    behave is unverified.
    """
    return _PLAIN_NAME.match(name) is not None


Sent = TypeVar("Sent")
"""A value before it is resolved: a content, or a reference."""


def encode(kind: Kind, values: Mapping[str, Sent], resolve: Callable[[Sent], Content]) -> Form:
    """Build the form of a create or an update.

    Args:
        kind: the kind of the resource.
        values: contents by dotted field path; None clears.
        resolve: turns a reference into its SID and returns any other content unchanged.

    Returns:
        Parameters in the order of the kind's fields. A set repeats its key; an empty set is the key with an empty
        value, the only form of it that exists (whether the API accepts it is unverified).
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


class Decoded(NamedTuple):
    """One resource of a response, in the configuration's terms.

    Attributes:
        sid: its SID; empty for a singleton.
        values: every readable field by dotted path; None if the API has null, "", [], or no such key.
        created: its creation date as returned by the API, or empty.
        updated: its update date as returned by the API, or empty.
    """

    sid: str
    values: Mapping[str, Content]
    created: str = ""
    updated: str = ""


def decode(kind: Kind, body: Json) -> Decoded:
    """Decode one resource of a response.

    Args:
        kind: its kind.
        body: its JSON object.

    Raises:
        Malformed: the body is not an object, or lacks the SID of its kind.
    """
    if not isinstance(body, dict):
        raise Malformed(
            f"the API answered with {type(body).__name__} where a resource of kind {kind.noun} was expected"
        )
    values = {path: read(dig(body)) for path, dig, read in _readers(kind)}
    return Decoded(
        "" if kind.singleton else _decode_sid(kind, body.get("sid")),
        kind.normalize(values),
        _as_text(body.get("date_created")) or "",
        _as_text(body.get("date_updated")) or "",
    )


@lru_cache(maxsize=256)
def _readers(kind: Kind) -> tuple[tuple[str, Callable[[Mapping[str, Json]], Json], Callable[[Json], Content]], ...]:
    """Return each readable field of a kind: its path, how to find it in a response, and how to decode it.

    They are looked up once for each kind, not once for each value of each resource.
    """
    return tuple((field.path, _digger(field.response), _reader(field)) for field in kind.fields if not field.write_only)


def _digger(keys: tuple[str, ...]) -> Callable[[Mapping[str, Json]], Json]:
    return methodcaller("get", *keys) if len(keys) == 1 else partial(_dig, keys)


def _decode_sid(kind: Kind, value: Json) -> str:
    """Check a SID, which becomes part of paths and addresses: anything else could lead anywhere."""
    if isinstance(value, str) and looks_like_sid(value) and value.startswith(kind.sid_prefix):
        return value
    raise Malformed(f"the API answered with a resource of kind {kind.noun} without a SID of its kind")


def _dig(keys: tuple[str, ...], body: Json) -> Json:
    for key in keys:
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body


def _as_text(value: Json) -> str | None:
    """Return any JSON value as text; None for null and empty text."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii():
        return value  # nearly every value; the rest of the function would double its cost
    text = value if isinstance(value, str) else _spelled(value)
    return _whole(text)


def _whole(text: str) -> str:
    """Replace lone surrogates, which JSON can contain but UTF-8 cannot: they could be neither shown nor sent."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _reader(field: Field) -> Callable[[Json], Content]:
    """Return how to decode the values of a field."""
    match field.shape:
        case Shape.BOOL:
            return _as_bool
        case Shape.INT:
            return _as_number
        case Shape.SET:
            return _as_set
        case Shape.ENUM:
            choice = field.marker(Choice)
            words = choice.words if choice is not None else ()
            return partial(_as_choice, {word.lower(): word for word in reversed(words)})
        case Shape.JSON:
            return _decode_json
        case _:
            return _as_text


def _as_bool(value: Json) -> bool | None:
    # The sandbox of a credential comes as the text "False" (community provider's changelog).
    return value.strip().lower() == "true" if isinstance(value, str) else value if value is None else bool(value)


def _as_set(value: Json) -> tuple[str, ...] | None:
    texts = tuple(map(_as_text, value if isinstance(value, list) else [value]))
    # An empty word is ignored: it is left over from a set that was cleared with an empty value.
    return word_set(tuple(text for text in texts if text is not None) if None in texts else texts) or None


def _as_number(value: Json) -> Content:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    text = _as_text(value)
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,18}", text) else text


def _as_choice(words: Mapping[str, str], value: Json) -> str | None:
    text = _as_text(value)
    return None if text is None else words.get(text.lower(), text)


def _decode_json(value: Json) -> Content:
    """Parse JSON that comes as text; return text that is not JSON, or too large or deep, unchanged."""
    if value is None:
        return None
    # The API promises text; any other type is treated as if it were text.
    value = _whole(value if isinstance(value, str) else _spelled(value))
    if len(value) > _LONGEST_JSON:
        return value
    try:
        parsed = json_text.parse_live(value)
        if "\\u" in value:  # a lone surrogate may be escaped, too
            parsed = json.loads(_whole(json.dumps(parsed, ensure_ascii=False)))
    except (ValueError, RecursionError):
        return value
    return value if json_text.nests_deeper(parsed, _DEEPEST) else parsed


def _spelled(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        raise Malformed("the API's answer is nested too deeply") from None
