"""The decisions of a reviewed plan that a continuing plan keeps.

Whether a new webhook may be a live one under another name, or whether a role may be deleted yet, depends on the rest of
the account, so the first steps of a plan can change the answers. A plan of the remaining changes therefore takes them
from the reviewed plan. They only narrow it: they never add a change. The exception are conflicts that the reviewed plan
showed. Pure data.
"""

from __future__ import annotations

from reconciler.address import Address
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The decisions of a reviewed plan of the same configuration.

    Attributes:
        creates: addresses of new resources, which never match a live resource under another name.
        withheld: addresses of changes that are withheld.
        kept: SIDs of resources whose delete is withheld, even if their replacement is created.
        conflicts: addresses of changes that were shown to overwrite what changed in the account, which approves them;
            empty for an edited plan.
    """

    creates: frozenset[Address] = frozenset()
    withheld: frozenset[Address] = frozenset()
    kept: frozenset[str] = frozenset()
    conflicts: frozenset[Address] = frozenset()


NOT_REVIEWED = Reviewed()
"""No plan was reviewed before."""
