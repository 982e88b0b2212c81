"""Parts of an account that an export cannot write unchanged, found by loading and planning earlier attempts."""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from reconciler.address import Address
from reconciler.lazy_dataclass import dataclass


class FieldKey(NamedTuple):
    """A field of a live resource, or the resource itself.

    Attributes:
        sid: The resource.
        path: The field; empty for the resource itself.
    """

    sid: str
    path: str = ""


@dataclass
class Exclusions:
    """Everything that attempts at an export have excluded so far.

    Attributes:
        left_out: Fields and resources that the files cannot contain, with the reason.
        pinned: SIDs of resources that nothing else identifies, with the reason.
        unpruned: Collections whose prune rule would delete resources that the files cannot contain.
    """

    left_out: dict[FieldKey, str] = field(default_factory=dict)
    pinned: dict[str, str] = field(default_factory=dict)
    unpruned: set[Address] = field(default_factory=set)

    def __len__(self) -> int:
        """Return the number of exclusions, which grows with each attempt that finds more."""
        return len(self.left_out) + len(self.pinned) + len(self.unpruned)
