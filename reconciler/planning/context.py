"""Facts that planning needs about a configuration and an account: matches, SIDs, pending steps, defaults.

Takes a `Config`, a `State`, a selection, and the journal of an interrupted apply; matches resources once and derives
the rest. Read-only after construction: the change builder, the guards, and the warnings only read it. Pure; decides
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from reconciler.address import Address
from reconciler.change import FieldChange
from reconciler.config.model import Config, Declared, Prune, Reference, Unknown
from reconciler.config.selection import EVERYTHING, Selection
from reconciler.errors import Problem
from reconciler.journal import UnfinishedReplace
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Ref
from reconciler.kinds.relations import account_defaults, chooses_held, implied_kinds
from reconciler.planning.desired import Desired, implied_users
from reconciler.planning.diff import replaces, unequal_paths
from reconciler.planning.interrupted import Interrupted, under_way, with_present_addresses
from reconciler.planning.kept_decisions import NOT_REVIEWED, Reviewed
from reconciler.planning.match import Matching, match
from reconciler.planning.naming import Naming
from reconciler.state import Live, State

KNOWN_AFTER_APPLY = Unknown("known after apply")


class PlanContext:
    """A configuration and an account, matched.

    Args:
        config: the configuration.
        state: the account, as far as it was read.
        selection: the part of the configuration that the plan covers.
        unfinished: the replaces that an interrupted apply began.
        reviewed: the decisions of a reviewed plan whose remaining changes are planned.

    Attributes:
        desired: the declared resources that must exist, and those that must not.
        referring: the covered resources whose fields can refer to others.
        matching: the live resource of each declared one.
        interrupted: the interrupted replaces.
        naming: the names of resources for display.
        unequal_paths: for each resource with any, the declared fields that may differ from the live ones.
        unsettled: the covered resources that have no live one, or such fields; all others surely match the account.
        replaced: addresses of the resources that can only be changed by replacing them.
        pending_step: for each address whose SID is unknown until apply, the id of the step that makes it known.
        by_natural_key: addresses of the resources that others may imply, by kind, service, and natural key.
        implied_users: kind, service, and natural key of each undeclared user that a declared participant implies.
        sids: known SIDs by address, including those of built-in roles that the configuration refers to.
        builtin_refs: by address, resources that steps refer to and Twilio creates, with the values to look them up by.
        problems: the problems that prevent a plan.
    """

    def __init__(
        self,
        config: Config,
        state: State,
        selection: Selection = EVERYTHING,
        unfinished: Sequence[UnfinishedReplace] = (),
        reviewed: Reviewed = NOT_REVIEWED,
    ) -> None:
        self.config = config
        self.state = state
        self.selection = selection
        self.desired = Desired.of(config)
        self._covered = selection.covered(self.desired.present)
        refers = any(kind.references for kind, _ in config.collections)
        self.referring = [declared for declared in self._covered if declared.kind.references] if refers else []
        begun = with_present_addresses(unfinished, config, state, selection)
        replacing = under_way(begun, config, state)
        self.matching: Matching = match(
            config, state, selection=selection, under_way=replacing, new=reviewed.creates, compare=unequal_paths
        )
        self.interrupted = Interrupted(begun, replacing, config, state, selection, self.desired, self.matching)
        self.naming = Naming(config, state, self.matching, self.interrupted.completed_by)
        self.unsettled = [declared for declared in self.matching.unsettled if self.must_exist(declared)]
        self.unequal_paths = {
            declared.address: self.matching.unequal[declared.address]
            for declared in self.unsettled
            if declared.address in self.matching.unequal
        }
        self.replaced = frozenset(
            address
            for address, paths in self.unequal_paths.items()
            if replaces(config.resources[address], self.matching.live[address], paths)
        )
        # Users that are declared only as participants: Twilio creates them; pruning them would conflict with that.
        self.implied_users = implied_users(self.of_kinds(lambda kind: kind.implies))
        self.by_natural_key: Mapping[tuple[str, Address, str], Address] = {
            (declared.kind.name, declared.address.root, declared.natural_key): declared.address
            for declared in self.of_kinds(lambda kind: kind.name in implied_kinds())
            if declared.natural_key
        }
        self.pending_step = self._find_pending_steps()
        builtin_sids, builtin_problems = self._resolve_builtin_refs()
        self.sids: Mapping[Address, str] = (
            {**self.matching.sids, **builtin_sids} if builtin_sids else self.matching.sids
        )
        self.builtin_refs = self._find_builtin_refs()
        self.problems: tuple[Problem, ...] = (
            *self.matching.problems,
            *_implied_user_problems(self),
            *builtin_problems,
        )

    def covered(self) -> Sequence[Declared]:
        """Return the resources that must exist and that the plan covers, parents first."""
        return self._covered

    # --- construction ------------------------------------------------------------------------------------------------

    def must_exist(self, declared: Declared) -> bool:
        """Whether a resource is among those of `covered`."""
        return declared.address not in self.desired.removed and self.selection.covers(declared)

    def of_kinds(self, is_wanted: Callable[[Kind], object]) -> Iterator[Declared]:
        """Yield the declared resources of some kinds that must exist; each collection of other kinds is one step."""
        for (kind, _), members in self.config.collections.items():
            if is_wanted(kind):
                yield from (declared for declared in members if declared.address not in self.desired.removed)

    def _find_pending_steps(self) -> dict[Address, str]:
        pending: dict[Address, str] = {}
        for declared in self.unsettled:
            if declared.kind.singleton:
                continue
            if declared.address in self.replaced:
                pending[declared.address] = f"{declared.address}#create"
            elif declared.address in self.matching.live:
                continue
            elif not self.is_made_with_parent(declared):
                pending[declared.address] = f"{declared.address}#create"
            elif self.fields_to_adopt(declared):
                pending[declared.address] = f"{declared.address}#update"
            elif declared.parent in pending:
                pending[declared.address] = pending[declared.parent]
        return pending

    def _references_to_builtins(self) -> Iterator[tuple[Declared, str, Reference]]:
        for declared in self.referring:
            for path in declared.kind.references:
                value = declared.values.get(path)
                if value is not None and isinstance(value.content, Reference) and value.content.built_in:
                    yield declared, path, value.content

    def _resolve_builtin_refs(self) -> tuple[dict[Address, str], list[Problem]]:
        """Look up the built-in roles that the configuration refers to in existing services."""
        sids: dict[Address, str] = {}
        problems: list[Problem] = []
        for declared, path, reference in self._references_to_builtins():
            kind = BY_NAME[reference.kind]
            parent = reference.address.owner(kind.section)
            above = self.matching.live.get(parent) if parent is not None else None
            if above is None or reference.address in sids or reference.address in self.pending_step:
                continue
            members = self.state.collection(kind, above.lineage)
            found = [live for live in members if live.name == reference.built_in]
            if len(found) == 1:
                sids[reference.address] = found[0].sid
            elif path not in declared.lifecycle.ignore_changes or declared.address not in self.matching.live:
                sids[reference.address] = ""
                what = "has no" if not found else f"has {len(found)} roles called"
                problems.append(
                    Problem(
                        "unknown-built-in",
                        f"the service {parent} {what} {reference.built_in!r}, which Twilio usually creates",
                        hint="Refer to the role by its SID, or declare it.",
                        address=str(parent),
                    )
                )
        return sids, problems

    def _find_builtin_refs(self) -> dict[Address, Mapping[str, Content | Reference | Unknown]]:
        found: dict[Address, Mapping[str, Content | Reference | Unknown]] = {}
        for declared in self.covered() if self.pending_step else ():
            is_pending = declared.address in self.pending_step and not declared.kind.singleton
            if is_pending and self.is_made_with_parent(declared) and not self.fields_to_adopt(declared):
                found[declared.address] = self.identifying_values(declared)
        for _, _, reference in self._references_to_builtins():
            kind = BY_NAME[reference.kind]
            if self.sid_of(reference) is None and reference.address.owner(kind.section) in self.pending_step:
                found[reference.address] = {kind.natural_key: reference.built_in}
        return found

    # --- identity ----------------------------------------------------------------------------------------------------

    def is_made_with_parent(self, declared: Declared) -> bool:
        """Return whether Twilio creates it with a parent that this plan creates."""
        if declared.parent is None or declared.parent in self.matching.live:
            return False
        return declared.kind.singleton or declared.natural_key in declared.kind.built_in

    def lookup_key_if_made_by_flex(self, declared: Declared) -> Mapping[str, Content | Reference | Unknown] | None:
        """Return the values to look up a resource that Flex creates with its parent; None for every other resource."""
        if declared.parent is None or declared.parent in self.matching.live:
            return None
        return self.identifying_values(declared) if declared.natural_key in declared.kind.built_in_by_flex else None

    @staticmethod
    def identifying_values(declared: Declared) -> Mapping[str, Content | Reference | Unknown]:
        """Return the values that identify a resource created with its parent: those that cannot change."""
        return {
            field.path: declared.values[field.path].content
            for field in declared.kind.fields
            if field.immutable and field.path in declared.values
        }

    def fields_to_adopt(self, declared: Declared) -> tuple[FieldChange, ...]:
        """Return the changes of a resource created with its parent, without its identifying values."""
        return tuple(
            FieldChange(
                path=path,
                before=KNOWN_AFTER_APPLY,
                after=value.content,
                sensitive=declared.is_sensitive(path),
                secrets=value.secrets,
                source=value.place,
            )
            for path, value in declared.values.items()
            # What Twilio has just created is empty already.
            if not value.sealed
            if not declared.kind.by_path[path].immutable and path not in declared.lifecycle.ignore_changes
        )

    def is_protected(self, live: Live) -> bool:
        """Return whether Twilio or Flex created a live resource, which is then never deleted."""
        return self.state.is_protected(live, self.interrupted.replacements)

    def parents(self, declared: Declared) -> tuple[str, ...] | None:
        """Return the SIDs of the containing resources, outermost first; None while one of them does not exist."""
        return self.parents_at(declared.parent)

    def parents_at(self, parent: Address | None) -> tuple[str, ...] | None:
        """Return the SIDs of the containers of a resource in the one with this address; None while that is missing."""
        if parent is None:
            return ()
        above = self.matching.live.get(parent)
        return None if above is None else above.lineage

    def pruned_parents(self, prune: Prune) -> tuple[str, ...] | None:
        """Return the SIDs of a pruned collection's owners, outermost first; None if one is missing or deleted."""
        if prune.kind.parent is None:
            return ()
        address = prune.collection.collection_owner(prune.kind.section)
        above = self.matching.live.get(address) if address is not None else None
        return None if above is None or address in self.desired.removed else above.lineage

    # --- successors --------------------------------------------------------------------------------------------------

    def saved_values(self, declared: Declared) -> UnfinishedReplace | None:
        """Return the values of a resource that an interrupted apply saved before it deleted and did not recreate it."""
        return self.interrupted.saved_values(declared, self.parents(declared))

    def successor(self, sid: str) -> Address | None:
        """Find the address whose new resource replaces a live one, in this plan or in an interrupted one."""
        address = self.matching.addresses.get(sid)
        return address if address in self.replaced else self.interrupted.completed_by.get(sid)

    # --- references --------------------------------------------------------------------------------------------------

    def sid_of(self, reference: Reference) -> str | None:
        """Return the SID of a reference; None if a step of the plan creates or replaces the resource."""
        return None if reference.address in self.pending_step else self.sids.get(reference.address)

    def sid(self, content: Content | Reference | Unknown) -> str:
        """Return the SID that a content is or refers to; empty if it is not known."""
        if isinstance(content, Reference):
            return self.sid_of(content) or ""
        return content if isinstance(content, str) else ""

    def needs_of(
        self, kind: Kind, parent: Address | None, values: Mapping[str, Content | Reference | Unknown]
    ) -> tuple[str, ...]:
        """Return the ids of the steps that must succeed before values can be sent: the creates of their references.

        Args:
            kind: the kind of the resource that gets the values.
            parent: the address of the containing resource.
            values: the values, by field path.
        """
        needed: list[Address | None] = []
        if parent is not None:
            needed += [
                self.by_natural_key.get((implied, parent.root, str(values.get(path))))
                for path, implied in kind.implies.items()
            ]
        needed.append(parent)
        for content in values.values():
            if not isinstance(content, Reference):
                continue
            if content.address in self.pending_step:
                needed.append(content.address)
            elif content.built_in and self.sid_of(content) is None:
                needed.append(content.address.owner(BY_NAME[content.kind].section))
        steps = (self.pending_step.get(address) for address in needed if address is not None)
        return tuple(dict.fromkeys(step for step in steps if step is not None))

    # --- defaults ----------------------------------------------------------------------------------------------------

    @cached_property
    def default_roles(self) -> Mapping[str, frozenset[str]]:
        """The SIDs of the default roles, by service: before the plan and, as far as declared, after it."""
        defaults: dict[str, set[str]] = {}
        for kind in filter(chooses_held, KINDS):
            for live in self.state.of_kind(kind):
                defaults.setdefault(live.parents[0], set()).update(_default_role_sids(live))
        for declared in self.of_kinds(chooses_held):
            if self.selection.covers(declared) and (parents := self.parents(declared)):
                after = (self.sid(value.content) for value in declared.values.values())
                defaults.setdefault(parents[0], set()).update(sid for sid in after if sid)
        return {service: frozenset(sids) for service, sids in defaults.items()}

    @cached_property
    def default_services(self) -> frozenset[str]:
        """The SIDs of the account's default service before the plan and, as far as declared, after it."""
        choosing = {name for name, _ in account_defaults()}
        after = {
            self.sid(value.content)
            for declared in self.of_kinds(lambda kind: kind.name in choosing)
            if self.selection.covers(declared)
            for path, value in declared.values.items()
            if (declared.kind.name, path) in account_defaults()
        }
        return frozenset(sid for sid in {self.state.default_service_sid, *after} if sid)


def _default_role_sids(configuration: Live) -> Iterable[str]:
    """Return the SIDs of the roles that a service's configuration assigns by default."""
    return (
        str(configuration.values[field.path])
        for field in configuration.kind.fields
        if field.marker(Ref) is not None and configuration.values.get(field.path)
    )


def _implied_user_problems(context: PlanContext) -> Iterator[Problem]:
    """Report users that participants imply although they are declared absent or renamed.

    Adding the participant would recreate them.
    """
    if not context.implied_users:
        return
    for declared in context.desired.absent:
        if (declared.kind.name, declared.address.root, declared.natural_key) in context.implied_users:
            yield Problem(
                "absent-but-needed",
                f"{declared.address} is declared absent, but a declared participant has its identity",
                declared.place,
                "Remove the participant or the `absent` user.",
                address=str(declared.address),
            )
    for declared in context.desired.present:
        live = context.matching.live.get(declared.address)
        if live is not None and live.name == declared.natural_key:
            continue  # the rename is done
        former = (declared.kind.name, declared.address.root, declared.renamed_from)
        if former in context.implied_users and former not in context.by_natural_key:
            yield Problem(
                "renamed-but-needed",
                f"{declared.address} is renamed, but a declared participant has its former identity",
                declared.place,
                "Use the new identity in the participant, or remove `renamed_from`.",
                address=str(declared.address),
            )
