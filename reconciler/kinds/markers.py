"""The markers that the annotations of a kind's fields carry: what the API and people make of a field, as data.

Read by `reconciler.kinds.fields`, which makes rows of them, and through `Field.marker` by whoever needs one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from reconciler.json_text import Json

Risk = Literal["low", "medium", "high"]


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
class NotClearable:
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
        default: The field of the service's configuration with the reference that applies if none is set.
        verb: What the resource does with the other one, for messages: ``starts conversations in``.
    """

    kind: str
    scope: Literal["service", "account"]
    of_type: str = ""
    default: str = ""
    verb: str = "refers to"


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
    """Limits on text, in characters; on JSON, in bytes of the UTF-8 text that is sent.

    Twilio's documentation gives the limits of names in characters and those of attributes in kilobytes.

    Attributes:
        most: over this is an error.
        doubtful: over this is a warning, where the documentation says less than what the API is known to take, or
            nothing.
    """

    most: int
    doubtful: int = 0


@dataclass(frozen=True, slots=True)
class Range:
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
class Template:
    """A notification's text, in which Twilio fills in `${NAME}`; elsewhere such a placeholder is an error."""


@dataclass(frozen=True, slots=True)
class FreeWords:
    """A set of words of the user's own, of which the API wants at least one."""


@dataclass(frozen=True, slots=True)
class OnChange:
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
    Wire | Immutable | ReplaceOnly | Required | AlwaysSent | NaturalKey | WriteOnly | Secret | NotClearable | Ref | Sid
    | Url | Timer | Length | Range | Choice | Vocabulary | FreeWords | Template | OnChange | Example
)  # fmt: skip


class Declaration(BaseModel):
    """The base of every kind's model and of the blocks inside; frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
