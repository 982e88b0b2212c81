"""What an apply did to each resource, and how the live resource compares with it. Pure.

Takes the values that a report recorded, and live resources; gives a `Verdict` for each resource: whether an undo writes
it, has nothing to do, or withholds it because someone else changed it since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from reconciler.address import Address
from reconciler.change import Action
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
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
        entry: the number of the ledger's entry of the first run that wrote to it and is undone; 0 without a ledger.
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
    entry: int = 0

    @property
    def overwrote(self) -> tuple[str, ...]:
        """The fields that it wrote over values that were never known, such as a key that it rotated."""
        before, after = self.before or {}, self.after or {}
        return tuple(
            item.path
            for item in self.kind.fields
            if isinstance(before.get(item.path), PastUnknown) and item.path in after
        )

    @property
    def hidden(self) -> frozenset[str]:
        """The fields that were sensitive in the apply; the undo shows none of their values either."""
        sides = (self.before or {}, self.after or {})
        return frozenset(path for side in sides for path, past in side.items() if isinstance(past, PastDigest))


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
        former_sid: gives the SID of the resource at an address that is as before the apply; empty if there is none.
        later_sid: gives the SID of the one that the apply left there.
    """

    digest_of: DigestOf
    former_sid: Callable[[Address], str]
    later_sid: Callable[[Address], str]

    def is_before(self, target: Target, path: str, past: PastValue, live: Live, *, exactly: bool = False) -> bool:
        """Whether a field has its value from before the apply; what is not recorded is not compared.

        Args:
            target: the resource.
            path: the field.
            past: the recorded value.
            live: the live resource.
            exactly: whether no other value is as good.
        """
        return self._equals(target, path, past, live, self.former_sid, exactly=exactly)

    def is_after(self, target: Target, path: str, past: PastValue, live: Live) -> bool:
        """Whether a field has the value that the apply left; see `is_before`."""
        return self._equals(target, path, past, live, self.later_sid, exactly=False)

    def _equals(
        self,
        target: Target,
        path: str,
        past: PastValue,
        live: Live,
        sid_at: Callable[[Address], str],
        *,
        exactly: bool,
    ) -> bool:
        item, content = target.kind.by_path[path], live.values.get(path)
        if item.write_only or isinstance(past, PastUnknown):
            return True
        if isinstance(past, PastReference):
            at_address = sid_at(past.address) if past.address is not None else ""
            return content in {past.sid, at_address} - {""}
        if isinstance(past, PastDigest):
            return content is not None and self.digest_of(content, target.recorded, path) == past.digest
        is_equal = bool(item.comparable(past) == item.comparable(content))
        return is_equal or (not exactly and target.kind.tolerates(path, past, content))

    def is_as_before(self, target: Target, live: Live) -> bool:
        """Whether a live resource has all of its values from before the apply."""
        return all(self.is_before(target, path, past, live) for path, past in (target.before or {}).items())

    def is_as_after(self, target: Target, live: Live) -> bool:
        """Whether a live resource has all of the values that the apply left."""
        return all(self.is_after(target, path, past, live) for path, past in (target.after or {}).items())

    def changed(self, target: Target, live: Live) -> dict[str, PastValue]:
        """Return the values of an update that its fields do not have any more, as they were before."""
        return {
            path: past
            for path, past in (target.before or {}).items()
            if not self.is_before(target, path, past, live, exactly=True)
        }

    def foreign(self, target: Target, live: Live) -> list[str]:
        """Return the fields of an update that are neither as before nor as the apply left them."""
        before, after = target.before or {}, target.after or {}
        if target.before is None and not target.is_certain:
            return []  # it may be as Twilio made it, which was never read
        return [
            path
            for path in target.kind.by_path
            if path in after
            if not self.is_after(target, path, after[path], live)
            if path not in before or not self.is_before(target, path, before[path], live)
        ]


def plain(values: PastValues) -> dict[str, Content]:
    """Return the values that are known as they are, for a kind's own functions."""
    return {
        path: past
        for path, past in values.items()
        if past is not None and not isinstance(past, (PastReference, PastDigest, PastUnknown))
    }
