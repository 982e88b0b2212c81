"""The desired state of a configuration: the resources that must exist, and those that must not.

Takes a `Config`; returns a `Desired`. Pure, and independent of the account.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.address import Address
from reconciler.config.model import Config, Declared
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Desired:
    """The declared resources, by whether they must exist.

    Attributes:
        present: resources that must exist, in the order of the configuration: parents first.
        absent: resources with `absent: true`, without those inside another absent resource.
        inside_absent: addresses of the resources inside an absent one; they are deleted with it.
        removed: addresses of everything that must not exist: the absent resources and their contents.
    """

    present: tuple[Declared, ...]
    absent: tuple[Declared, ...]
    inside_absent: frozenset[Address]
    removed: frozenset[Address]

    @staticmethod
    def contents_of_absent(config: Config) -> frozenset[Address]:
        """Return `inside_absent` of a configuration."""
        return Desired.of(config).inside_absent if config.exceptions else frozenset()

    @classmethod
    def of(cls, config: Config) -> Desired:
        """Sort the resources of a configuration into present and absent ones."""
        if not any(declared.absent for declared in config.exceptions):
            return cls(tuple(config.resources.values()), (), frozenset(), frozenset())
        gone: set[Address] = set()
        present: list[Declared] = []
        absent: list[Declared] = []
        inside: set[Address] = set()
        for declared in config.resources.values():
            if declared.parent in gone:
                inside.add(declared.address)
            elif declared.absent:
                absent.append(declared)
            else:
                present.append(declared)
                continue
            gone.add(declared.address)
        return cls(tuple(present), tuple(absent), frozenset(inside), frozenset(gone))


def implied_users(declared: Iterable[Declared]) -> frozenset[tuple[str, Address, str]]:
    """Return the kind, service, and natural key of each resource that others imply: Twilio creates participants' users.

    Args:
        declared: the resources that must exist.
    """
    return frozenset(
        (kind, one.address.root, str(one.values[path].content))
        for one in declared
        if one.kind.implies
        for path, kind in one.kind.implies.items()
        if path in one.values
    )
