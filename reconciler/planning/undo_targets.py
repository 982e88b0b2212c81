"""What an apply did to each resource, and how the live resource compares with it. Pure.

Takes the values that a report recorded, and live resources; gives a `Verdict` for each resource: whether an undo writes
it, has nothing to do, or withholds it because someone else changed it since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reconciler.address import Address
from reconciler.change import Action
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.state import Live


@dataclass(frozen=True, slots=True)
class PastReference:
    """A reference as a report has it.

    Attributes:
        address: the address of the resource that it names; None if it was not known.
        sid: its SID; empty if it was not known.
    """

    address: Address | None
    sid: str


@dataclass(frozen=True, slots=True)
class PastDigest:
    """A sensitive value, of which a report has only a keyed digest."""

    digest: str


@dataclass(frozen=True, slots=True)
class PastUnknown:
    """A value that was never known, such as one that the API does not return."""


PastValue: TypeAlias = "Content | PastReference | PastDigest | PastUnknown"
PastValues: TypeAlias = "Mapping[str, PastValue]"
"""Values by field path. An empty value is None."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an apply did to one resource.

    Attributes:
        address: its address.
        kind: its kind.
        parent: the address of the containing resource; None at the top.
        parents: the SIDs above it, outermost first.
        action: what the apply did. Of a replace, the old resource may still exist.
        name: its natural key, as it may be shown.
        service: the name of its service, as it may be shown.
        old_sid: the SID of the resource before; empty for a new one, and for a singleton.
        new_sid: the SID of the resource afterwards; empty for a deleted one, a singleton, and if it is not known.
        before: the values before: of an update, those that were written; None if they are not known, or if there was no
            resource.
        after: the values afterwards; None if there is no resource.
        is_certain: whether it is known that every step took effect.
        recorded: its address in the report, which digests are bound to.
    """

    address: Address
    kind: Kind
    parent: Address | None
    parents: tuple[str, ...]
    action: Action
    name: str = ""
    service: str = ""
    old_sid: str = ""
    new_sid: str = ""
    before: PastValues | None = field(default=None, repr=False)
    after: PastValues | None = field(default=None, repr=False)
    is_certain: bool = True
    recorded: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an undo does with one resource.

    Attributes:
        target: what the apply did.
        decision: ``write``; ``nothing``, because the resource is as before; ``withheld``, because it is neither as
            before nor as the apply left it.
        live: the live resource that it is now; None if there is none.
        leftover: of a replace whose old resource exists, the new one, which is to be deleted.
        message: why it is withheld.
    """

    target: Target
    decision: Literal["write", "nothing", "withheld"]
    live: Live | None = None
    leftover: Live | None = None
    message: str = ""


DigestOf = Callable[[Content, str, str], str]
"""Makes the keyed digest of a content, for an address and a field path."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares live resources with recorded values.

    Attributes:
        digest_of: makes digests.
        sid_at: gives the SID of the live resource at an address; empty if there is none.
    """

    digest_of: DigestOf
    sid_at: Callable[[Address], str]

    def equals(self, target: Target, path: str, past: PastValue, live: Live, *, exactly: bool = False) -> bool:
        """Whether a field has a recorded value; what is not recorded is not compared.

        Args:
            target: the resource.
            path: the field.
            past: the recorded value.
            live: the live resource.
            exactly: whether no other value is as good.
        """
        item, content = target.kind.by_path[path], live.values.get(path)
        if item.write_only or isinstance(past, PastUnknown):
            return True
        if isinstance(past, PastReference):
            at_address = self.sid_at(past.address) if past.address is not None else ""
            return content in {past.sid, at_address} - {""}
        if isinstance(past, PastDigest):
            return content is not None and self.digest_of(content, target.recorded, path) == past.digest
        is_equal = bool(item.comparable(past) == item.comparable(content))
        return is_equal or (not exactly and target.kind.tolerates(path, past, content))

    def is_as(self, target: Target, values: PastValues, live: Live, ignored: frozenset[str] = frozenset()) -> bool:
        """Whether a live resource has all of the recorded values."""
        return all(self.equals(target, path, past, live) for path, past in values.items() if path not in ignored)

    def changed(self, target: Target, live: Live) -> dict[str, PastValue]:
        """Return the values of an update that its fields do not have any more, as they were before."""
        return {
            path: past
            for path, past in (target.before or {}).items()
            if not self.equals(target, path, past, live, exactly=True)
        }

    def foreign(self, target: Target, live: Live) -> list[str]:
        """Return the fields of an update that are neither as before nor as the apply left them."""
        before, after = target.before or {}, target.after or {}
        return [
            path
            for path in target.kind.by_path
            if path in after
            if not self.equals(target, path, after[path], live)
            if path not in before or not self.equals(target, path, before[path], live)
        ]


def plain(values: PastValues) -> dict[str, Content]:
    """Return the values that are known as they are, for a kind's own functions."""
    return {
        path: past
        for path, past in values.items()
        if past is not None and not isinstance(past, (PastReference, PastDigest, PastUnknown))
    }
