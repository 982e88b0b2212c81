"""The plan: every change that makes the account equal to the files, in order. Pure and deterministic.

Takes a `Config`, a `State` and options; gives a `Plan`, or every reason why there is none, at once. The same inputs in
any order give the same plan. It reads nothing and sends nothing; `reconciler.execution.apply` does what it says.

How a change comes about:

| files               | account                       | change                                                     |
|---------------------|-------------------------------|------------------------------------------------------------|
| declared            | not there                     | create; in a new service, what Twilio makes itself: update |
| declared            | there, and the same           | none                                                       |
| declared            | there, and differs            | update, or replace when an immutable field differs         |
| `absent: true`      | there                         | delete                                                     |
| not named           | there, in a pruned collection | delete                                                     |
| not named           | there                         | none; reported as unmanaged                                |
| `renamed_from` done | both names there              | delete of the old one                                      |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.address import Address
from reconciler.change import Change, Guard
from reconciler.config.acknowledged import split, unused
from reconciler.config.model import Approval, Config, Declared, Reference, Unknown
from reconciler.config.selection import Selection, select
from reconciler.errors import MatchError, Problem
from reconciler.journal import Unfinished
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.markers import OnChange, Ref
from reconciler.kinds.relations import (
    chooses_held,
    defaults_kind_of,
    destinations_of,
    holding_below,
    holdings_of,
    is_held,
)
from reconciler.planning import guards, ordering, risk, scope
from reconciler.planning.change_builder import ChangeBuilder
from reconciler.planning.context import PlanContext
from reconciler.planning.dangling import dangling
from reconciler.planning.diff import with_shown_urls
from reconciler.planning.match import match
from reconciler.planning.unused import Unused, is_ignored
from reconciler.state import Collection, Live, State

_FORBIDDEN = 403
_MOST_LISTED = 3


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What narrows or widens a plan.

    Attributes:
        rotate: send what the API never returns of these resources, though nobody can tell whether it differs.
        targets: plan only these addresses, what is below them, and what they need; empty for everything.
        excludes: leave these addresses out, what is below them, and what needs them.
        approved: destructive changes that are approved on the command line.
        brought: those of them that a saved plan brought along; what is done by now needs none, and is no mistake.
    """

    targets: tuple[Address, ...] = ()
    excludes: tuple[Address, ...] = ()
    approved: tuple[Approval, ...] = ()
    rotate: tuple[Address, ...] = ()
    brought: tuple[Approval, ...] = ()

    def selection(self, config: Config) -> Selection:
        """The part of a configuration that the plan covers."""
        return select(config, self.targets, self.excludes)


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A live resource that the files do not name.

    Attributes:
        address: made of SIDs where the files have no handle.
        live: the resource.
        name: its natural key as it may be shown, with the type if others have the same name; empty for `live.title`.
    """

    address: Address
    live: Live
    name: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every change, ordered.

    Attributes:
        account_sid: the account that was read.
        environment: the environment that the files were read for.
        config_digest: what the files mean.
        options: what narrowed or widened the plan.
        changes: in an order in which each comes after what it needs, deletes last.
        unchanged: how many declared resources are as the files say.
        unmanaged: what is live and in a collection that was read, but not named; without what Twilio made by itself.
        warnings: doubtful things, of the files and of the account.
        acknowledged: how many other warnings the files acknowledge.
        refusals: guards that refuse the plan as a whole (limits).
        left_out: addresses of declared resources that targets or excludes leave out of the plan.
        sids: the SIDs of everything live that a step may refer to, by address.
        builtin_refs: resources that steps refer to and that Twilio makes with a service of this plan, by address, with
            the values by which to find them there.
        unreadable: collections that may not be read, each with what could not be planned because of it.
        unset: secrets that are not set and that a step has to send, each with its place; an apply needs all of them.
        unverified: declared contents that the API never returns and this plan does not send, as address and field.
        role_holders_to_fetch: services whose users have to be looked through before this plan's role deletes are safe.
        participants_to_fetch: services whose participants have to be looked through for the same reason.
        collections_to_fetch: collections that have to be read before this plan's order is right.
        finished_replaces: SIDs of the old resources of interrupted replaces that have nothing left to do.
        existing_sids: the SIDs of everything that was read: whatever has another one was made since.
        live: the live resource of each declared one that has one.
        titles: the natural keys of declared resources, as they may be shown.
        unlisted: collections whose undeclared resources are neither compared nor listed.
    """

    account_sid: str
    environment: str
    config_digest: str
    options: PlanOptions
    changes: tuple[Change, ...]
    unchanged: int
    unmanaged: tuple[Unmanaged, ...]
    warnings: tuple[Problem, ...]
    acknowledged: int
    refusals: tuple[Guard, ...]
    left_out: tuple[Address, ...]
    sids: Mapping[Address, str]
    builtin_refs: Mapping[Address, Mapping[str, object]]
    unreadable: tuple[Problem, ...]
    unset: tuple[Problem, ...]
    unverified: tuple[tuple[Address, str], ...]
    role_holders_to_fetch: frozenset[str]
    collections_to_fetch: frozenset[Collection]
    participants_to_fetch: frozenset[str] = frozenset()
    existing_sids: frozenset[str] = frozenset()
    live: Mapping[Address, Live] = field(default_factory=dict)
    titles: Mapping[Address, str] = field(default_factory=dict)
    finished_replaces: frozenset[str] = frozenset()
    unlisted: tuple[Address, ...] = ()

    def blocking(self) -> tuple[str, ...]:
        """What refuses the apply, in sentences; empty when nothing does."""
        held = [change.guard for change in self.changes if change.guard is not None]
        return tuple(guard.message for guard in (*self.refusals, *held) if guard.verdict == "refused")


def make_plan(
    config: Config, state: State, options: PlanOptions | None = None, unfinished: Sequence[Unfinished] = ()
) -> Plan:
    """Compare the files with the account.

    Args:
        config: the files.
        state: the account.
        options: what narrows or widens the plan.
        unfinished: the replaces that an interrupted apply began, with what it saved.

    Raises:
        MatchError: with every problem that keeps files and account from being compared.
    """
    return _Planner(config, state, options or PlanOptions(), unfinished).run()


class _Planner:
    """One run of `make_plan`."""

    def __init__(self, config: Config, state: State, options: PlanOptions, unfinished: Sequence[Unfinished]) -> None:
        self.options = options
        selection = options.selection(config)
        self.unreadable: Mapping[Collection, tuple[Address, ...]] = {}
        if state.unreadable:
            parents = match(config, state, KINDS.parents, selection).live
            self.unreadable = scope.unreadable(config, state, parents, selection)
            found = [address for addresses in self.unreadable.values() for address in addresses]
            selection = selection.without(config, found)
        self.context = PlanContext(config, state, selection, unfinished)
        self.unused = Unused(self.context)

    def run(self) -> Plan:
        config, state, live = self.context.config, self.context.state, self.context.matching.live
        builder = ChangeBuilder(self.context, frozenset(self.options.rotate))
        changes = builder.changes()
        self._check_options(changes)
        self._check_swaps(changes)
        if any(problem.severity == "error" for problem in self.context.problems):
            raise MatchError([*self.context.problems, *config.warnings], config.lines)
        judged = [self._judged(self._with_shown_urls(change)) for change in changes]
        guarded = self._guarded(tuple(ordering.sort_changes(ordering.add_dependencies(judged, state, live))))
        unmanaged = self._unmanaged(guarded)
        warnings, acknowledged = self._acknowledged(
            (
                *config.warnings,
                *self.context.problems,
                *self._unused(guarded),
                *self._left_over(unmanaged),
                *self._not_restored(guarded),
                *self._not_completed(guarded),
                *self._not_compared(guarded),
            )
        )
        return Plan(
            account_sid=state.account_sid,
            environment=config.environment,
            config_digest=config.digest,
            options=self.options,
            changes=guarded,
            unchanged=builder.unchanged,
            unmanaged=unmanaged,
            warnings=warnings,
            acknowledged=acknowledged,
            refusals=guards.limit(guarded, config.limits),
            left_out=tuple(sorted(self.context.selection.omitted)),
            sids=self.context.sids,
            builtin_refs=self.context.builtin_refs,
            unreadable=tuple(self._not_read()),
            unset=_unset(guarded),
            unverified=tuple(builder.unverified),
            role_holders_to_fetch=guards.role_holders_to_fetch(guarded, state),
            participants_to_fetch=guards.participants_to_fetch(guarded, state),
            collections_to_fetch=ordering.collections_to_fetch(guarded, state),
            existing_sids=frozenset(resource.sid for resource in state),
            live=live,
            unlisted=tuple(self._unlisted()),
            titles={item.address: self.context.title(item, live.get(item.address)) for item in self.context.present},
            finished_replaces=frozenset(
                entry.sid for entry in self.context.unfinished if self.context.is_finished(entry)
            ),
        )

    def _acknowledged(self, problems: Iterable[Problem]) -> tuple[tuple[Problem, ...], int]:
        """What is told, with every acknowledgement that covers nothing; and how much is acknowledged."""
        config = self.context.config
        told, known = split(config.acknowledge, problems)
        every = (*config.acknowledged, *known)
        # What was left out may be what is meant.
        if not self.context.selection.omitted:
            told = (*told, *unused(config.acknowledge, every, told))
        return told, len(every)

    def _guarded(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Every change with the guard that holds it, where what is held makes no way for anything else.

        A user who keeps a role, because the change of the user is withheld, keeps the role from being deleted.
        """
        held: frozenset[Address] = frozenset()
        kept: frozenset[Address] = frozenset()
        while True:
            doing = tuple(change for change in changes if change.address not in held)
            guarded = guards.guard(changes, self._guard_context(changes, doing, kept))
            found = held | {change.address for change in guarded if change.is_withheld}
            keeping = kept | {change.address for change in guarded if change.guard is not None}
            if (found, keeping) == (held, kept):
                return guarded
            held, kept = found, keeping

    def _names_taken(self, doing: Iterable[Change], kept: frozenset[Address]) -> dict[Address, Live]:
        """The creates of a role whose name and type another live role keeps, with that role.

        Twilio takes a second one, and then neither can be told from the other.

        Args:
            doing: the changes that are done.
            kept: those of which at least the delete is withheld.
        """
        gone = {
            change.sid for change in doing if change.address not in kept for step in change.steps if step.op == "delete"
        }
        taken: dict[Address, Live] = {}
        for change in doing:
            parent = self.context.matching.live.get(change.parent) if change.parent is not None else None
            if not is_held(change.kind) or parent is None:
                continue
            for step in change.steps:
                if step.op != "create" or step.adopts is not None:
                    continue
                same_key = (change.kind.natural_key, change.kind.discriminator)
                for live in self.context.state.collection(change.kind, (parent.sid,)):
                    same = all(live.values.get(path) == step.values.get(path) for path in same_key)
                    if same and live.sid not in gone:
                        taken[change.address] = live
        return taken

    def _names_given_up(
        self, changes: Sequence[Change], doing: Sequence[Change], kept: frozenset[Address]
    ) -> dict[Address, Address]:
        """The changes that free a name which another declared resource was to take, and does not take in this apply.

        Returns:
            By the address of the change, the declared resource. With the change alone, nothing would have the name.
        """
        taking = {change.address for change in doing}
        given_up: dict[Address, Address] = {}
        for change in changes:
            live = self.context.state.get(change.sid or "")
            if change.address in kept and change.address in taking:
                continue  # its old resource stays
            own = self.context.successor(change.completes) if change.completes else change.address
            if live is None or not live.name or own is None or (change.action == "delete" and not change.completes):
                continue
            for other in self.context.heirs_of_name(live, own):
                if other.address not in taking:
                    given_up[change.address] = other.address
        return given_up

    def _guard_context(
        self, changes: tuple[Change, ...], doing: tuple[Change, ...], kept: frozenset[Address]
    ) -> guards.GuardContext:
        """What guards look at, when of all changes only some are done, and some of these without their delete."""
        holding = {use.kind: use.field.path for kind in KINDS for use in holdings_of(kind)}
        coming = tuple(change for change in changes if change.action != "delete")
        leaving = tuple(change for change in doing if change.action == "delete")
        return guards.GuardContext(
            config=self.context.config,
            state=self.context.state,
            approved=frozenset(
                (item.address, item.action) for item in (*self.context.config.approvals, *self.options.approved)
            ),
            default_roles=self.context.default_roles(),
            remaining_defaults=self._remaining_defaults(doing),
            default_services=self.context.default_services(),
            live=self.context.matching.live,
            services_of_addresses=self._services_of_addresses(doing),
            no_room=ordering.creates_without_room((*coming, *leaving), self.context.state, self.context.matching.live),
            assigned=self._assigned_roles(doing),
            successors={
                change.completes: successor
                for change in changes
                if (successor := self.context.successor(change.completes)) is not None
            },
            names_taken=self._names_taken(changes, kept),
            names_given_up=self._names_given_up(changes, doing, kept),
            replacements=self.context.replacements,
            moved=frozenset(
                change.sid
                for change in doing
                if change.kind in holding and change.sid
                if change.action == "delete" or any(item.path == holding[change.kind] for item in change.fields)
            ),
        )

    def _remaining_defaults(self, doing: Iterable[Change]) -> dict[str, str]:
        """The roles that are a service's default once the given changes are done, by SID, with the default's field."""
        defaults = {
            (live.parents[0], field.path): str(live.values[field.path])
            for live in self.context.state
            if chooses_held(live.kind)
            for field in live.kind.fields
            if field.marker(Ref) is not None and live.values.get(field.path)
        }
        for change in doing:
            service = self.context.matching.live.get(change.parent) if change.parent is not None else None
            if service is None:
                continue
            for step in change.steps:
                if chooses_held(step.kind):
                    for path, content in step.values.items():
                        defaults[service.sid, path] = self.context.sid(content)
        return {sid: path for (_, path), sid in sorted(defaults.items()) if sid}

    def _assigned_roles(self, doing: Iterable[Change]) -> dict[str, str]:
        """The roles that somebody has by their SID after the apply, with whoever has them.

        That is what the files say, and what an undeclared field of a replaced resource carries over.
        """
        assigned: dict[str, str] = {}
        for declared in self.context.present:
            is_live = declared.address in self.context.matching.live
            for path, value in declared.values.items():
                if not (is_live and path in declared.lifecycle.ignore_changes):
                    assigned.update(self._assigned(declared.kind, path, value.content, declared.address))
        for change in doing:
            for step in change.steps:
                for path, content in step.values.items():
                    assigned.update(self._assigned(step.kind, path, content, step.address))
        return assigned

    @staticmethod
    def _assigned(kind: Kind, path: str, content: object, address: Address) -> dict[str, str]:
        reference = kind.by_path[path].marker(Ref)
        if reference is None or not is_held(BY_NAME[reference.kind]) or not isinstance(content, str) or not content:
            return {}
        return {content: str(address)}

    def _services_of_addresses(self, changes: Iterable[Change]) -> frozenset[tuple[str, str]]:
        paths = {use.kind: use.field.path for kind in KINDS for use in destinations_of(kind)}
        leading = [change for change in changes if change.kind in paths]
        by_sid = {change.sid: change for change in leading}
        # A value that only the account had comes from what an interrupted apply saved, too.
        pointing = {
            (self.context.sid(step.values.get(paths[change.kind])), change.name)
            for change in leading
            for step in change.steps
        }
        for live in (live for kind in paths for live in self.context.state.collection(kind, ())):
            change, path = by_sid.get(live.sid), paths[live.kind]
            if change is not None and change.action == "delete":
                continue
            moved = [item.after for item in (change.fields if change is not None else ()) if item.path == path]
            pointing.add((self.context.sid(moved[0]) if moved else str(live.values.get(path) or ""), live.name))
        for declared in self.context.present:
            path = paths.get(declared.kind, "")
            value = declared.values.get(path)
            if value is not None and path not in declared.lifecycle.ignore_changes:
                pointing.add((self.context.sid(value.content), declared.title))
        return frozenset((sid, name) for sid, name in pointing if sid)

    def _check_options(self, changes: Sequence[Change]) -> None:
        """Report option addresses that name nothing: they would silently narrow the plan to another one."""
        given = (
            ("--target", self.options.targets),
            ("--exclude", self.options.excludes),
            ("--rotate", self.options.rotate),
        )
        for option, addresses in given:
            self.context.problems.extend(self.unused.options(option, addresses, changes))
        self.context.problems.extend(self.unused.rotations(self.options.rotate, changes))

    def _check_swaps(self, changes: Sequence[Change]) -> None:
        """Names that are exchanged: the API takes no two of one name at once, so neither could be the first."""
        by_address = {change.address: change for change in changes}
        for circle in ordering.find_swaps(changes, self.context.state):
            first = by_address[circle[0]]
            who = " and ".join(map(str, circle))
            self.context.problems.append(
                Problem(
                    "swapped-names",
                    f"{who} exchange their names, and no two can have one name at any moment",
                    first.fields[0].source if first.fields else first.source,
                    "apply another name for one of them first, then this",
                    address=str(first.address),
                )
            )

    def _unused(self, changes: Sequence[Change]) -> Iterator[Problem]:
        """Everything in the configuration and the options that matches nothing, or leads nowhere."""
        yield from dangling(self.context)
        yield from self.unused.absents()
        yield from self.unused.former_names()
        yield from self.unused.patterns()
        yield from self.unused.ignored((item.address, item.live) for item in self._not_declared(changes))
        given = [item for item in self.options.approved if item not in self.options.brought]
        yield from self.unused.approvals([*self.context.config.approvals, *given], changes)

    def _not_restored(self, changes: Iterable[Change]) -> Iterator[Problem]:
        """Values that an interrupted apply saved, and that no change restores."""
        restored = {change.completes for change in changes}
        for entry in self.context.unfinished:
            declared = self.context.config.resources.get(entry.address)
            if entry.sid not in restored and (problem := self._still_saved(entry, declared)) is not None:
                yield problem
            if entry.lost and entry.sid in restored and declared is not None:
                yield Problem(
                    "not-restored",
                    f"{', '.join(entry.lost)} of {entry.address} may not be shown, so {entry.source} does not hold "
                    "what an interrupted apply deleted",
                    declared.place,
                    "run this where .reconciler/ of that apply is, or write the value in the files",
                    severity="warning",
                    address=str(entry.address),
                )

    def _not_completed(self, changes: Iterable[Change]) -> Iterator[Problem]:
        """Old resources of interrupted renames that the configuration no longer asks for; nothing else names them."""
        deleted = {change.sid for change in changes if change.action == "delete"}
        for entry in self.context.unfinished:
            old = self.context.state.get(entry.sid)
            if old is None or not entry.is_still(old) or entry.sid in {*self.context.under_way, *deleted}:
                continue
            declared = self.context.config.resources.get(entry.address)
            if declared is None or declared.address not in self.context.matching.live:
                continue
            if declared.absent or entry.sid in self.context.matching.addresses:
                continue
            yield Problem(
                "not-completed",
                f"an interrupted apply left {self.context.live_address(old)}, the old {old.kind.noun} of "
                f"{entry.address}, whose name has changed since; it and what refers to it are left alone",
                declared.place,
                f"To delete it, declare it as {{sid: {old.sid}, absent: true}}.",
                severity="warning",
                address=str(entry.address),
            )

    def _still_saved(self, entry: Unfinished, declared: Declared | None) -> Problem | None:
        """A warning for the saved values of a deleted resource, which stay saved until they are restored or discarded.

        Args:
            entry: what no change restores.
            declared: its resource in the files.
        """
        is_open = declared is None or declared.absent or self.context.selection.covers(declared)
        lacking = self.context.unrestored_fields(entry)
        if not is_open or not lacking or self.context.state.get(entry.sid) is not None:
            return None
        # Values are not shown: what a customer wrote may be among them.
        held = [path for path in lacking if path not in entry.lost]
        what = f"holds {', '.join(held)}" if held else f"cannot hold {', '.join(lacking)}"
        saved = f"{entry.source} {what} of {entry.address}, which an interrupted apply deleted"
        if declared is None or declared.absent:
            why, restore = "and the configuration no longer declares", "declare the resource again"
        elif entry.address in self.context.matching.live:
            why, restore = "and which exists again without them", "write them in the configuration"
        else:
            why, restore = "and the configuration declares by another name", "write them in the configuration"
        return Problem(
            "not-restored",
            f"{saved} {why}",
            None if declared is None else declared.place,
            f"to restore them, {restore}; to discard them, delete {entry.source}",
            severity="warning",
            address=str(entry.address),
        )

    def _left_over(self, unmanaged: Iterable[Unmanaged]) -> list[Problem]:
        """What bears a declared name and is of another type: a replace that was cut short may have left it.

        Nothing in the account tells it from what somebody wants, so it is told and left alone.
        """
        twins = {
            (declared.kind, self.context.parents(declared), declared.natural_key): declared
            for declared in self.context.present
            if declared.natural_key and declared.kind.discriminator and not declared.kind.match_by_content
            if declared.kind.by_path[declared.kind.discriminator].forces_replacement
            if declared.address in self.context.matching.live
        }
        return [
            Problem(
                "left-over",
                f"{item.address} has the name of {declared.address} and another {declared.kind.discriminator}; "
                "a replace that was cut short may have left it",
                declared.place,
                f"if so, delete it: declare it as {{sid: {item.live.sid}, absent: true}}; if it is wanted, list it "
                "under unmanaged.ignore, or declare it too",
                severity="warning",
                address=str(declared.address),
            )
            for item in unmanaged
            if (declared := twins.get((item.live.kind, item.live.parents, item.live.name))) is not None
        ]

    def _not_compared(self, changes: Iterable[Change]) -> list[Problem]:
        """Values of live resources that were not compared because their secrets are not set, by secret."""
        sent = {(change.address, item.path) for change in changes for item in change.fields}
        skipped: dict[tuple[str, ...], list[tuple[Declared, str]]] = {}
        for declared in self.context.covered():
            for path, value in declared.values.items():
                if (
                    isinstance(value.content, Unknown)
                    and value.secrets
                    and not declared.kind.by_path[path].write_only
                    and path not in declared.lifecycle.ignore_changes
                    and (declared.address, path) not in sent
                ):
                    skipped.setdefault(value.secrets, []).append((declared, path))
        return [
            Problem(
                "not-compared",
                f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not set, so "
                f"{', '.join(f'{path} of {declared.address}' for declared, path in found)} "
                f"{'was' if len(found) == 1 else 'were'} only compared in part",
                found[0][0].values[found[0][1]].place,
                "set the environment variable to compare the whole value",
                severity="warning",
                address=str(found[0][0].address),
            )
            for names, found in sorted(skipped.items())
        ]

    def _not_read(self) -> Iterable[Problem]:
        """What may not be read, and what that keeps from being planned."""
        for collection, refusal in sorted(self.context.state.unreadable.items(), key=lambda item: str(item[0])):
            kind = BY_NAME[collection.kind]
            where = self.context.name_of(collection.parents[-1]) if collection.parents else ""
            addresses = self.unreadable.get(collection, ())
            listed = ", ".join(map(str, addresses[:_MOST_LISTED]))
            more = f" and {len(addresses) - _MOST_LISTED:,} more" if len(addresses) > _MOST_LISTED else ""
            yield Problem(
                "unreadable",
                f"cannot read the {kind.noun}{'' if kind.singleton else ' list'}{f' of {where!r}' if where else ''}: "
                f"{refusal.answer}" + (f"; not planned: {listed}{more}" if addresses else ""),
                next((self.context.config.resources[address].place for address in addresses), None),
                "give the API key permission to read it, or leave these resources out with --exclude"
                if refusal.status == _FORBIDDEN
                else "it does not exist in this account or region; leave these resources out with --exclude",
            )

    def _labelled(self, change: Change) -> Change:
        """The same change with a name that tells it from others of the same name."""
        if not change.kind.discriminator or not change.kind.natural_key:
            return change
        live = self.context.state.get(change.sid or "")
        after = {item.path: item.after for item in change.fields}
        contents = {**after, **(live.values if live is not None else {})}
        return replace(change, name=self.context.label(change.kind, change.parent, change.name, contents))

    def _with_shown_urls(self, change: Change) -> Change:
        declared = self.context.config.resources.get(change.address)
        fields = tuple(with_shown_urls(item, declared, change.kind.by_path[item.path]) for item in change.fields)
        return replace(change, fields=fields)

    def _judged(self, unlabelled: Change) -> Change:
        change = self._labelled(unlabelled)
        live = self.context.state.get(change.sid) if change.sid else self._live_singleton(change) or change.former
        defaults: Iterable[str] = ()
        if is_held(change.kind) and live is not None:
            # Before the plan and after it, so that a plan applied in part is no riskier than the whole.
            defaults = self.context.default_roles().get(live.parents[0], ())
        judged = risk.judge(
            change, live, defaults, self.context.matching.former.get(change.address), self.context.sid_of
        )
        return self._with_unknown_holders(self._with_moved_defaults(judged))

    def _with_moved_defaults(self, change: Change) -> Change:
        """The same change, which says what defaults of its service it moves on the way."""
        risks, words = [change.risk], list(change.consequences)
        for step in change.steps:
            if not chooses_held(step.kind) or step.kind == change.kind:
                continue
            service = self.context.matching.live.get(step.parent) if step.parent is not None else None
            live = None if service is None else self.context.state.singleton(step.kind, (service.sid,))
            for path, content in step.values.items():
                before = str(live.values.get(path) or "") if live is not None else ""
                name = self.context.name_of(before)
                after = content.address if isinstance(content, Reference) else content
                marker = step.kind.by_path[path].marker(OnChange)
                risks.append(marker.risk if marker is not None else "low")
                former = f"{name} ({before})" if name else before
                words.append(f"Moves {step.address}.{path}: {former} → {after}.")
        return replace(change, risk=risk.higher(*risks), consequences=tuple(words))

    def _with_unknown_holders(self, change: Change) -> Change:
        """The same change, which says that not everybody was looked up who may hold the role that it deletes."""
        live = self.context.state.get(change.sid or "")
        if not is_held(change.kind) or change.action not in {"delete", "replace"} or live is None:
            return change
        found = self.context.state.participants.get(live.parents[0])
        if (
            found is None
            or found.is_complete
            or live.values.get(live.kind.discriminator) != holding_below().ref.of_type
        ):
            return change
        sentence = (
            "Participants of the most active conversations were looked up, not of all. If one elsewhere holds the role "
            f"{self.context.name_of(live.sid)!r}, Twilio refuses to delete it or gives them another role."
        )
        return replace(change, risk="high", consequences=(*change.consequences, sentence))

    def _live_singleton(self, change: Change) -> Live | None:
        return self.context.matching.live.get(change.address) if change.kind.singleton else None

    def _name_of_unmanaged(self, live: Live) -> str:
        above = self.context.matching.addresses.get(live.parents[-1]) if live.parents else None
        return self.context.label(live.kind, above, live.title, live.values)

    def _unmanaged(self, changes: Iterable[Change]) -> tuple[Unmanaged, ...]:
        ignored = self.context.config.unmanaged_ignore
        unlisted = {*self._unlisted().values()}
        return tuple(
            item
            for item in self._not_declared(changes)
            if (item.live.kind.name, item.live.parents) not in unlisted
            if not any(is_ignored(glob, item.address) for glob in ignored)
        )

    def _unlisted(self) -> dict[Address, tuple[str, tuple[str, ...]]]:
        """Collections that hold traffic and are not pruned, by address: what else is in them is not compared."""
        found = {}
        for declared in self.context.config.resources.values():
            parents = self.context.parents(declared)
            if not declared.kind.is_traffic or declared.parent is None or parents is None:
                continue
            collection = declared.parent.child(*declared.kind.section)
            if collection not in self.context.config.prune and self.context.selection.covers(declared):
                found[collection] = (declared.kind.name, parents)
        return dict(sorted(found.items()))

    def _not_declared(self, changes: Iterable[Change]) -> list[Unmanaged]:
        """Everything live in a collection that was read, but not declared."""
        deleted = {change.sid for change in changes if change.action == "delete"}
        named = {
            (declared.kind, self.context.parents(declared))
            for declared in self.context.config.resources.values()
            if self.context.selection.covers(declared)
        }
        named |= {
            (prune.kind, self.context.pruned_parents(prune))
            for prune in self.context.config.prune.values()
            if self.context.selection.covers_collection(prune.collection)
        }
        found = [
            Unmanaged(self.context.live_address(live), live, self._name_of_unmanaged(live))
            for live in self.context.state
            if (live.kind, live.parents) in named
            and not live.kind.singleton
            and live.sid not in self.context.matching.addresses
            and deleted.isdisjoint((live.sid, *live.parents))
            and not self.context.is_protected(live)
        ]
        return sorted(found, key=lambda item: item.address)


def _unset(changes: Iterable[Change]) -> tuple[Problem, ...]:
    """The secrets that the plan has to send and that are not set."""
    return tuple(
        Problem(
            "unset-secret",
            f"{item.path} of {change.address} has to be sent, and {item.after.reason}",
            item.source,
            f"set {', '.join(item.secrets)} in the environment, or leave {change.address} out with --exclude",
            address=str(change.address),
        )
        for change in changes
        if not change.is_withheld
        for item in change.fields
        if isinstance(item.after, Unknown) and item.secrets
    )
