"""Files and account side by side: what is there, what will be made, and which SID a reference stands for.

Takes a `Config` and a `State`; matches them and answers questions about both, for whoever composes changes or guards
them. Finds problems on the way, and keeps them. Pure; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from reconciler.address import Address
from reconciler.change import FieldChange
from reconciler.config.model import Config, Declared, Prune, Reference, Unknown
from reconciler.config.selection import EVERYTHING, Selection
from reconciler.errors import Problem
from reconciler.journal import Unfinished
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Ref
from reconciler.kinds.relations import account_defaults, chooses_held, depth
from reconciler.planning.diff import diff
from reconciler.planning.match import Matching, match
from reconciler.redaction import HIDDEN
from reconciler.state import Live, State

KNOWN_AFTER_APPLY = Unknown("known after apply")


class PlanContext:
    """Files and account side by side.

    Args:
        config: the files.
        state: the account, as far as it was read.
        selection: what part of the files the plan covers.
        unfinished: the replaces that an interrupted apply began.

    Attributes:
        matching: which declared resource is which live one.
        problems: what keeps a plan from being made, and what is doubtful; grows while questions are asked.
        present: declared resources that are to exist, parents first.
        absent: those that are not, without what stands in them.
        removed: addresses of those that are not, and of what stands in them.
        replaced: addresses of resources that can only be changed by making them anew.
        pending_step: for what has no SID yet, or will have another, the id of the step after which it is known.
        sids: SIDs by address; of everything live that is declared, and of what has been looked up since.
        builtin_refs: what is referred to and comes with a new service, with the contents by which to find it there.
        by_natural_key: addresses by kind, service and natural key, for what stands directly in a service.
        under_way: SIDs of the old resources that an interrupted apply left and that the files still replace, with the
            address of the resource that replaces them.
        implied_users: kind, service, and natural key of what a declared participant implies without its being declared.
    """

    def __init__(
        self,
        config: Config,
        state: State,
        selection: Selection = EVERYTHING,
        unfinished: Sequence[Unfinished] = (),
    ) -> None:
        self.config = config
        self.state = state
        self.selection = selection
        self.unfinished = self._readdressed(tuple(unfinished))
        self.under_way = {entry.sid: entry.address for entry in self.unfinished if self._is_meant(entry)}
        self.matching: Matching = match(config, state, selection=selection, under_way=self.under_way)
        self.problems: list[Problem] = list(self.matching.problems)
        self.present, self.absent, self.removed = self._split()
        self.replaced = {
            declared.address
            for declared in self.covered()
            if (live := self.matching.live.get(declared.address)) is not None
            and self._immutable_differs(declared, live)
        }
        self.pending_step: dict[Address, str] = {}
        self.builtin_refs: dict[Address, Mapping[str, object]] = {}
        self.sids: dict[Address, str] = {
            address: live.sid for address, live in self.matching.live.items() if not live.kind.singleton
        }
        self.by_natural_key: dict[tuple[str, tuple[str, ...], str], Address] = {
            (declared.kind.name, declared.address.parts[:2], declared.natural_key): declared.address
            for declared in self.present
            if depth(declared.kind) == 1 and declared.natural_key
        }
        # Users whom the files name as participants only: Twilio makes them by itself, and pruning them would undo that.
        self.implied_users = {
            (kind, declared.address.parts[:2], str(declared.values[path].content))
            for declared in self.present
            for path, kind in declared.kind.implies.items()
            if path in declared.values
        }
        self._find_pending_steps()
        self._check_implied_users()

    def covered(self) -> Iterable[Declared]:
        """Declared resources that are to exist and that the plan covers, parents first."""
        return (declared for declared in self.present if self.selection.covers(declared))

    def _is_meant(self, entry: Unfinished) -> bool:
        """Whether the files still say that the old resource of a replace that was begun is replaced."""
        declared, old = self.config.resources.get(entry.address), self.state.get(entry.sid)
        if declared is None or declared.absent or old is None or declared.kind != old.kind:
            return False
        return (
            old.name in {declared.natural_key, declared.renamed_from}
            and entry.is_still(old)
            and not any(self._keeps(other, declared, old) for other in self.config.children(declared.parent))
        )

    def _keeps(self, other: Declared, successor: Declared, old: Live) -> bool:
        """Whether a declared resource is the old one of an interrupted replace, which is then to stay.

        It has the name of the old one. A resource that takes this name from another one is not it, nor is one that
        exists already.
        """
        if other is successor or other.kind != old.kind or other.absent or other.pin is not None:
            return False
        if other.natural_key != old.name or not _is_of_type(other, old):
            return False
        siblings = self.state.collection(old.kind, old.parents)
        exists = any(live.name == old.name and live.sid != old.sid and _is_of_type(other, live) for live in siblings)
        is_renamed = bool(other.renamed_from) and (
            any(live.name == other.renamed_from for live in siblings)
            or any(entry.address == other.address for entry in self.unfinished)
        )
        return not exists and not is_renamed

    def _readdressed(self, unfinished: tuple[Unfinished, ...]) -> tuple[Unfinished, ...]:
        """The entries of a journal with the handles that the files give their resources now."""
        moved = [entry for entry in unfinished if not _is_named(self.config.resources.get(entry.address), entry)]
        if not moved:
            return unfinished
        parents = match(self.config, self.state, KINDS.parents, self.selection).live
        there = {address: (*live.parents, live.sid) for address, live in parents.items()}
        return tuple(self._with_handle(entry, there) if entry in moved else entry for entry in unfinished)

    def _with_handle(self, entry: Unfinished, parents: Mapping[Address, tuple[str, ...]]) -> Unfinished:
        """An entry with the address of the one resource that has its natural key; as it is where there is no such one.

        Args:
            entry: an entry whose address is not declared, or is declared with another natural key.
            parents: by address, the SIDs of what contains the children of each live parent, and of itself.
        """
        inside = [
            declared
            for declared in self.config.resources.values()
            if declared.kind == entry.kind and not declared.absent and declared.pin is None
            if entry.parents == (parents.get(declared.parent) if declared.parent is not None else ())
        ]
        for heirs in (
            [declared for declared in inside if declared.natural_key == entry.name],
            [
                declared
                for declared in inside
                if declared.renamed_from == entry.name and self._may_be_heir(declared, entry)
            ],
        ):
            own = [declared for declared in heirs if _is_of_type(declared, entry.as_live())]
            chosen = heirs if len(heirs) == 1 else own
            if len(chosen) == 1:
                return replace(entry, address=chosen[0].address)
        return entry

    def _may_be_heir(self, declared: Declared, entry: Unfinished) -> bool:
        """Whether a resource that is renamed from the old one of an entry can be the one that was to replace it.

        It cannot if it existed before the old one did, or if the address of the entry still declares the new resource.
        """
        old = self.state.get(entry.sid)
        if old is None:
            return True
        if self._is_newer(self.config.resources.get(entry.address), old):
            return False
        return not self._of_name(declared, old) or self._is_newer(declared, old)

    def _is_newer(self, declared: Declared | None, old: Live) -> bool:
        """Whether a declared resource is live and was created after another one; dates have whole seconds."""
        if declared is None or declared.kind != old.kind or declared.absent:
            return False
        return any(live.created >= old.created for live in self._of_name(declared, old))

    def _of_name(self, declared: Declared, old: Live) -> list[Live]:
        """The live resources beside an old one that have the name and type of a declared one."""
        return [
            live
            for live in self.state.collection(old.kind, old.parents)
            if live.sid != old.sid and live.name == declared.natural_key and _is_of_type(declared, live)
        ]

    def saved_values(self, declared: Declared) -> Unfinished | None:
        """What an interrupted apply saved of a resource before it deleted it, and did not create it anew."""
        for entry in reversed(self.unfinished):  # of several, the last one
            if (
                entry.address == declared.address
                and entry.kind == declared.kind
                and entry.name in {declared.natural_key, declared.renamed_from}
                and entry.parents == self.parents(declared)
                and self.state.get(entry.sid) is None
            ):
                return entry
        return None

    def replaces_to_complete(self) -> Iterator[tuple[Unfinished, Live]]:
        """The replaces that an interrupted apply began, and whose old resource is still beside the new one."""
        for entry in self.unfinished:
            declared, old = self.config.resources.get(entry.address), self.state.get(entry.sid)
            new = self.matching.live.get(entry.address)
            if (
                declared is not None
                and old is not None
                and new is not None
                and old.sid in self.under_way
                and declared.address not in self.removed
                and self.selection.covers(declared)
                and new.sid != old.sid
                and old.sid not in self.matching.addresses
                and (old.kind, old.parents) == (new.kind, new.parents)
            ):
                yield entry, old

    @cached_property
    def replacements(self) -> frozenset[str]:
        """The SIDs of the new resources of interrupted replaces that are under way."""
        found = (self.matching.live.get(entry.address) for entry in self.unfinished if entry.sid in self.under_way)
        return frozenset(live.sid for live in found if live is not None and live.sid not in self.under_way)

    def heirs_of_name(self, live: Live, owner: Address) -> Iterator[Declared]:
        """The declared resources that are to take the name of a live one from the declared one that has it now.

        Args:
            live: the resource that has the name.
            owner: the declared resource that is, or replaces, the live one.
        """
        declared = self.config.resources.get(owner)
        if declared is None or declared.natural_key == live.name:
            return
        for other in self.config.children(declared.parent):
            if other is declared or other.kind != live.kind or other.absent or other.natural_key != live.name:
                continue
            current = self.matching.live.get(other.address)
            if _is_of_type(other, live) and (current is None or current.name != live.name):
                yield other

    def is_protected(self, live: Live) -> bool:
        """Whether Twilio made a live resource, which is then never deleted."""
        return self.state.is_protected(live, self.replacements)

    def is_finished(self, entry: Unfinished) -> bool:
        """Whether nothing is left to do for a replace that was begun, and nothing saved for it can be needed."""
        declared, old = self.config.resources.get(entry.address), self.state.get(entry.sid)
        if old is not None:
            # It has everything that was saved of it.
            return old.sid not in self.under_way or old.sid in self.matching.addresses
        live = self.matching.live.get(entry.address)
        if declared is None or declared.absent:
            return not self.unrestored_fields(entry)
        return self.selection.covers(declared) and live is not None and not self.unrestored_fields(entry)

    def unrestored_fields(self, entry: Unfinished) -> tuple[str, ...]:
        """Find the saved values that would be lost with an entry of a deleted resource.

        Returns:
            Paths of the values that the configuration does not set and the live resource does not have.
        """
        declared, live = self.config.resources.get(entry.address), self.matching.live.get(entry.address)
        found = live.values if live is not None and live.kind == entry.kind else {}
        return tuple(
            path
            # What was not written down can only be told to be missing where nothing is in its place.
            for path in (*entry.values, *entry.lost)
            if declared is None or path not in declared.values or path in declared.lifecycle.ignore_changes
            if self._differs_from_saved(entry, path, found.get(path))
        )

    @staticmethod
    def _differs_from_saved(entry: Unfinished, path: str, content: Content) -> bool:
        field = entry.kind.by_path[path]
        if path in entry.lost:
            return field.is_empty(content)
        return bool(field.comparable(content) != field.comparable(entry.values[path]))

    def successor(self, sid: str) -> Address | None:
        """Find the address whose new resource takes the place of a live one, in this plan or an interrupted one."""
        address = self.matching.addresses.get(sid)
        return address if address in self.replaced else self._completed_by.get(sid)

    @cached_property
    def _completed_by(self) -> Mapping[str, Address]:
        """The addresses whose interrupted replaces this plan completes, by the SID of the old resource."""
        return {old.sid: entry.address for entry, old in self.replaces_to_complete()}

    def _split(self) -> tuple[list[Declared], list[Declared], set[Address]]:
        """Declared resources that are to exist; those that are not, without what stands in them, and all of these."""
        gone: set[Address] = set()
        present, absent = [], []
        for declared in self.config.resources.values():
            if declared.parent in gone:
                gone.add(declared.address)
            elif declared.absent:
                gone.add(declared.address)
                absent.append(declared)
            else:
                present.append(declared)
        return present, absent, gone

    def _immutable_differs(self, declared: Declared, live: Live) -> bool:
        return any(item.forces_replacement for item in diff(declared, live, lambda _reference: None, self.name_of))

    def _find_pending_steps(self) -> None:
        """The ids of the steps after which a resource's SID is known, for everything that has none yet."""
        for declared in self.covered():
            if declared.kind.singleton:
                continue
            if declared.address in self.replaced:
                self.pending_step[declared.address] = f"{declared.address}#create"
            elif declared.address in self.matching.live:
                continue
            elif not self.is_made_with_parent(declared):
                self.pending_step[declared.address] = f"{declared.address}#create"
            elif self.fields_to_adopt(declared):
                self.pending_step[declared.address] = f"{declared.address}#update"
            elif declared.parent in self.pending_step:
                self.pending_step[declared.address] = self.pending_step[declared.parent]
                self.builtin_refs[declared.address] = self.identifying_values(declared)

    def _check_implied_users(self) -> None:
        """What must not exist or has another name now cannot take part in anything: taking part would make it again."""
        for declared in self.absent:
            if (declared.kind.name, declared.address.parts[:2], declared.natural_key) in self.implied_users:
                self.problems.append(
                    Problem(
                        "absent-but-needed",
                        f"{declared.address} must not exist, and takes part in a conversation of the files",
                        declared.place,
                        "take out one of the two",
                        address=str(declared.address),
                    )
                )
        for declared in self.present:
            live = self.matching.live.get(declared.address)
            if live is not None and live.name == declared.natural_key:
                continue  # the rename is done
            former = (declared.kind.name, declared.address.parts[:2], declared.renamed_from)
            if former in self.implied_users and former not in self.by_natural_key:
                self.problems.append(
                    Problem(
                        "renamed-but-needed",
                        f"{declared.address} has a new name, and takes part in a conversation of the files by "
                        "its old one",
                        declared.place,
                        "let it take part by its present name, or take `renamed_from` out",
                        address=str(declared.address),
                    )
                )

    def is_made_with_parent(self, declared: Declared) -> bool:
        """Whether Twilio will make it by itself, with a parent that this plan creates."""
        if declared.parent is None or declared.parent in self.matching.live:
            return False
        return declared.kind.singleton or declared.natural_key in declared.kind.built_in

    def lookup_key_if_made_by_flex(self, declared: Declared) -> Mapping[str, Content | Reference | Unknown] | None:
        """By what to find a resource that a new parent may have, where Flex makes it; None for every other one."""
        if declared.parent is None or declared.parent in self.matching.live:
            return None
        return self.identifying_values(declared) if declared.natural_key in declared.kind.built_in_by_flex else None

    @staticmethod
    def identifying_values(declared: Declared) -> Mapping[str, Content | Reference | Unknown]:
        """What tells a resource that comes with its parent from the others: everything that cannot change."""
        return {
            field.path: declared.values[field.path].content
            for field in declared.kind.fields
            if field.immutable and field.path in declared.values
        }

    def fields_to_adopt(self, declared: Declared) -> tuple[FieldChange, ...]:
        """What the files set of a resource that comes with its parent, apart from what tells it from the others."""
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
            if not declared.kind.by_path[path].immutable and path not in declared.lifecycle.ignore_changes
        )

    def parents(self, declared: Declared) -> tuple[str, ...] | None:
        """The SIDs above a resource, outermost first; None while what contains it does not exist."""
        if declared.parent is None:
            return ()
        above = self.matching.live.get(declared.parent)
        return None if above is None else (*above.parents, above.sid)

    def pruned_parents(self, prune: Prune) -> tuple[str, ...] | None:
        """The SIDs above a pruned collection, outermost first; None while what contains it does not exist, or goes."""
        if prune.kind.parent is None:
            return ()
        address = Address(prune.collection.parts[: -len(prune.kind.section)])
        above = self.matching.live.get(address)
        return None if above is None or address in self.removed else (*above.parents, above.sid)

    def name_of(self, sid: str) -> str:
        """The natural key of a live resource, for people; empty when it was not read.

        A resource that the files rename has its old name still, unless the files keep names of its kind secret.
        """
        live = self.state.get(sid)
        if live is None:
            return ""
        declared = self._declared(live)
        if declared is not None and declared.natural_key != live.name and HIDDEN not in declared.title:
            return live.title
        return self.title(declared, live)

    def _declared(self, live: Live) -> Declared | None:
        """What the files say of a live resource, where they name it."""
        address = self.matching.addresses.get(live.sid) or self._completed_by.get(live.sid)
        return None if address is None else self.config.resources.get(address)

    @staticmethod
    def title(declared: Declared | None, live: Live | None) -> str:
        """A name as it may be shown: in the files' words, or in the account's where they have none and hide nothing."""
        told = declared.title if declared is not None else ""
        return told or (live.title if live is not None else "")

    def label(self, kind: Kind, parent: Address | None, title: str, contents: Mapping[str, object]) -> str:
        """A name as people see it, with the type if another resource has the same name: ``agent (service)``."""
        of_type = contents.get(kind.discriminator) if kind.natural_key else None
        if not kind.discriminator or not isinstance(of_type, str) or not title:
            return title
        above = self.matching.live.get(parent) if parent is not None else None
        parents = () if above is None else (*above.parents, above.sid)
        types: set[object] = {
            live.values.get(kind.discriminator)
            for live in (self.state.collection(kind, parents) if above is not None or parent is None else ())
            if live.name == title
        }
        types |= {
            value.content
            for declared in self.config.children(parent)
            if declared.kind == kind and declared.natural_key == title
            if (value := declared.values.get(kind.discriminator)) is not None
        }
        return f"{title} ({of_type})" if types - {of_type} else title

    def shown(self, live: Live) -> bool:
        """Whether the name of a live resource may be shown."""
        declared = self._declared(live)
        return live.title == live.name and (declared is None or declared.title == declared.natural_key)

    def service_name(self, parent: Address | None) -> str:
        """The name of the service at the root of a parent, for people."""
        if parent is None:
            return ""
        root = Address(parent.parts[:2])
        declared = self.config.resources.get(root)
        live = self.matching.live.get(root) or self.state.get(root.parts[1])
        if declared is not None and declared.title != declared.natural_key:
            return declared.title
        return live.title if live is not None else declared.natural_key if declared is not None else ""

    def live_address(self, live: Live) -> Address:
        """The address of a live resource: its handle's where it has one, made of its SID otherwise."""
        declared = self.matching.addresses.get(live.sid)
        if declared is not None:
            return declared
        if not live.parents:
            return Address((*live.kind.section, live.sid))
        above = self.state.get(live.parents[-1])
        base = self.live_address(above) if above is not None else Address(("services", live.parents[-1]))
        return base.child(*live.kind.section, live.sid)

    def sid_of(self, reference: Reference) -> str | None:
        """The SID that a reference stands for; None while it is yet to be made, or is to be made anew."""
        if reference.address in self.pending_step:
            return None
        if reference.built_in and reference.address not in self.sids:
            self._look_up_built_in(reference)
        return self.sids.get(reference.address)

    def _look_up_built_in(self, reference: Reference) -> None:
        kind = BY_NAME[reference.kind]
        parent = Address(reference.address.parts[: -len(kind.section) - 1])
        above = self.matching.live.get(parent)
        if above is None:
            return
        found = [
            live for live in self.state.collection(kind, (*above.parents, above.sid)) if live.name == reference.built_in
        ]
        if len(found) == 1:
            self.sids[reference.address] = found[0].sid
            return
        what = "has no" if not found else f"has {len(found)} roles called"
        self.problems.append(
            Problem(
                "unknown-built-in",
                f"the service {parent} {what} {reference.built_in!r}, which Twilio usually makes by itself",
                hint="refer to the role by its SID, or declare it",
                address=str(parent),
            )
        )
        # Said once; the change below it is never applied, since the problem stops the plan.
        self.sids[reference.address] = ""

    def sid(self, content: Content | Reference | Unknown) -> str:
        """The SID that a content is or stands for; empty when it is not known."""
        if isinstance(content, Reference):
            return self.sid_of(content) or ""
        return content if isinstance(content, str) else ""

    def default_roles(self) -> dict[str, frozenset[str]]:
        """By service, the SIDs of the roles it gives by default: before, and as far as the files say it, after."""
        defaults: dict[str, set[str]] = {}
        for live in self.state:
            if chooses_held(live.kind):
                defaults.setdefault(live.parents[0], set()).update(self.default_role_sids(live))
        for declared in self.covered():
            parents = self.parents(declared)
            if chooses_held(declared.kind) and parents:
                after = (self.sid(value.content) for value in declared.values.values())
                defaults.setdefault(parents[0], set()).update(sid for sid in after if sid)
        return {service: frozenset(sids) for service, sids in defaults.items()}

    @staticmethod
    def default_role_sids(configuration: Live) -> Iterable[str]:
        """The SIDs of the roles that a service's configuration gives by default."""
        return (
            str(configuration.values[field.path])
            for field in configuration.kind.fields
            if field.marker(Ref) is not None and configuration.values.get(field.path)
        )

    def default_services(self) -> frozenset[str]:
        """SIDs of the account's default service: before, and as far as the files say it, after."""
        after = {
            self.sid(value.content)
            for declared in self.covered()
            for path, value in declared.values.items()
            if (declared.kind.name, path) in account_defaults()
        }
        return frozenset(sid for sid in {self.state.default_service_sid, *after} if sid)


def _is_named(declared: Declared | None, entry: Unfinished) -> bool:
    """Whether a declared resource has the kind and the natural key of a journal's entry, or is renamed from it."""
    return (
        declared is not None
        and declared.kind == entry.kind
        and entry.name in {declared.natural_key, declared.renamed_from}
    )


def _is_of_type(declared: Declared, live: Live) -> bool:
    """Whether a live resource has the type that a declared one of its kind says, if it says one."""
    value = declared.values.get(declared.kind.discriminator)
    return value is None or value.content == live.values.get(declared.kind.discriminator)
