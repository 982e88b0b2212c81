"""Display names, labels, and addresses of resources in a plan.

Takes a `Config`, a `State`, and a `Matching`. A name that the configuration hides is never shown. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.address import Address
from reconciler.config.model import Config, Declared
from reconciler.kinds.base import Kind
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.match import Matching
from reconciler.redaction import HIDDEN
from reconciler.state import Live, State


def title(declared: Declared | None, live: Live | None) -> str:
    """Return a name in a form that may be shown: the declared one, or the live one if none is declared."""
    declared_title = declared.title if declared is not None else ""
    return declared_title or (live.title if live is not None else "")


@dataclass(frozen=True)
class Naming:
    """Names of declared and live resources.

    Attributes:
        config: the configuration.
        state: the account.
        matching: the live resource of each declared one.
        completed_by: the addresses whose interrupted replaces this plan completes, by the SID of the old resource.
    """

    config: Config
    state: State
    matching: Matching
    completed_by: Mapping[str, Address]

    def declared(self, live: Live) -> Declared | None:
        """Return the declared resource that matches or replaces a live one."""
        address = self.matching.addresses.get(live.sid) or self.completed_by.get(live.sid)
        return None if address is None else self.config.resources.get(address)

    def of_sid(self, sid: str) -> str:
        """Return the natural key of a live resource; empty if it was not read.

        A resource that the plan renames still has its old name, unless the configuration hides names of its kind.
        """
        live = self.state.get(sid)
        if live is None:
            return ""
        declared = self.declared(live)
        if declared is not None and declared.natural_key != live.name and HIDDEN not in declared.title:
            return live.title
        return title(declared, live)

    def may_show(self, live: Live) -> bool:
        """Whether the name of a live resource may be shown."""
        declared = self.declared(live)
        return live.title == live.name and (declared is None or declared.title == declared.natural_key)

    def label(self, kind: Kind, parent: Address | None, name: str, contents: Mapping[str, object]) -> str:
        """Return a name, with the type if another resource has the same name: ``agent (service)``."""
        of_type = contents.get(kind.discriminator) if kind.natural_key else None
        if not kind.discriminator or not isinstance(of_type, str) or not name:
            return name
        above = self.matching.live.get(parent) if parent is not None else None
        parents = () if above is None else above.lineage
        types: set[object] = {
            live.values.get(kind.discriminator)
            for live in (self.state.collection(kind, parents) if above is not None or parent is None else ())
            if live.name == name
        }
        types |= {
            value.content
            for declared in self.config.collection(kind, parent)
            if declared.natural_key == name
            if (value := declared.values.get(kind.discriminator)) is not None
        }
        return f"{name} ({of_type})" if types - {of_type} else name

    def service_of(self, parent: Address | None) -> str:
        """Return the name of the service that contains a resource with this parent; empty at the top of the account."""
        if parent is None:
            return ""
        declared = self.config.resources.get(parent.root)
        live = self.matching.live.get(parent.root) or self.state.get(parent.root.parts[1])
        if declared is not None and declared.title != declared.natural_key:
            return declared.title
        return live.title if live is not None else declared.natural_key if declared is not None else ""

    def address_of(self, live: Live) -> Address:
        """Return the address of a live resource: the declared one, or otherwise one made of SIDs."""
        declared = self.matching.addresses.get(live.sid)
        if declared is not None:
            return declared
        if not live.parents:
            return Address((*live.kind.section, live.sid))
        above = self.state.get(live.parents[-1])
        base = self.address_of(above) if above is not None else Address(("services", live.parents[-1]))
        return base.child(*live.kind.section, live.sid)
