"""What a kind is made of: the markers for its fields, and the table that the rest of the program reads.

A kind is declared once, as a frozen pydantic model whose annotations carry markers (`Wire`, `Immutable`, `Ref` …), and
as a `Kind` around it. `Kind` flattens the model into `Field` rows with dotted paths in the files' vocabulary
(``new_message.with_media.enabled``); validation, diff, replacement, ordering, encoding, fetching, export, schemas and
the reference documentation read those rows and nothing else. This package does no I/O and knows neither YAML nor HTTP.

Contents of a field, everywhere in the program (``Content``): text as `str`, booleans, integers, sets as sorted tuples
of `str`, JSON attributes as parsed JSON, references in live state as the SID, ``None`` for null.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

Json: TypeAlias = Any  # JSON is open by nature; every reader narrows it where it takes it
Content: TypeAlias = Json
Risk = Literal["low", "medium", "high"]


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


# --- markers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wire:
    """Twilio's spelling. On a block, a prefix for the fields inside.

    Attributes:
        param: the form parameter, ``AutoCreation.WebhookUrl``; relative to the block's inside a block.
        response: the dotted path in the response; relative as well. Empty: the parameter in snake case.
    """

    param: str
    response: str = ""


@dataclass(frozen=True, slots=True)
class Immutable:
    """The API has no parameter for this on update (absent from the update body in the OpenAPI description)."""


@dataclass(frozen=True, slots=True)
class ReplaceOnly:
    """The API has a parameter for this on update, and refuses or bends it, so a change makes the resource anew.

    Attributes:
        why: what the API does, with its error code.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Required:
    """The API refuses a create without this."""


@dataclass(frozen=True, slots=True)
class AlwaysSent:
    """The API refuses an update without this, so it goes along with every update."""


@dataclass(frozen=True, slots=True)
class NaturalKey:
    """Recognises the resource in the live account; taken from the handle when the files leave it out."""


@dataclass(frozen=True, slots=True)
class WriteOnly:
    """Never returned by the API, so it cannot be compared."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Never shown, stored or logged."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Cannot be cleared: the API keeps the old value or refuses.

    Attributes:
        why: the reason, for the error message.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Ref:
    """Refers to another resource; in the files a handle, one of Twilio's own names, or a SID.

    Attributes:
        kind: the name of the kind referred to.
        scope: ``service`` when it must be in the same service, ``account`` when it stands at the top.
        of_type: for roles, the type that the role must have; empty when any will do.
        default: the field of the service's configuration that says what is referred to when nothing is.
    """

    kind: str
    scope: Literal["service", "account"]
    of_type: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Sid:
    """The SID of something outside of this tool's reach, for instance ``MG`` for a messaging service."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute http or https URL, compared as written."""

    max_length: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """An ISO 8601 duration with a minimum, compared by length: PT60M is PT1H.

    Attributes:
        minimum: in seconds.
        written: the minimum as people write it, for the message.
    """

    minimum: int
    written: str


@dataclass(frozen=True, slots=True)
class Length:
    """Limits on text, in characters.

    Attributes:
        most: over this is an error.
        doubtful: over this is a warning, where the documentation says less than what the API is known to take.
    """

    most: int
    doubtful: int = 0


@dataclass(frozen=True, slots=True)
class Between:
    """Limits on a number, both included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A closed set of words, compared without regard to case; `words` are in the spelling that the files use.

    Attributes:
        words: what is known.
        extended_by_twilio: whether Twilio adds words over time, so that an unknown one is a warning, no error.
    """

    words: tuple[str, ...]
    extended_by_twilio: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The known words of a set that Twilio extends over time: an unknown one is a warning.

    Attributes:
        words: what is known.
        by_type: narrower known words by the resource's ``type``, where they differ.
        at_least_one: whether the API refuses an empty set.
    """

    words: tuple[str, ...]
    by_type: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at_least_one: bool = False

    def __hash__(self) -> int:
        """Hash by the words; mappings have no hash of their own."""
        return hash((self.words, self.at_least_one))


@dataclass(frozen=True, slots=True)
class Words:
    """A set of words of the user's own, of which the API wants at least one."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changing this field means for the people who run the account.

    Attributes:
        risk: how careful a reviewer should be.
        words: what happens, as a sentence that starts with a small letter; empty when the field says it itself.
    """

    risk: Risk
    words: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A value for the reference documentation and the JSON Schema."""

    value: Json


Marker = (
    Wire | Immutable | ReplaceOnly | Required | AlwaysSent | NaturalKey | WriteOnly | Secret | Kept | Ref | Sid | Url
    | Timer | Length | Between | Choice | Vocabulary | Words | Changes | Example
)  # fmt: skip


class Declaration(BaseModel):
    """The base of every kind's model and of the blocks inside; frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- values ----------------------------------------------------------------------------------------------------------

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


def canonical_json(value: Json) -> Json:
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
        return self.marker(Words) is not None or (vocabulary is not None and vocabulary.at_least_one)

    def why_not_clearable(self) -> str:
        """Why null is an error here, as the end of a sentence; empty when the field can be cleared.

        Source of the rules: `twilio-api` facts on clearing, design rules on null.
        """
        kept = self.marker(Kept)
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

    def comparable(self, content: Content) -> Content:
        """The form in which two contents of this field are equal exactly when the API means the same by them.

        null, absent and "" are one; so are false and null, ``{}`` and null; sets compare without order, choices without
        case, durations by length, JSON by meaning, URLs as written.
        """
        match self.shape:
            case Shape.BOOL:
                return bool(content)
            case Shape.SET:
                return frozenset(content or ())
            case Shape.ENUM:
                return str(content or "").lower()
            case Shape.TIMER:
                return (duration(content) or content) if content else ""
            case Shape.JSON:
                return canonical_json({} if content is None or content == "" else content)
            case Shape.INT:
                return content
            case _:
                return content or ""

    def is_empty(self, content: Content) -> bool:
        """Whether the content is what the API has for a field that was never set."""
        return bool(self.comparable(content) == self.comparable(None))


MarkerT = typing.TypeVar("MarkerT")


def _shape(annotation: Any, markers: tuple[Marker, ...]) -> Shape:
    by_marker: dict[type, Shape] = {
        Ref: Shape.REF, Sid: Shape.SID, Url: Shape.URL, Timer: Shape.TIMER, Choice: Shape.ENUM, Vocabulary: Shape.SET,
        Words: Shape.SET,
    }  # fmt: skip
    for marker in markers:
        if type(marker) in by_marker:
            return by_marker[type(marker)]
    by_type: dict[Any, Shape] = {bool: Shape.BOOL, int: Shape.INT, str: Shape.TEXT, dict: Shape.JSON}
    shape = by_type.get(get_origin(annotation) or annotation)
    if shape is None:
        raise TypeError(f"no shape is known for a field of type {annotation!r}")
    return shape


def _without_none(annotation: Any) -> Any:
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


def _flatten(
    model: type[Declaration], prefix: str = "", param_prefix: str = "", response_prefix: tuple[str, ...] = ()
) -> tuple[tuple[Field, ...], tuple[Block, ...]]:
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
            inner_fields, inner_blocks = _flatten(annotation, f"{prefix}{name}.", f"{param}.", response)
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


# --- kinds -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a resource that only its kind can know.

    Attributes:
        path: the field it stands at; empty when it is about the whole resource.
        message: one sentence; never a part of a secret.
        hint: what to do.
        severity: whether it cannot be, or is only doubtful.
        code: what it is, for programs.
    """

    path: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    code: str = "inconsistent"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a change means for the people who run the account, where no single field says it (`Changes` does).

    Attributes:
        risk: how careful a reviewer should be.
        sentence: what happens, whole.
    """

    risk: Risk
    sentence: str


Contents: TypeAlias = Mapping[str, Content]


def _no_faults(_contents: Contents) -> tuple[Fault, ...]:
    return ()


def _nothing_found(_contents: Contents, _now: datetime | None) -> tuple[Fault, ...]:
    return ()


def _nothing_derived(_contents: Contents) -> Contents:
    return {}


def _as_returned(live: Contents) -> Contents:
    return live


def _never_tolerated(_path: str, _desired: Content, _live: Content) -> bool:
    return False


def _no_consequences(_before: Contents | None, _after: Contents | None, _name: str) -> tuple[Consequence, ...]:
    return ()


def _never_final(_live: Contents) -> str:
    return ""


@dataclass(frozen=True)
class Kind:
    """A type of resource: where it stands, how it is recognised, what may be done to it, and its fields.

    Attributes:
        name: the word for it in code, JSON and documentation: ``role``.
        model: the pydantic model that declares its fields.
        section: the keys under which the files hold it, below its parent: ``("roles",)``,
            ``("account", "webhooks")``.
        path: the API's path of the collection, or of the resource itself for a singleton; parents by name in braces:
            ``/v1/Services/{service}/Roles``.
        parent: the kind that contains it; None at the top.
        singleton: whether it always exists, once in each parent, without a SID of its own.
        sid_prefix: the two capitals of its SIDs; empty for singletons.
        list_key: the key of the array in a list's answer; empty for singletons.
        page_size: what to ask for in a page; never over what the API truly gives (sources: each kind's module).
        updatable: whether the API has an update operation at all.
        deletable: whether it can be deleted.
        replace_order: for a change of an immutable field, whether the new one is made before the old one goes
            (``create-first``) or what must stay unique goes first (``delete-first``).
        irreplaceable: why a resource of this kind can never be replaced; empty when it can.
        built_in: natural keys of the resources that Twilio makes by itself, lower case.
        destroys: what a delete destroys that nobody can bring back, as the end of "deletes …"; empty when nothing.
        check: finds what only this kind can know to be wrong, from the contents that the files set.
        check_create: the same for what a create needs, from all contents that the create would send.
        inspect: the same for what is inside of the contents that the files set, and for what the moment makes of it;
            a warning as well as an error. The moment is None where nobody tells it: then nothing is said of dates.
        names: finds the natural key, as one text, where it is made of more than one field.
        told_apart_by: the field that tells two resources of one natural key apart; empty when nothing does.
        alike_by_contents: whether it has no name of its own, so that the most alike one is the same one.
        normalise: live contents as they would be if the API always said the same thing in the same place.
        tolerates: whether a live content of a field is as good as the desired one, though it is another.
        consequences: what a change means beyond what its fields say, from the contents that are known before and after
            (None where there is no resource), and from its name as it may be shown. What is not known yet is an object
            of another type than the field's.
        final: why the API takes no update of a resource with these live contents; empty when it does.
        webhook_header: whether its writes know the header ``X-Twilio-Webhook-Enabled``.
        readable_by_name: whether one of its resources can be read by its natural key in the place of its SID.
        unique: what two of them can never share: fields, and whether within a parent or in the whole account.
        meets: fields whose content is the natural key of another kind in the same service, which has to be there
            first when the same apply makes it.
        most_in_parent: how many of them one parent can hold; 0 when there is no limit.
        not_settings: form parameters that the API has for what moves by itself (dates, what has been read), and that
            are therefore no fields.
        set_later: contents that a create refuses, and that an update sets once everything inside is there; by field.
        resend: write-only fields that go along when a field changes that says what they mean, by that field.
        derive: contents that a create takes when the files leave them out, from those that they set.
        typical: the fields that a new one mostly sets, by path; what editors put there to be filled in.
        docs: where Twilio documents it.
        summary: one sentence for the reference documentation.
    """

    name: str
    model: type[Declaration]
    section: tuple[str, ...]
    path: str
    summary: str
    docs: str
    parent: str | None = None
    singleton: bool = False
    sid_prefix: str = ""
    list_key: str = ""
    page_size: int = 50
    updatable: bool = True
    deletable: bool = True
    replace_order: Literal["create-first", "delete-first"] = "delete-first"
    irreplaceable: str = ""
    built_in: frozenset[str] = frozenset()
    destroys: str = ""
    check: Callable[[Contents], tuple[Fault, ...]] = _no_faults
    check_create: Callable[[Contents], tuple[Fault, ...]] = _no_faults
    inspect: Callable[[Contents, datetime | None], tuple[Fault, ...]] = _nothing_found
    derive: Callable[[Contents], Contents] = _nothing_derived
    names: Callable[[Contents], str] | None = None
    told_apart_by: str = ""
    alike_by_contents: bool = False
    normalise: Callable[[Contents], Contents] = _as_returned
    tolerates: Callable[[str, Content, Content], bool] = _never_tolerated
    consequences: Callable[[Contents | None, Contents | None, str], tuple[Consequence, ...]] = _no_consequences
    final: Callable[[Contents], str] = _never_final
    webhook_header: bool = False
    readable_by_name: bool = False
    unique: tuple[tuple[tuple[str, ...], Literal["parent", "account"]], ...] = ()
    meets: Mapping[str, str] = field(default_factory=dict)
    most_in_parent: int = 0
    not_settings: tuple[str, ...] = ()
    set_later: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resend: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    typical: tuple[str, ...] = ()

    @cached_property
    def _flat(self) -> tuple[tuple[Field, ...], tuple[Block, ...]]:
        return _flatten(self.model)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every writable field, in the order of the model."""
        return self._flat[0]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The mappings that group fields, outer before inner."""
        return self._flat[1]

    @cached_property
    def by_path(self) -> Mapping[str, Field]:
        """The fields by their dotted path."""
        return {entry.path: entry for entry in self.fields}

    @cached_property
    def natural_key(self) -> str:
        """The path of the field that recognises a resource and defaults to the handle; empty where there is none."""
        return next((entry.path for entry in self.fields if entry.natural_key), "")

    def name_of(self, contents: Contents) -> str:
        """The natural key of a resource with these contents, as one text; empty when they do not tell it."""
        if self.names is not None:
            return self.names(contents)
        name = contents.get(self.natural_key)
        return name if isinstance(name, str) else ""

    def __hash__(self) -> int:
        """Kinds are told apart by name."""
        return hash(self.name)

    def __repr__(self) -> str:
        """Short, for test output."""
        return f"<kind {self.name}>"
