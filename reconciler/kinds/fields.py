"""One field of a kind: a row of the table that validation, diff, encoding, export, and schemas read.

The value of a field (`Content`) has the same Python type everywhere in the program: text is `str`, sets are sorted
tuples of `str`, JSON attributes are parsed JSON, references in the live state are SIDs, and null is None.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import field
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from reconciler.json_text import Json
from reconciler.kinds.comparable import canonical_json, duration
from reconciler.kinds.markers import FreeWords, Marker, NotClearable, ReplaceOnly, Vocabulary
from reconciler.lazy_dataclass import dataclass

Content: TypeAlias = Json
MarkerT = TypeVar("MarkerT")


def words_of(content: object) -> tuple[str, ...]:
    """Return the words of a set; empty if it is null or unknown until apply."""
    return tuple(content) if isinstance(content, (tuple, list)) else ()


class Shape(Enum):
    """How the value of a field is written, compared, and sent."""

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


_WHY_NOT_CLEARABLE = {
    Shape.ENUM: "Twilio does not accept an empty value",
    Shape.INT: "Twilio does not accept an empty value",
    Shape.REF: "Twilio can replace a reference but not remove it",
    Shape.SID: "Twilio can replace a reference but not remove it",
    Shape.TIMER: "Twilio can overwrite a timer but not clear it",
}


def _as_text(content: Any) -> Hashable:
    text: Hashable = content or ""
    return text


def _as_set(content: object) -> Hashable:
    # The first test is enough for most contents, and much faster than the second.
    if isinstance(content, (tuple, list)) or content is None:
        return frozenset(content or ())
    return frozenset(content) if isinstance(content, Iterable) else content


def _as_choice(content: Any) -> Hashable:
    return str(content or "").lower()


def _as_duration(content: Any) -> Hashable:
    return (duration(content) or content) if isinstance(content, str) else _as_text(content)


def _as_json(content: Any) -> Hashable:
    return canonical_json({} if content is None or content == "" else content)


def _as_is(content: Hashable) -> Hashable:
    return content


_COMPARABLE: Mapping[Shape, Callable[[Any], Hashable]] = {
    Shape.BOOL: bool,
    Shape.SET: _as_set,
    Shape.ENUM: _as_choice,
    Shape.TIMER: _as_duration,
    Shape.JSON: _as_json,
    Shape.INT: _as_is,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One writable field of a kind.

    Attributes:
        path: Dotted path in the configuration: ``auto_creation.webhook_url``.
        shape: How its value is written, compared, and sent.
        param: Twilio's form parameter.
        response: The keys that lead to it in a response.
        markers: The markers of its annotation, in order.
        description: One or two sentences for the reference documentation and for editors.
        immutable: Whether Twilio has no parameter for it on update.
        required: Whether Twilio rejects a create without it.
        always_sent: Whether Twilio rejects an update without it.
        natural_key: Whether it identifies the resource in the account.
        write_only: Whether Twilio never returns it.
        secret: Whether its value is never shown.
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
    _by_class: dict[type, Any] = field(init=False, repr=False, compare=False, default_factory=dict)
    _convert: Callable[[Any], Hashable] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_convert", _COMPARABLE.get(self.shape, _as_text))

    @property
    def forces_replacement(self) -> bool:
        """Whether a changed value replaces the resource."""
        return self.immutable or self.marker(ReplaceOnly) is not None

    def marker(self, kind: type[MarkerT]) -> MarkerT | None:
        """Return the first marker of this class, or None."""
        # Asked for about six times for each value of a configuration.
        if kind not in self._by_class:
            self._by_class[kind] = next((marker for marker in self.markers if isinstance(marker, kind)), None)
        found: MarkerT | None = self._by_class[kind]
        return found

    @property
    def needs_one(self) -> bool:
        """Whether it is a set that Twilio rejects if it is empty."""
        vocabulary = self.marker(Vocabulary)
        return self.marker(FreeWords) is not None or (vocabulary is not None and vocabulary.at_least_one)

    def why_not_clearable(self) -> str:
        """Return why null is an error for this field, as the end of a sentence; empty if null clears it."""
        marker = self.marker(NotClearable)
        if marker is not None:
            return marker.why
        if self.forces_replacement:
            return "it cannot change once the resource exists"
        if self.required or self.always_sent or self.needs_one:
            return "Twilio requires it"
        return _WHY_NOT_CLEARABLE.get(self.shape, "")

    def comparable(self, content: object) -> Hashable:
        """Convert a value to a form in which two values are equal exactly if they mean the same to Twilio.

        null, absent, and "" are equal; so are false and null, and ``{}`` and null. Sets compare without order, choices
        without case, durations by length, JSON by meaning, and URLs as written.
        """
        return self._convert(content)

    def is_empty(self, content: object) -> bool:
        """Return whether a value equals that of a field that was never set."""
        return bool(self.comparable(content) == self.comparable(None))
