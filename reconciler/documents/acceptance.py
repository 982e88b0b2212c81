"""The document of accepted drift: the edits of files, and what was refused. Contains no secret. Does no I/O."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from reconciler.documents.parts import Part
from reconciler.documents.saved import parse_as
from reconciler.redaction import spelled_out


class AcceptedPart(Part):
    """A difference that the edits accept."""

    address: str = Field(description="The resource.")
    field: str = Field(description="The field; empty for a whole resource.")
    action: Literal["set", "remove", "add"] = Field(
        description="Whether a field takes its live value, a resource that does not exist is removed from the files, "
        "or an unmanaged resource is added to them."
    )


class RefusedPart(Part):
    """A difference that cannot be accepted."""

    address: str = Field(description="The resource.")
    field: str = Field(description="The field; empty for a whole resource.")
    reason: str = Field(description="Why it is refused.")
    hint: str = Field(description="How to accept it nevertheless.")


class AffectedPart(Part):
    """A resource with differences."""

    address: str = Field(description="The resource.")
    kind: str = Field(description="The resource's kind.")
    service: str = Field(
        default="", exclude_if=lambda text: not text, description="The name of its service; absent at the top."
    )
    risk: Literal["low", "medium", "high"] = Field(description="The risk of the change that an apply would make.")
    owners: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda names: not names,
        description="The owners of the file that declares it, by the repository's CODEOWNERS; absent if none.",
    )
    effects: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda texts: not texts,
        description="The effects of the change that an apply would make if the difference were not accepted.",
    )


class EditedFile(Part):
    """The edits of one file."""

    path: str = Field(description="The path of the file.")
    diff: tuple[str, ...] = Field(description="The lines of a unified diff; lines that contain a secret are hidden.")


class AcceptFile(Part):
    """The edits that accept drift."""

    format: Literal["reconciler.accept"] = "reconciler.accept"
    format_version: Literal[1] = 1
    account_sid: str = Field(description="The account.")
    env: str = Field(description="The environment; empty for none.")
    written: bool = Field(description="Whether the files were written.")
    accepted: tuple[AcceptedPart, ...] = Field(description="The differences that the edits accept.")
    refused: tuple[RefusedPart, ...] = Field(
        description="The differences that are not accepted. If any was named, no file is written."
    )
    affected: tuple[AffectedPart, ...] = Field(
        default=(),
        description="The resources with these differences. Those that an apply would not change are absent.",
    )
    files: tuple[EditedFile, ...] = Field(description="The edited files.")

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return spelled_out(json.dumps(self.model_dump(), indent=2)) + "\n"


def parse_acceptance(text: str | bytes, name: str) -> AcceptFile:
    """Parse the saved edits of an accept.

    Args:
        text: Its text.
        name: What to call it in an error, usually its file.

    Raises:
        PlanFileError: It is not such a document, or one of another format version.
    """
    return parse_as(AcceptFile, text, name, "accept", "reconciler accept --format json")
