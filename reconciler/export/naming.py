"""The live resources that an export writes, their addresses, and their pins. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from reconciler.address import Address
from reconciler.export.exclusions import FieldKey
from reconciler.export.fields import FieldFilter
from reconciler.export.handles import handles
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.planning.diff import holds_secret
from reconciler.state import Live, State


class Naming:
    """The addresses of an export.

    Args:
        state: The account.
        fields: Decides which fields are written.
        scope: SIDs of the resources to write; None for all. The names of the others are taken, too.

    Attributes:
        addresses: The address of each written resource that has a handle, by SID.
        untouched: SIDs of built-in resources that were not changed since Twilio created them.
    """

    def __init__(self, state: State, fields: FieldFilter, scope: frozenset[str] | None = None) -> None:
        self.addresses: dict[str, Address] = {}
        self._state = state
        self._fields = fields
        self._existing = fields.existing
        self._exclusions = fields.exclusions
        self._ambiguous: dict[str, str] = {}
        self._reserved: dict[Address, set[str]] = defaultdict(set)
        for address in self._existing.reserved:
            self._reserved[address.collection].add(address.parts[-1])
        self.untouched = self._find_untouched()
        for kind in KINDS:
            if not kind.singleton:
                self._name_members(kind)
        if scope is not None:
            self.addresses = {sid: address for sid, address in self.addresses.items() if sid in scope}

    def _find_untouched(self) -> frozenset[str]:
        """Find built-in resources that have not been changed, as far as the account shows it.

        The permissions of built-in roles in a new service are undocumented. One counts as untouched if it never changed
        according to its dates, and every other one of its name that never changed has the same values.
        """
        built_in = [live for live in self._state if live.name in live.kind.built_in]
        values: dict[str, set[tuple[object, ...]]] = {}
        for live in built_in:
            if live.created == live.updated:
                values.setdefault(live.name, set()).add(_comparable(live))
        return frozenset(
            live.sid
            for live in built_in
            if values.get(live.name) == {_comparable(live)}
            and sum(other.name.lower() == live.name for other in self._state.collection(live.kind, live.parents)) == 1
        )

    def is_written(self, live: Live) -> bool:
        """Return whether the files contain a resource."""
        if live.kind.why_final(live.values) or live.sid in self.untouched:
            return False
        if FieldKey(live.sid) in self._exclusions.left_out:
            return False
        above = self._state.get(live.parents[-1]) if live.parents else None
        return above is None or self.is_written(above)

    def spells_secret(self, live: Live) -> bool:
        """Return whether any value contains a secret; then no value may become a handle."""
        return any(
            self._existing.secret_in(item, live.values.get(item.path)) or holds_secret(item, live.values.get(item.path))
            for item in live.kind.fields
        )

    def handle(self, live: Live) -> str:
        """Return the handle of a resource; empty for singletons."""
        address = self.addresses.get(live.sid)
        return address.parts[-1] if address is not None else ""

    def pin(self, live: Live) -> str:
        """Return why a resource is pinned; empty if it is not."""
        if live.kind.singleton:
            return ""
        return self._exclusions.pinned.get(live.sid) or self._ambiguous.get(live.sid, "")

    def pinnable(self) -> set[str]:
        """Return the SIDs of resources that have a handle and no pin."""
        return self.addresses.keys() - self._ambiguous.keys() - self._exclusions.pinned.keys()

    def _name_members(self, kind: Kind) -> None:
        """Choose the handles of every collection of a kind."""
        for parents in sorted({live.parents for live in self._state if live.kind == kind}):
            members = [live for live in self._state.collection(kind, parents) if self.is_written(live)]
            known = self._existing.addresses
            kept = {live.sid: known[live.sid].parts[-1] for live in members if live.sid in known}
            if parents and parents[-1] not in self.addresses:
                continue
            base = self.addresses[parents[-1]].child(*kind.section) if parents else Address(kind.section)
            hidden = {live.sid for live in members if self.spells_secret(live)}
            for sid, handle in handles(members, kept, hidden, self._reserved[base]).items():
                self.addresses[sid] = base.child(handle)
            self._find_ambiguous(kind, members)

    def _find_ambiguous(self, kind: Kind, members: Sequence[Live]) -> None:
        """Find resources that their natural key does not identify."""
        named: dict[str, list[Live]] = {}
        for live in members:
            named.setdefault(live.name, []).append(live)
        key = kind.natural_key
        for name, same in named.items():
            for live in same:
                if not name or (key and (self._fields.is_excluded(live, key) or self._has_secret_name(live))):
                    self._ambiguous[live.sid] = "only its SID identifies it"
                elif not all(other is live or self._is_distinguishable(live, other) for other in same):
                    self._ambiguous[live.sid] = f"{len(same)} live resources have its name"

    def _has_secret_name(self, live: Live) -> bool:
        """Return whether the natural key contains a secret that the existing files do not look up there."""
        item = live.kind.by_path[live.kind.natural_key]
        content = live.values.get(item.path)
        return not self._fields.is_kept(live, item) and bool(self._existing.secret_in(item, content))

    def _is_distinguishable(self, live: Live, other: Live) -> bool:
        """Return whether the files can distinguish two resources of one name without a SID."""
        kind = live.kind
        if not kind.discriminator or self._fields.is_excluded(live, kind.discriminator):
            return False
        if kind.match_by_content:
            return any(
                kind.by_path[path].comparable(content) != kind.by_path[path].comparable(other.values.get(path))
                for path, content in self._fields.written(live)
            )
        return bool(live.values.get(kind.discriminator) != other.values.get(kind.discriminator))


def _comparable(live: Live) -> tuple[object, ...]:
    return tuple(item.comparable(live.values.get(item.path)) for item in live.kind.fields)
