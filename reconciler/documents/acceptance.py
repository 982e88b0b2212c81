"""The document of accepted drift: the edits of files, and what was refused. Contains no secret. Does no I/O."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import field
from operator import not_
from typing import Literal

from reconciler.documents.base import Part, described
from reconciler.documents.saved import parse_as
from reconciler.documents.writing import to_content
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import spelled_out


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedPart(Part):
    """A difference that the edits accept."""

    address: str = dataclasses.field(metadata=described("The resource."))
    field: str = dataclasses.field(metadata=described("The field; empty for a whole resource."))
    action: Literal["set", "remove", "add"] = dataclasses.field(
        metadata=described(
            "Whether a field takes its live value, a resource that does not exist is removed from the files, "
            "or an unmanaged resource is added to them."
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPart(Part):
    """A difference that cannot be accepted."""

    address: str = dataclasses.field(metadata=described("The resource."))
    field: str = dataclasses.field(metadata=described("The field; empty for a whole resource."))
    reason: str = dataclasses.field(metadata=described("Why it is refused."))
    hint: str = dataclasses.field(metadata=described("How to accept it nevertheless."))


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedPart(Part):
    """A resource with differences."""

    address: str = field(metadata=described("The resource."))
    kind: str = field(metadata=described("The resource's kind."))
    service: str = field(default="", metadata=described("The name of its service; absent at the top.", exclude_if=not_))
    risk: Literal["low", "medium", "high"] = field(
        metadata=described("The risk of the change that an apply would make.")
    )
    owners: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "The owners of the file that declares it, by the repository's CODEOWNERS; absent if none.", exclude_if=not_
        ),
    )
    effects: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "The effects of the change that an apply would make if the difference were not accepted.", exclude_if=not_
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedFile(Part):
    """The edits of one file."""

    path: str = field(metadata=described("The path of the file."))
    diff: tuple[str, ...] = field(
        metadata=described("The lines of a unified diff; lines that contain a secret are hidden.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptFile(Part):
    """The edits that accept drift."""

    format: Literal["reconciler.accept"] = "reconciler.accept"
    format_version: Literal[1] = 1
    account_sid: str = field(metadata=described("The account."))
    env: str = field(metadata=described("The environment; empty for none."))
    written: bool = field(metadata=described("Whether the files were written."))
    accepted: tuple[AcceptedPart, ...] = field(metadata=described("The differences that the edits accept."))
    refused: tuple[RefusedPart, ...] = field(
        metadata=described("The differences that are not accepted. If any was named, no file is written.")
    )
    affected: tuple[AffectedPart, ...] = field(
        default=(),
        metadata=described("The resources with these differences. Those that an apply would not change are absent."),
    )
    named_only: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "What differs below the given names (or, without names, at all), and is accepted only by its own name: "
            "undeclared settings, and what the configuration changed.",
            exclude_if=not_,
        ),
    )
    not_compared: tuple[str, ...] = field(
        default=(), metadata=described("Named fields that Twilio does not return.", exclude_if=not_)
    )
    also_changed: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "The other environments whose values the edits change, too; the empty name is the configuration without "
            "an environment.",
            exclude_if=not_,
        ),
    )
    files: tuple[EditedFile, ...] = field(metadata=described("The edited files."))

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return spelled_out(json.dumps(to_content(self), indent=2)) + "\n"


def parse_acceptance(text: str | bytes, name: str) -> AcceptFile:
    """Parse the saved edits of an accept.

    Args:
        text: Its text.
        name: What to call it in an error, usually its file.

    Raises:
        PlanFileError: It is not such a document, or one of another format version.
    """
    return parse_as(AcceptFile, text, name, "accept", "reconciler accept --format json")
