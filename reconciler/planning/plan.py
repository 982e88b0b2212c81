"""Builds the plan: every change that makes the account match the configuration, in order. Pure and deterministic.

Takes a `Config`, a `State`, and options; returns a `Plan`, or every problem that prevents it, at once. The same inputs
in any order give the same plan. It does no I/O; `reconciler.execution.apply` executes it.

How a change results:

| configuration       | account                       | change                                                     |
|---------------------|-------------------------------|------------------------------------------------------------|
| declared            | missing                       | create; update if Twilio creates it with its new service   |
| declared            | exists, and equal             | none                                                       |
| declared            | exists, and differs           | update, or replace when an immutable field differs         |
| `absent: true`      | exists                        | delete                                                     |
| not declared        | exists in a pruned collection | delete                                                     |
| not declared        | exists                        | none; reported as unmanaged                                |
| `renamed_from` done | both names exist              | delete of the old one                                      |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field, replace
from functools import partial
from typing import Literal

from reconciler.address import Address
from reconciler.change import Change, Guard, Since, Step
from reconciler.config.acknowledged import split_acknowledged, unused
from reconciler.config.model import Config, Declared, Reference, Unknown
from reconciler.config.selection import Selection
from reconciler.errors import MatchError, Problem
from reconciler.journal import UnfinishedReplace
from reconciler.kinds import KINDS
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
from reconciler.planning import guards, ordering, plan_problems, role_guards, scope
from reconciler.planning.assessment import assess
from reconciler.planning.baseline import Decision, Record
from reconciler.planning.change_builder import ChangeBuilder, UnorderedChanges
from reconciler.planning.context import PlanContext
from reconciler.planning.counts import Bounds, bounds_of
from reconciler.planning.dangling import dangling
from reconciler.planning.guard_changes import guard_changes
from reconciler.planning.identification import identify
from reconciler.planning.impact import CountRead, counts_to_fetch, with_impact
from reconciler.planning.interrupted import begun_replaces
from reconciler.planning.match import Matching, match
from reconciler.planning.naming import title
from reconciler.planning.near import Nearness
from reconciler.planning.options import PlanOptions
from reconciler.planning.other_owners import with_former_kept
from reconciler.planning.removals import resolve
from reconciler.planning.separation import separate
from reconciler.planning.standings import Standings, decide
from reconciler.planning.undeclared import UndeclaredSetting, possible_settings, shown_settings
from reconciler.planning.unmanaged import (
    Unmanaged,
    undeclared_resources,
    unlisted_collections,
    unmanaged_resources,
    unsearched_collections,
)
from reconciler.planning.unused_names import UnusedNames
from reconciler.planning.unused_options import UnusedOptions
from reconciler.planning.unused_patterns import UnusedPatterns
from reconciler.planning.widening import Widened
from reconciler.state import Collection, Live, State


@dataclass(frozen=True, slots=True)
class UndoneAddress:
    """What an undo does with an address, which the ledger has to know.

    Attributes:
        decision: ``write``; ``nothing``, because the resource is as before; or ``withheld``, in whole or in part.
        creates: whether the undo gives the resource a new SID.
        sid: its present SID, if it is created again already.
        existed: whether the resource existed before the apply that is undone.
        changes: the addresses of the changes that have to be done for it.
        is_partial: whether a part stays as the apply left it: a field that cannot be set back, or what replaced the
            resource and is kept by a guard.
        entry: the number of the entry of the first run that is undone for it; 0 if it has none.
    """

    decision: Literal["write", "nothing", "withheld"]
    creates: bool = False
    sid: str = ""
    changes: tuple[Address, ...] = ()
    existed: bool = False
    is_partial: bool = False
    entry: int = 0


@dataclass(frozen=True, slots=True)
class Execution:
    """What an apply needs in addition to the steps of the changes.

    Attributes:
        sids: the SIDs of all live resources that a step may refer to, by address.
        builtin_refs: resources that steps refer to and that Twilio creates with a service of this plan, by address,
            with the values to look them up by.
        existing_sids: the SIDs of everything that was read: a resource with any other SID was created later.
        finished_replaces: SIDs of the old resources of interrupted replaces that have nothing left to do.
        former: the live resources that steps update or delete, by step ID, as they were read.
        successors: the addresses of the resources that replace others in an interrupted replace, by the old SIDs.
    """

    sids: Mapping[Address, str] = field(default_factory=dict)
    builtin_refs: Mapping[Address, Mapping[str, Content | Reference | Unknown]] = field(default_factory=dict)
    existing_sids: AbstractSet[str] = frozenset()
    finished_replaces: frozenset[str] = frozenset()
    former: Mapping[str, Live] = field(default_factory=dict, repr=False)
    successors: Mapping[str, Address] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MissingReads:
    """The reads that are required before a plan is final.

    Attributes:
        role_holders: services whose users must be searched before this plan's role deletes are safe.
        participants: services whose participants must be searched for the same reason.
        collections: collections that must be read before this plan's order is correct.
        counts: lists that must be counted before this plan can be shown.
    """

    role_holders: frozenset[str] = frozenset()
    participants: frozenset[str] = frozenset()
    collections: frozenset[Collection] = frozenset()
    counts: tuple[CountRead, ...] = ()

    def __bool__(self) -> bool:
        """Whether any read is required."""
        return bool(self.role_holders or self.participants or self.collections or self.counts)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every change, in order, with what is displayed and what an apply needs to execute it.

    Attributes:
        account_sid: the account that was read.
        environment: the environment that the configuration was read for.
        config_digest: the digest of the configuration.
        options: the options that narrowed or widened the plan.
        changes: in an order in which each comes after what it needs, deletes last.
        unchanged: how many declared resources match the configuration.
        unmanaged: undeclared live resources of the collections that were read, without built-in ones.
        warnings: warnings about the configuration and the account.
        acknowledged: how many other warnings the configuration acknowledges.
        refusals: guards that refuse the plan as a whole (limits).
        left_out: addresses of declared resources that targets or excludes leave out of the plan.
        unreadable: collections that may not be read, each with the resources that could not be planned because of it.
        unset: unset secrets that a step has to send, each with its place; an apply needs all of them.
        unverified: declared contents that the API never returns and that this plan does not send, as address and field.
        live: the live resource of each declared one that has one.
        title_of: returns the natural key of a declared resource, in a form that may be shown; empty if there is none.
        unlisted: collections whose undeclared resources are neither compared nor listed.
        unsearched: top-level collections that were not searched for unmanaged resources: nothing is declared in them.
        undeclared: live settings that are not declared, the gravest first, if they were looked for.
        execution: what an apply needs in addition to the changes; empty for a plan that is only displayed.
        missing: the reads that are required before the plan is final.
        irreversible: of an undo, what remains different permanently, by address.
        undone: of an undo, what it does with each address of the report.
        identities: of an undo, what identifies each of these resources, and those that contain them; the pin is the
            present SID.
        decisions: what becomes of each address that the configuration or the ledger has and the plan covers; empty
            without a baseline.
        remembered: the records of the ledger before this plan, in present addresses.
        baseline: the configuration that was applied last, with which both sides were compared; None without one.
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
    left_out: tuple[Address, ...] = ()
    unreadable: tuple[Problem, ...] = ()
    unset: tuple[Problem, ...] = ()
    unverified: tuple[tuple[Address, str], ...] = ()
    live: Mapping[Address, Live] = field(default_factory=dict)
    title_of: Callable[[Address], str] = field(default=lambda _address: "", compare=False, repr=False)
    unlisted: tuple[Address, ...] = ()
    unsearched: tuple[Address, ...] = ()
    undeclared: tuple[UndeclaredSetting, ...] = ()
    execution: Execution = Execution()
    missing: MissingReads = MissingReads()
    irreversible: tuple[tuple[Address, str], ...] = ()
    undone: Mapping[Address, UndoneAddress] = field(default_factory=dict)
    identities: Mapping[Address, Declared] = field(default_factory=dict)
    decisions: Mapping[Address, Decision] = field(default_factory=dict)
    remembered: Mapping[Address, Record] = field(default_factory=dict)
    baseline: Since | None = None

    @property
    def is_sending(self) -> bool:
        """Whether an apply sends any write."""
        return any(change.steps and not change.is_withheld for change in self.changes)

    def blocking(self) -> tuple[str, ...]:
        """Return the reasons why an apply is refused, as sentences; empty if it is not."""
        held = [change.guard for change in self.changes if change.guard is not None]
        return tuple(guard.message for guard in (*self.refusals, *held) if guard.verdict == "refused")


def make_plan(
    config: Config | Widened,
    state: State,
    options: PlanOptions | None = None,
    unfinished: Sequence[UnfinishedReplace] = (),
) -> Plan:
    """Build the plan that makes an account match a configuration.

    Args:
        config: the configuration, widened by what the baseline remembers if there is one.
        state: the account.
        options: the options that narrow or widen the plan.
        unfinished: the replaces that an interrupted apply began, with the values it saved.

    Raises:
        MatchError: with every problem that prevents a plan.
    """
    return _Planner(config, state, options or PlanOptions(), unfinished).run()


def _title_of(
    resources: Mapping[Address, Declared], removed: frozenset[Address], live: Mapping[Address, Live], address: Address
) -> str:
    """Return the title of a declared resource, unless it is to be removed. Few are needed, so none is kept."""
    declared = resources.get(address)
    return "" if declared is None or address in removed else title(declared, live.get(address))


class _Planner:
    """One run of `make_plan`."""

    def __init__(
        self, wanted: Config | Widened, state: State, options: PlanOptions, unfinished: Sequence[UnfinishedReplace]
    ) -> None:
        self.options = options
        self.affected: Mapping[Collection, tuple[Address, ...]] = {}
        self.standings: Standings | None = None
        if isinstance(wanted, Config):
            self.declared = wanted.resources
            config, selection = wanted, self._select(wanted, state)
        else:
            self.declared = wanted.declared.resources
            config, selection = self._resolve(wanted, state, unfinished)
        self.context = PlanContext(config, state, selection, unfinished, options.reviewed)
        near = Nearness()
        self.unused_names = UnusedNames(self.context, near)
        self.unused_patterns = UnusedPatterns(self.context, near)
        self.unused_options = UnusedOptions(self.context, near)

    def _select(self, config: Config, state: State) -> Selection:
        """Return the part of a configuration that the plan covers, without what could not be read."""
        is_widened = config.resources is not self.declared
        remembered = frozenset(config.resources.keys() - self.declared.keys()) if is_widened else frozenset()
        selection = replace(self.options.selection(config), remembered=remembered)
        if state.unreadable:
            parents = match(config, state, KINDS.parents, selection).live
            self.affected = scope.unreadable(config, state, parents, selection)
            found = [address for addresses in self.affected.values() for address in addresses]
            selection = selection.without(config, found)
        return selection

    def _resolve(
        self, widened: Widened, state: State, unfinished: Sequence[UnfinishedReplace]
    ) -> tuple[Config, Selection]:
        """Return the configuration with what is removed written into it, and the part that the plan covers."""

        def matched(config: Config, selection: Selection) -> Matching:
            begun = begun_replaces(unfinished, config, state, selection)
            return match(config, state, selection=selection, under_way=begun, new=self.options.reviewed.creates)

        selection = self._select(widened.config, state)
        matching = matched(widened.config, selection)
        separated = separate(widened, state, matching, selection)
        if separated is not widened:
            widened, selection = separated, self._select(separated.config, state)
            matching = matched(widened.config, selection)
        resolution = resolve(widened, state, identify(widened, state, matching), selection)
        self.standings = Standings(resolution, frozenset(self._approvals(widened.config)), self.options.ours)
        return resolution.config, selection

    def run(self) -> Plan:
        """Build, order, and guard the changes.

        Raises:
            MatchError: with every problem.
        """
        config, state, live = self.context.config, self.context.state, self.context.matching.live
        standings = self.standings
        unordered = self._build()
        problems = (
            *self._context_problems(),
            *unordered.problems,
            *self._option_problems(unordered.changes),
            *plan_problems.swapped_names(self.context, unordered.changes),
        )
        if any(problem.severity == "error" for problem in problems):
            raise MatchError([*problems, *config.warnings], config.lines)
        assessed = [assess(self.context, change) for change in unordered.changes]
        ordered = ordering.sort_changes(ordering.add_dependencies(assessed, state, live))
        changes = guard_changes(
            self.context, tuple(ordered), self.options.approved, self.options.reviewed, ours=self.options.ours
        )
        bounds = bounds_of((*config.approvals, *self.options.approved))
        changes = with_impact(self.context, changes, bounds)
        if standings is not None:
            changes = (*changes, *standings.unclear())
        undeclared = undeclared_resources(self.context, changes)
        unmanaged = unmanaged_resources(self.context, undeclared)
        warnings, acknowledged = self._acknowledged((*problems, *self._warnings(changes, undeclared, unmanaged)))
        return Plan(
            account_sid=state.account_sid,
            environment=config.environment,
            config_digest=config.digest,
            options=self.options,
            changes=changes,
            unchanged=unordered.unchanged - (standings.unchanged_placeholders(changes) if standings is not None else 0),
            unmanaged=unmanaged,
            warnings=warnings,
            acknowledged=acknowledged,
            refusals=guards.limit(changes, config.limits),
            left_out=tuple(sorted(self.context.selection.omitted & self.declared.keys())),
            unreadable=tuple(plan_problems.unreadable_collections(self.context, self.affected)),
            unset=plan_problems.unset_secrets(changes),
            unverified=unordered.unverified,
            live=live,
            title_of=partial(_title_of, config.resources, self.context.desired.removed, live),
            unlisted=tuple(unlisted_collections(self.context)),
            unsearched=unsearched_collections(self.context),
            undeclared=shown_settings(self.context),
            execution=self._execution(unordered),
            missing=self._missing(changes, bounds),
            decisions=decide(standings.resolution, self.context, changes) if standings is not None else {},
            remembered=standings.resolution.remembered if standings is not None else {},
            baseline=standings.head if standings is not None else None,
        )

    def _build(self) -> UnorderedChanges:
        """Build the changes, with their standings to the baseline."""
        standings = self.standings
        resent = (lambda _declared: frozenset[str]()) if standings is None else standings.resent_fields
        unordered = ChangeBuilder(self.context, frozenset(self.options.rotate), resent).build()
        if standings is None:
            return unordered
        compared = (standings.of(change) for change in unordered.changes)
        kept = (with_former_kept(change, standings.resolution, self.context.state) for change in compared)
        return replace(unordered, changes=tuple(change for change in kept if change is not None))

    def _context_problems(self) -> Iterator[Problem]:
        """Yield the problems of the configuration and the account; what a participant needs is withheld if removed."""
        declared: frozenset[str] | None = None
        for one in self.context.problems:
            if one.code == "absent-but-needed":
                declared = declared if declared is not None else frozenset(map(str, self.declared))
                if one.address not in declared:
                    continue
            yield one

    def _missing(self, changes: Sequence[Change], bounds: Bounds) -> MissingReads:
        """Return what has to be read; nothing is counted until everything that decides about deletes is known."""
        state = self.context.state
        deciding = MissingReads(
            role_holders=role_guards.role_holders_to_fetch(changes, state),
            participants=role_guards.participants_to_fetch(changes, state),
            collections=ordering.collections_to_fetch(changes, state),
        )
        if deciding:
            return deciding
        return MissingReads(counts=counts_to_fetch(changes, state, bounds, self.options.count_limit))

    def _approvals(self, config: Config) -> Iterator[tuple[Address, str]]:
        """Yield what is approved, in the configuration or on the command line."""
        return ((item.address, item.action) for item in (*config.approvals, *self.options.approved))

    def _execution(self, unordered: UnorderedChanges) -> Execution:
        deleted = {
            change.address: change.sid for change in unordered.changes if change.action == "delete" and change.sid
        }
        return Execution(
            sids={**self.context.sids, **deleted} if deleted else self.context.sids,
            builtin_refs=self.context.builtin_refs,
            existing_sids=self.context.state.sids,
            finished_replaces=self.context.interrupted.finished,
            former={
                step.id: live
                for change in unordered.changes
                for step in change.steps
                if (live := self._written_by(step)) is not None
            },
            successors=self.context.naming.completed_by,
        )

    def _written_by(self, step: Step) -> Live | None:
        """Return the live resource that a step updates or deletes; None if this plan creates it."""
        if step.sid is not None:
            return self.context.state.get(step.sid)
        if not step.kind.singleton:
            return None
        parent = self.context.matching.live.get(step.parent) if step.parent is not None else None
        if step.parent is not None and parent is None:
            return None
        return self.context.state.singleton(step.kind, () if parent is None else parent.lineage)

    def _option_problems(self, changes: Sequence[Change]) -> Iterator[Problem]:
        """Report addresses of options that match nothing: they would silently change the scope of the plan."""
        given = (
            ("--target", self.options.targets),
            ("--exclude", self.options.excludes),
            ("--rotate", self.options.rotate),
        )
        remembered = () if self.standings is None else self.standings.resolution.widened.baseline.records
        for option, addresses in given:
            unknown = tuple(one for one in addresses if not any(other.is_within(one) for other in remembered))
            yield from self.unused_options.options(option, unknown, changes)
        yield from self.unused_options.rotations(self.options.rotate, changes)

    def _warnings(
        self, changes: Sequence[Change], undeclared: Sequence[Unmanaged], unmanaged: Sequence[Unmanaged]
    ) -> Iterator[Problem]:
        yield from self.options.notes
        yield from dangling(self.context)
        yield from self.unused_names.absents()
        yield from self.unused_names.former_names()
        yield from self.unused_patterns.patterns()
        yield from self.unused_patterns.ignored(
            ((item.address, item.live) for item in undeclared), lambda: possible_settings(self.context)
        )
        given = [item for item in self.options.approved if item not in self.options.brought]
        yield from self.unused_options.approvals([*self.context.config.approvals, *given], changes)
        yield from plan_problems.left_over_roles(self.context, unmanaged)
        yield from plan_problems.unrestored_values(self.context, changes)
        yield from plan_problems.uncompleted_renames(self.context, changes)
        yield from plan_problems.partly_compared_values(self.context, changes)
        if self.standings is not None:
            yield from self.standings.resolution.problems
            yield from plan_problems.pruned_anyway(self.standings.resolution.widened, self.context, changes)

    def _acknowledged(self, problems: Iterable[Problem]) -> tuple[tuple[Problem, ...], int]:
        """Split off the warnings that the configuration acknowledges.

        Returns:
            The warnings to show, including one for every acknowledgement that covers nothing, and the number of
            acknowledged ones.
        """
        config = self.context.config
        shown, known = split_acknowledged(config.acknowledge, (*config.warnings, *problems))
        every = (*config.acknowledged, *known)
        # It may cover what --target or --exclude leaves out.
        if not self.context.selection.omitted:
            shown = (*shown, *unused(config.acknowledge, every, shown))
        return shown, len(every)
