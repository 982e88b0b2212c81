"""The facts that guards read in addition to the changes: approvals, defaults, holders, and names.

`reconciler.planning.guard_changes` collects them; every guard reads them. Pure data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

from reconciler.address import Address
from reconciler.change import Action, Change
from reconciler.config.model import Config
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.kept_decisions import NOT_REVIEWED, Reviewed
from reconciler.planning.subject import Subject
from reconciler.redaction import HIDDEN
from reconciler.state import Live, State


@dataclass(frozen=True)
class GuardContext:
    """The facts that guards read in addition to the changes.

    Attributes:
        config: the configuration.
        state: the account.
        approved: the address and action of each destructive change that is approved, in the configuration or on the
            command line.
        bounds: by address and action, the bounds of each approval, if all of them have some.
        default_roles: by service SID, the SIDs of its default roles before the apply and after it.
        remaining_defaults: SIDs of the roles that are a default after the apply, withheld changes considered, with the
            default's field.
        default_services: SIDs of the account's default service before the apply and after it.
        before: the resource before the change of each declared one that exists.
        services_of_addresses: the services that the remaining addresses point to after the apply: a service's SID, and
            the address.
        no_room: addresses of creates whose parent is full.
        moved: SIDs of users and participants that this plan gives another role or deletes.
        names_taken: addresses of creates of roles, with the remaining live role of the same name and type.
        names_given_up: changes that free a name, with the declared resource that was to take it but does not.
        assigned: the roles that the configuration or the plan assigns by SID, with the assigning address.
        successors: by SID of the old resource, the addresses whose interrupted replaces are completed.
        replacements: SIDs of the new resources of interrupted replaces.
        reviewed: the decisions of the reviewed plan that this one continues.
        ours: whether the configuration wins every conflict with the account.
    """

    config: Config
    state: State
    approved: frozenset[tuple[Address, Action]]
    default_roles: Mapping[str, frozenset[str]]
    default_services: frozenset[str]
    before: Mapping[Address, Subject] = field(default_factory=dict)
    remaining_defaults: Mapping[str, str] = field(default_factory=dict)
    moved: frozenset[str] = frozenset()
    names_taken: Mapping[Address, Live] = field(default_factory=dict)
    names_given_up: Mapping[Address, Address] = field(default_factory=dict)
    services_of_addresses: frozenset[tuple[str, str]] = frozenset()
    no_room: frozenset[Address] = frozenset()
    assigned: Mapping[str, str] = field(default_factory=dict)
    successors: Mapping[str, Address] = field(default_factory=dict)
    replacements: frozenset[str] = frozenset()
    reviewed: Reviewed = NOT_REVIEWED
    ours: bool = False
    bounds: Mapping[tuple[Address, str], tuple[tuple[tuple[str, int], ...], ...]] = field(default_factory=dict)

    @cached_property
    def first_protected_below(self) -> Mapping[Address, Address]:
        """For each address, the first one at or below it that has lifecycle.prevent_destroy."""
        found: dict[Address, Address] = {}
        for item in self.config.resources.values():
            if item.lifecycle.prevent_destroy:
                for length in range(1, len(item.address.parts) + 1):
                    found.setdefault(Address(item.address.parts[:length]), item.address)
        return found


def live_name(change: Change, live: Live) -> str:
    """Return the live name, or a placeholder if the configuration hides it."""
    return change.name if HIDDEN in change.name else live.title


def removes(change: Change) -> bool:
    """Whether a change deletes a live resource."""
    return change.action in {"delete", "replace"}


def has_more(change: Change) -> bool:
    """Whether a change with a delete has other steps, which are applied even if its delete is withheld."""
    return any(step.op != "delete" for step in change.steps)
