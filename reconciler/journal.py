"""Replaces that an interrupted apply began, with the values that only the account had. Pure.

A replace is saved before its first request is sent, and removed when it is complete, so each remaining
one was interrupted. It may contain a live value that may not be shown, such as a webhook URL with a token: without it,
the value would be lost if the run ends between a delete and its create. It contains neither values of the configuration
nor values that the API does not return. `reconciler.documents.journal` defines the file, and
`reconciler.execution.journal_file` reads and writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from reconciler.address import Address
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
from reconciler.state import Live


@dataclass(frozen=True, slots=True, repr=False)
class UnfinishedReplace:
    """A replace that an apply began and did not complete.

    Attributes:
        address: the address of the resource in the configuration.
        kind: its kind.
        sid: the old resource's SID.
        name: the old resource's natural key.
        parents: SIDs of the old resource's parents, outermost first.
        values: values for the new resource that only the account had, by field path.
        sensitive: paths of the values that may not be shown.
        former: the other values of the old resource that may be shown, by field path; risk and consequences of the
            change follow from them.
        lost: paths of values that were not saved, because they may not be shown in a report.
        source: the path of the file that the saved replace was read from, for messages.
        title: the natural key in a form that may be shown; empty if it may be shown unchanged.
        name_digest: in a report, a digest of a natural key that may not be shown.
        environment: the environment of the apply; empty for none.
    """

    address: Address
    kind: Kind
    sid: str
    name: str
    parents: tuple[str, ...] = ()
    values: Mapping[str, Content] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    former: Mapping[str, Content] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    source: str = ""
    title: str = ""
    name_digest: str = ""
    environment: str = ""

    def as_live(self) -> Live:
        """Return the old resource, as far as it is known."""
        return Live(self.kind, self.sid, self.parents, {**self.former, **self.values})

    def is_still(self, live: Live) -> bool:
        """Return whether a live resource is the old one, with the SID, parents, name, and type that were saved."""
        discriminator = self.kind.discriminator
        saved_type = self.as_live().values.get(discriminator)
        return (
            (live.kind, live.sid, live.parents, live.name) == (self.kind, self.sid, self.parents, self.name)
            # If the type is sensitive, a report does not contain it.
            and (not discriminator or saved_type is None or saved_type == live.values.get(discriminator))
        )

    def __repr__(self) -> str:
        """Omit values: they may be sensitive."""
        return f"UnfinishedReplace({str(self.address)!r}, {self.sid!r})"


class Journal(Protocol):
    """Durable storage for the replaces of an apply."""

    def begin(self, saved: UnfinishedReplace) -> None:
        """Store a saved replace; when this returns, it survives the end of the process.

        Raises:
            OSError: it could not be written.
        """

    def finish(self, sid: str) -> None:
        """Remove a complete replace.

        Args:
            sid: the old resource's SID.

        Raises:
            OSError: it could not be written.
        """
