"""Markers: facts about a field, as data on its annotation.

`reconciler.kinds.flatten` turns them into fields; other code reads a marker with `Field.marker`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from reconciler.json_text import Json
from reconciler.lazy_dataclass import dataclass

Risk = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Wire:
    """The name in the API. On a block, a prefix for the fields inside.

    Attributes:
        param: The form parameter: ``AutoCreation.WebhookUrl``. Relative to the block, inside a block.
        response: The dotted path in a response, relative as well. Default: the parameter in snake case.
    """

    param: str
    response: str = ""


@dataclass(frozen=True, slots=True)
class Immutable:
    """The API has no parameter for it on update (absent from the update body in the OpenAPI description)."""


@dataclass(frozen=True, slots=True)
class ReplaceOnly:
    """The API has a parameter for it on update but rejects or alters it, so a change replaces the resource.

    Attributes:
        why: What the API does, with its error code.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Required:
    """The API rejects a create without it."""


@dataclass(frozen=True, slots=True)
class AlwaysSent:
    """The API rejects an update without it, so every update sends it."""


@dataclass(frozen=True, slots=True)
class NaturalKey:
    """Identifies the resource in the account; defaults to the handle."""


@dataclass(frozen=True, slots=True)
class WriteOnly:
    """Never returned by the API, so it cannot be compared."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Never shown, stored, or logged."""


@dataclass(frozen=True, slots=True)
class NotClearable:
    """Cannot be cleared: the API keeps the old value or rejects the request.

    Attributes:
        why: The reason, as the end of a sentence in the error message.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to another resource: a handle, the name of a built-in resource, or a SID.

    Attributes:
        kind: The name of the kind that it refers to.
        scope: ``service`` if the other one must be in the same service, ``account`` if it is at the top.
        of_type: The value that the other one's discriminator must have; empty for any.
        default: The field of the service's configuration whose reference applies if none is set.
        initial: The natural keys of the built-in resources of which it refers to one until it is set.
        verb: What the resource does with the other one, for messages: ``starts conversations in``.
    """

    kind: str
    scope: Literal["service", "account"]
    of_type: str = ""
    default: str = ""
    initial: tuple[str, ...] = ()
    verb: str = "refers to"


@dataclass(frozen=True, slots=True)
class Sid:
    """The SID of a resource that is not managed here, such as ``MG`` for a messaging service."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute http or https URL, compared as written."""

    max_length: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """An ISO 8601 duration with a minimum, compared by length: PT60M is PT1H.

    Attributes:
        minimum: In seconds.
        written: The minimum as an ISO 8601 duration, for messages.
    """

    minimum: int
    written: str


@dataclass(frozen=True, slots=True)
class Length:
    """Limits on the length of text in characters, or of JSON in bytes of the UTF-8 text that is sent.

    Twilio documents the limits of names in characters and those of attributes in kilobytes.

    Attributes:
        most: A longer value is an error.
        doubtful: A longer value is a warning: the documented limit, if the API is known to accept more, or a likely
            one, if none is documented.
    """

    most: int
    doubtful: int = 0


@dataclass(frozen=True, slots=True)
class Range:
    """Limits on a number, inclusive."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of one word, compared without regard to case.

    Attributes:
        words: The known words, in the configuration's spelling.
        extended_by_twilio: Whether Twilio adds words over time, so that an unknown one is a warning, not an error.
    """

    words: tuple[str, ...]
    extended_by_twilio: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The known words of a set that Twilio extends over time: an unknown one is a warning.

    Attributes:
        words: The known words.
        by_type: The known words by the resource's ``type``, if they differ.
        at_least_one: Whether the API rejects an empty set.
    """

    words: tuple[str, ...]
    by_type: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at_least_one: bool = False

    def __hash__(self) -> int:
        """Hash by the words, because mappings are not hashable."""
        return hash((self.words, self.at_least_one))


@dataclass(frozen=True, slots=True)
class Template:
    """The text of a notification, in which Twilio replaces `${NAME}`; elsewhere such a placeholder is an error."""


@dataclass(frozen=True, slots=True)
class FreeWords:
    """A set of words of the user's choice, of which the API requires at least one."""


@dataclass(frozen=True, slots=True)
class OnChange:
    """The effect of a change of this field.

    Attributes:
        risk: How carefully a reviewer should look.
        effect: What happens, as a sentence that starts in lower case; empty if the field itself says it.
        added: What happens if the field was empty; empty if that is the effect.
        removed: What happens if the field becomes empty; empty if that is the effect.
    """

    risk: Risk
    effect: str = ""
    added: str = ""
    removed: str = ""

    def sentence(self, *, had: bool, has: bool) -> str:
        """Return the effect as a sentence; empty if there is none.

        Args:
            had: Whether the field had a value before.
            has: Whether it has one afterwards.
        """
        effect = (not had and self.added) or (not has and self.removed) or self.effect
        return f"{effect[0].upper()}{effect[1:]}." if effect else ""


@dataclass(frozen=True, slots=True)
class Example:
    """A value for the reference documentation and the JSON Schema."""

    value: Json


Marker = (
    Wire | Immutable | ReplaceOnly | Required | AlwaysSent | NaturalKey | WriteOnly | Secret | NotClearable | Ref | Sid
    | Url | Timer | Length | Range | Choice | Vocabulary | FreeWords | Template | OnChange | Example
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Description:
    """What a field or a block is, in one or two sentences for the reference documentation and for editors."""

    text: str


class Declaration:
    """The base of the declarations of kinds and of their blocks, which are only annotations: no instance is created.

    Not a pydantic model: building one for each kind and block, and importing pydantic, took half of the CPU time of
    commands that only read files.
    """
