"""The base of every document: frozen dataclasses, which pydantic reads and describes.

Most commands create, show, and write documents, and read none. They do so without pydantic, whose import takes a third
of the CPU time of a short command: `writing` needs none of it, `conversion` imports it. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The base of every document and of its parts: closed to unknown keys when it is read.

    Attributes:
        __pydantic_config__: pydantic's settings for a dataclass.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = {
        "extra": "forbid",
        "validate_by_name": True,
        "validate_by_alias": True,
        "serialize_by_alias": True,
    }

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a document from its JSON.

        Raises:
            ValueError: It is not the JSON of such a document.
        """
        from reconciler.documents import conversion  # noqa: PLC0415 - see the module

        return conversion.from_text(cls, text)


def described(description: str, **settings: Any) -> Mapping[str, object]:
    """Return the metadata of a field.

    Args:
        description: What it means, for the JSON Schema.
        settings: pydantic's settings of a field: ``alias``, ``exclude_if``, ``ge``, ``pattern``; and ``shown_default``,
            the default in the JSON Schema if the class has a factory.
    """
    if "shown_default" in settings:
        settings["json_schema_extra"] = {"default": settings.pop("shown_default")}
    return {"description": description, **settings}


def is_none(value: object) -> bool:
    """Whether there is no value; for ``exclude_if``."""
    return value is None
