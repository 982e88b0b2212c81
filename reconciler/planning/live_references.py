"""References between declared, removed, and live resources.

Takes a configuration with placeholders, the live resource of each, and the account; gives SIDs for references, and
references for SIDs. Pure.
"""

from __future__ import annotations

from reconciler.address import Address
from reconciler.config.model import Config, Reference
from reconciler.kinds import BY_NAME
from reconciler.kinds.fields import Field
from reconciler.kinds.markers import Ref
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.match import Matching
from reconciler.planning.three_way import Sides
from reconciler.state import Live, State


@dataclass(frozen=True)
class References:
    """Resolves references between declared, removed, and live resources.

    Attributes:
        config: The configuration with placeholders.
        matching: The live resource of each of its resources.
        state: The account.
    """

    config: Config
    matching: Matching
    state: State

    def sid_of(self, reference: Reference) -> str | None:
        """Return the SID of a reference; None if its target does not exist."""
        if reference.is_by_name:
            return self._named(reference)
        live = self.matching.live.get(reference.address)
        if live is not None:
            return live.sid
        found = self._built_in(reference)
        return None if found is None else found.sid

    def sides(self, live: Live) -> Sides:
        """A live resource, with what compares it."""
        return Sides(live, self.sid_of, self.is_namesake)

    def is_namesake(self, reference: Reference, sid: str) -> bool:
        """Whether a live resource has the name of a reference's target, and is beside it."""
        target, declared = self.state.get(sid), self.config.resources.get(reference.address)
        if target is None or declared is None or declared.kind != target.kind or reference.is_by_name:
            return False
        above = self.matching.live.get(declared.parent) if declared.parent is not None else None
        parents = () if above is None else above.lineage
        return target.parents == parents and target.name == declared.natural_key != ""

    def is_available(self, reference: Reference, field: Field) -> bool:
        """Whether the target of a reference exists, or will, and is of the type that the field takes."""
        sid = self.sid_of(reference)
        if reference.is_by_name:
            return sid is not None
        declared = self.config.resources.get(reference.address)
        is_declared = declared is not None and not declared.absent
        if sid is None and not is_declared:
            return False
        marker, live = field.marker(Ref), self.state.get(sid) if sid is not None else None
        kind = BY_NAME[reference.kind]
        of_type: object = live.values.get(kind.discriminator) if live is not None else None
        if declared is not None and is_declared and kind.discriminator in declared.values:
            of_type = declared.values[kind.discriminator].content
        return marker is None or not marker.of_type or of_type in {None, marker.of_type}

    def to(self, live: Live, path: str) -> Reference | None:
        """The reference that a live SID is: to a declared resource, or by name; None if its target was not read."""
        sid, marker = live.values.get(path), live.kind.by_path[path].marker(Ref)
        if marker is None or not isinstance(sid, str):
            return None
        target, address = self.state.get(sid), self.matching.addresses.get(sid)
        service = self.matching.addresses.get(live.parents[0]) if live.parents else None
        if address is not None and (target is None or not target.is_built_in):
            return Reference(address, marker.kind)
        if target is None or not target.name:
            return None
        if not target.parents:
            reference = Reference(Address.of(*target.kind.section, target.name), marker.kind, target.name)
            return reference if self._named(reference) == sid else None
        if service is None:
            return None
        # By its name, also if a built-in one is declared: it stays when its declaration is removed.
        return Reference(service.child(*target.kind.section, target.name), marker.kind, target.name)

    def _named(self, reference: Reference) -> str | None:
        """The SID of the only resource at the top that has the name in a reference."""
        kind = BY_NAME[reference.kind]
        found = [live.sid for live in self.state.collection(kind, ()) if live.name == reference.built_in]
        return found[0] if len(found) == 1 else None

    def _built_in(self, reference: Reference) -> Live | None:
        kind = BY_NAME[reference.kind]
        owner = reference.address.owner(kind.section)
        above = self.matching.live.get(owner) if owner is not None else None
        if above is None or not reference.built_in:
            return None
        found = [live for live in self.state.collection(kind, above.lineage) if live.name == reference.built_in]
        return found[0] if len(found) == 1 else None
