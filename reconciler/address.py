"""Addresses: the path of a resource in the configuration, as text and as parts.

``services.support.roles.agent`` is ``Address(("services", "support", "roles", "agent"))``. A part that is not a plain
identifier, or that looks like a SID, is written in brackets and quotes: ``services.support.users["ada@example.com"]``,
``services["IS…"].roles["RL…"]``. Text and parts convert both ways without loss. Independent of kinds: it is not known
here whether an address refers to a resource.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}\Z")
_SID_LENGTH = 34
_PART = re.compile(r'(?:\.?(?P<plain>[A-Za-z_][A-Za-z0-9_-]*)|\[(?P<quoted>"(?:[^"\\]|\\.)*")\])')


class AddressError(ValueError):
    """An invalid address; the message shows the invalid part."""


def looks_like_sid(text: str) -> bool:
    """Whether the text has the form of a Twilio SID: two capitals and 32 hexadecimal digits (OpenAPI: patterns)."""
    return _SID.match(text) is not None


class Address(NamedTuple):
    """The path of a resource in the configuration.

    A named tuple, since a plan hashes and compares every address about a hundred times.

    Attributes:
        parts: section names and handles from the root, for instance ``("services", "support", "webhooks")``.
    """

    parts: tuple[str, ...]

    @classmethod
    def of(cls, *parts: str) -> Address:
        """Build an address from its parts."""
        return cls(parts)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Parse an address.

        Raises:
            AddressError: the text is empty or is not a valid address.
        """
        parts: list[str] = []
        position = 0
        while position < len(text):
            match = _PART.match(text, position)
            is_dotted = text[position] == "."
            is_bracket = text[position] == "["
            misplaced = match is None or (position == 0 and (is_dotted or is_bracket))
            if match is None or misplaced or (position > 0 and not is_dotted and not is_bracket):
                raise AddressError(f"invalid address {text!r}: unexpected {text[position:]!r}")
            quoted = match.group("quoted")
            try:
                part = match.group("plain") if quoted is None else json.loads(quoted)
            except json.JSONDecodeError:
                raise AddressError(f"invalid address {text!r}: {quoted} is not a quoted string") from None
            parts.append(part)
            position = match.end()
        if not parts:
            raise AddressError("an address is empty")
        return cls(tuple(parts))

    def child(self, *parts: str) -> Address:
        """Return the address of a resource or section below this one."""
        return Address(self.parts + parts)

    @property
    def root(self) -> Address:
        """The top-level resource that this address is in: ``services.support`` for everything in that service."""
        return Address(self.parts[:2])

    @property
    def collection(self) -> Address:
        """The address of the collection that holds the resource: without its handle."""
        return Address(self.parts[:-1])

    def owner(self, section: Sequence[str]) -> Address | None:
        """Return the address of the resource that contains this one; None at the top.

        Args:
            section: the section of this resource's kind.
        """
        return self.collection.collection_owner(section)

    def collection_owner(self, section: Sequence[str]) -> Address | None:
        """Return the address of the resource that contains this collection, or this singleton; None at the top.

        Args:
            section: the section of the collection's kind.
        """
        parts = self.parts[: -len(section)]
        return Address(parts) if parts else None

    def is_within(self, other: Address) -> bool:
        """Return whether this is the other address or below it."""
        return self.parts[: len(other.parts)] == other.parts

    def __str__(self) -> str:
        """Return the text form, which `parse` reads back."""
        text = [self.parts[0]]
        for part in self.parts[1:]:
            # The first test is a fast one for most parts.
            if (part.isidentifier() and part.isascii() and len(part) != _SID_LENGTH) or (
                _PLAIN.match(part) and not looks_like_sid(part)
            ):
                text.append("." + part)
            else:
                text.append(f"[{json.dumps(part, ensure_ascii=False)}]")
        return "".join(text)
