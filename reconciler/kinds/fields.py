"""One field of a kind: its row in the table that the rest of the program reads, and what its content means.

Takes a pydantic model whose annotations carry markers; gives `Field` rows with dotted paths in the files' vocabulary
(``new_message.with_media.enabled``).

Contents of a field, everywhere in the program (``Content``): text as `str`, booleans, integers, sets as sorted tuples
of `str`, JSON attributes as parsed JSON, references in live state as the SID, ``None`` for null.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, TypeAlias, get_args, get_origin

from pydantic.fields import FieldInfo

from reconciler.json_text import Json
from reconciler.kinds.markers import (
    AlwaysSent,
    Choice,
    Declaration,
    FreeWords,
    Immutable,
    Marker,
    NaturalKey,
    NotClearable,
    Ref,
    ReplaceOnly,
    Required,
    Secret,
    Sid,
    Timer,
    Url,
    Vocabulary,
    Wire,
    WriteOnly,
)

Content: TypeAlias = Json


class Shape(Enum):
    """How the content of a field is written, compared and sent."""

    TEXT = "text"
    URL = "url"
    BOOL = "boolean"
    INT = "integer"
    ENUM = "choice"
    SET = "set"
    TIMER = "duration"
    JSON = "json"
    SID = "sid"
    REF = "reference"


# Bounded: Python refuses to read numbers of thousands of digits.
_DURATION = re.compile(
    r"P(?:(?P<years>N)Y)?(?:(?P<months>N)M)?(?:(?P<weeks>N)W)?(?:(?P<days>N)D)?"
    r"(?:T(?:(?P<hours>N)H)?(?:(?P<minutes>N)M)?(?:(?P<seconds>N)(?:\.0+)?S)?)?\Z".replace("N", "[0-9]{1,18}")
)


def duration(text: str) -> tuple[int, int] | None:
    """Read an ISO 8601 duration as (months, seconds), since a month has no fixed length.

    Returns:
        The two numbers, or None when the text is no such duration, is empty (``P``, ``PT``) or ends in ``T``.
    """
    match = _DURATION.match(text.strip().upper())
    if match is None or text.strip().upper().endswith(("P", "T")):
        return None
    part = {name: int(number or 0) for name, number in match.groupdict().items()}
    days = part["weeks"] * 7 + part["days"]
    seconds = ((days * 24 + part["hours"]) * 60 + part["minutes"]) * 60 + part["seconds"]
    return (part["years"] * 12 + part["months"], seconds)


def canonical_json(value: object) -> Hashable:
    """Attributes in a form that compares and hashes by meaning: mappings become sorted tuples, 1.0 becomes 1.

    Booleans stay apart from numbers, which Python's own equality would mix.
    """
    match value:
        case bool():
            return ("bool", value)
        case float() if value.is_integer():
            return int(value)
        case dict():
            return ("object", tuple(sorted((key, canonical_json(item)) for key, item in value.items())))
        case list() | tuple():
            return ("array", tuple(canonical_json(item) for item in value))
        case _:
            return value


def words_of(content: object) -> tuple[str, ...]:
    """The words of a set; none where it is null, or not known yet."""
    return tuple(content) if isinstance(content, (tuple, list)) else ()


@dataclass(frozen=True, slots=True)
class Field:
    """One writable field of a kind.

    Attributes:
        path: dotted, in the files' vocabulary: ``auto_creation.webhook_url``.
        shape: how its content is written, compared and sent.
        param: Twilio's form parameter.
        response: the keys that lead to it in a response.
        markers: everything its annotation carries, in order.
        description: one or two sentences for the reference documentation, from the model.
        python_type: the type of its content when it is set.
    """

    path: str
    shape: Shape
    param: str
    response: tuple[str, ...]
    markers: tuple[Marker, ...]
    description: str
    immutable: bool
    required: bool
    always_sent: bool
    natural_key: bool
    write_only: bool
    secret: bool

    @property
    def forces_replacement(self) -> bool:
        """Whether another content needs another resource."""
        return self.immutable or self.marker(ReplaceOnly) is not None

    def marker(self, kind: type[MarkerT]) -> MarkerT | None:
        """The first marker of that class, or None."""
        for marker in self.markers:
            if isinstance(marker, kind):
                return marker
        return None

    @property
    def needs_one(self) -> bool:
        """Whether it is a set that the API refuses to have empty."""
        vocabulary = self.marker(Vocabulary)
        return self.marker(FreeWords) is not None or (vocabulary is not None and vocabulary.at_least_one)

    def why_not_clearable(self) -> str:
        """Why null is an error here, as the end of a sentence; empty when the field can be cleared.

        Source of the rules: `twilio-api` facts on clearing, design rules on null.
        """
        kept = self.marker(NotClearable)
        if kept is not None:
            return kept.why
        if self.forces_replacement:
            return "it cannot change once the resource exists"
        if self.required or self.always_sent or self.needs_one:
            return "the API requires it"
        return {
            Shape.ENUM: "the API has no empty choice",
            Shape.INT: "the API has no empty number",
            Shape.REF: "the API cannot take a reference back, only replace it",
            Shape.SID: "the API cannot take a reference back, only replace it",
            Shape.TIMER: "the API has no way to clear a timer, only to overwrite it",
        }.get(self.shape, "")

    def comparable(self, content: object) -> Hashable:
        """The form in which two contents of this field are equal exactly when the API means the same by them.

        null, absent and "" are one; so are false and null, ``{}`` and null; sets compare without order, choices without
        case, durations by length, JSON by meaning, URLs as written.
        """
        match self.shape:
            case Shape.BOOL:
                return bool(content)
            case Shape.SET:
                return frozenset(content or ()) if content is None or isinstance(content, Iterable) else content
            case Shape.ENUM:
                return str(content or "").lower()
            case Shape.TIMER:
                return (duration(content) or content) if isinstance(content, str) else content or ""
            case Shape.JSON:
                return canonical_json({} if content is None or content == "" else content)
            case Shape.INT:
                return content
            case _:
                return content or ""

    def is_empty(self, content: object) -> bool:
        """Whether the content is what the API has for a field that was never set."""
        return bool(self.comparable(content) == self.comparable(None))


MarkerT = typing.TypeVar("MarkerT")


def _shape(annotation: object, markers: tuple[Marker, ...]) -> Shape:
    by_marker: dict[type, Shape] = {
        Ref: Shape.REF, Sid: Shape.SID, Url: Shape.URL, Timer: Shape.TIMER, Choice: Shape.ENUM, Vocabulary: Shape.SET,
        FreeWords: Shape.SET,
    }  # fmt: skip
    for marker in markers:
        if type(marker) in by_marker:
            return by_marker[type(marker)]
    by_type: dict[object, Shape] = {bool: Shape.BOOL, int: Shape.INT, str: Shape.TEXT, dict: Shape.JSON}
    shape = by_type.get(get_origin(annotation) or annotation)
    if shape is None:
        raise TypeError(f"no shape is known for a field of type {annotation!r}")
    return shape


def _without_none(annotation: object) -> object:
    """``X | None`` as X."""
    if get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(inner) == 1:
            return inner[0]
    return annotation


def _snake(param: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", param).lower()


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping inside a resource that groups fields, for instance ``new_message``."""

    path: str
    description: str


def flatten(
    model: type[Declaration], prefix: str = "", param_prefix: str = "", response_prefix: tuple[str, ...] = ()
) -> tuple[tuple[Field, ...], tuple[Block, ...]]:
    """The fields and blocks of a model, in its order, with everything inside of its blocks.

    Args:
        model: what declares them.
        prefix: what their dotted paths begin with.
        param_prefix: what their form parameters begin with.
        response_prefix: the keys that lead to them in a response.

    Raises:
        TypeError: when a field lacks its `Wire` marker, or has a type that no shape is known for.
    """
    fields: list[Field] = []
    blocks: list[Block] = []
    for name, info in model.model_fields.items():
        markers = _markers(info)
        wire = next((marker for marker in markers if isinstance(marker, Wire)), None)
        if wire is None:
            raise TypeError(f"{model.__name__}.{name} lacks its Wire marker")
        param = param_prefix + wire.param
        response = (*response_prefix, *(wire.response or _snake(wire.param)).split("."))
        annotation = _without_none(info.annotation)
        description = " ".join((info.description or "").split())
        if isinstance(annotation, type) and issubclass(annotation, Declaration):
            blocks.append(Block(prefix + name, description))
            inner_fields, inner_blocks = flatten(annotation, f"{prefix}{name}.", f"{param}.", response)
            fields.extend(inner_fields)
            blocks.extend(inner_blocks)
            continue
        present = {type(marker) for marker in markers}
        fields.append(
            Field(
                path=prefix + name,
                shape=_shape(annotation, markers),
                param=param,
                response=response,
                markers=markers,
                description=description,
                immutable=Immutable in present,
                required=Required in present,
                always_sent=AlwaysSent in present,
                natural_key=NaturalKey in present,
                write_only=WriteOnly in present,
                secret=Secret in present,
            )
        )
    return tuple(fields), tuple(blocks)


def _markers(info: FieldInfo) -> tuple[Marker, ...]:
    found: list[Marker] = [item for item in info.metadata if isinstance(item, Marker)]
    for arg in get_args(info.annotation):
        if get_origin(arg) is Annotated:
            found.extend(item for item in get_args(arg)[1:] if isinstance(item, Marker))
    return tuple(found)
