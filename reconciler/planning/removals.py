"""Resources that are no longer declared: the configuration with their removal written into it.

Takes a `Widened` and the account; gives a `Resolution`. Its configuration contains removed resources as ``absent``, and
removed fields with the value that they return to, so that the rest of planning builds, orders, and guards these changes
like any others. Pure.

| removed                          | result                                                             |
|----------------------------------|--------------------------------------------------------------------|
| a resource that the tool created | deleted; withheld if it changed in the account since               |
| an adopted resource, a singleton | its fields return, and it is forgotten                             |
| a field                          | returns to its adopted value, else to empty, else stays as it is   |
| anything in a deleted resource   | goes with it                                                       |
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from reconciler.address import Address
from reconciler.change import Guard, Standing
from reconciler.config import paste
from reconciler.config.model import Approval, Config, Declared, Lifecycle, Reference, Removed, Unknown, Value
from reconciler.config.selection import Selection
from reconciler.config.similar import closest_address
from reconciler.errors import Problem
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import Record
from reconciler.planning.desired import Desired, implied_users
from reconciler.planning.former_identity import with_own_entries
from reconciler.planning.left_resources import left_resources
from reconciler.planning.live_identity import lineage_of
from reconciler.planning.live_references import References
from reconciler.planning.match import Matching
from reconciler.planning.returning import Return, is_exact, returning_fields
from reconciler.planning.three_way import (
    Origins,
    Past,
    Sides,
    is_as_before,
    resource_standing,
)
from reconciler.planning.widening import Widened
from reconciler.state import Live, State

_UNREADABLE = Problem("unreadable", "its former declaration cannot be read")


@dataclass(frozen=True)
class Resolution:
    """A configuration that contains everything that is removed.

    Attributes:
        widened: The configuration with placeholders.
        config: The configuration to plan.
        matching: The live resource of each declared or removed one.
        references: Resolves references between them.
        records: The record of each address in scope, with the origin that this plan determines.
        deleted: The standings of the removed resources that are deleted.
        returns: The removed fields that return, by address and path.
        withheld: The removed addresses whose removal is withheld whatever else holds, with the guard.
        covered: The removed addresses that are deleted with the resource that contains them, with its address.
        left: The records of resources that an interrupted replace left, at addresses that no entry has.
        kept: The removed addresses that stay as they are, since the matching live resource is unknown.
        forgotten: The addresses that are no longer remembered.
        problems: Notes and warnings.
    """

    widened: Widened
    config: Config
    matching: Matching
    references: References
    records: Mapping[Address, Record] = field(default_factory=dict)
    deleted: Mapping[Address, Standing] = field(default_factory=dict)
    returns: Mapping[Address, Mapping[str, Return]] = field(default_factory=dict)
    withheld: Mapping[Address, Guard] = field(default_factory=dict)
    covered: Mapping[Address, Address] = field(default_factory=dict)
    left: Mapping[Address, Record] = field(default_factory=dict)
    kept: frozenset[Address] = frozenset()
    forgotten: frozenset[Address] = frozenset()
    problems: tuple[Problem, ...] = ()

    @property
    def remembered(self) -> Mapping[Address, Record]:
        """The records before the plan, with those of resources that an interrupted replace left."""
        return {**self.widened.baseline.records, **self.left}

    def sides(self, address: Address) -> Sides | None:
        """The live resource of an address, with what compares it; None if it is missing."""
        return _sides_of(self.matching.live.get(address), self.references)


def _sides_of(live: Live | None, references: References) -> Sides | None:
    return None if live is None else references.sides(live)


def resolve(widened: Widened, state: State, matching: Matching, selection: Selection) -> Resolution:
    """Add everything that is removed to the configuration.

    Args:
        widened: The configuration with placeholders.
        state: The account.
        matching: The live resource of each declared or removed one.
        selection: The part of the configuration that the plan covers.
    """
    return _Resolver(widened, state, matching, selection).run()


class _Resolver:
    """One run of `resolve`."""

    def __init__(self, widened: Widened, state: State, matching: Matching, selection: Selection) -> None:
        self.former, self.widened = widened.pasts, with_own_entries(widened, matching, state)
        self.state = state
        self.matching = matching
        self.selection = selection
        self.references = References(widened.config, matching, state)
        self.origins = Origins(widened.baseline, self.references.is_available, self.references.to)
        self.resources: dict[Address, Declared] = {}
        self.records: dict[Address, Record] = {}
        self.deleted: dict[Address, Standing] = {}
        self.returns: dict[Address, dict[str, Return]] = {}
        self.withheld: dict[Address, Guard] = {}
        self.covered: dict[Address, Address] = {}
        self.left: dict[Address, Record] = {}
        self.left_sids: set[str] = set()
        self.kept: set[Address] = set()
        self.spared: set[Address] = set()
        self.forgotten: set[Address] = set(self.widened.forgotten)
        self.problems: list[Problem] = []
        self.unclear = {problem.address: problem for problem in matching.problems}
        self.implied = implied_users(Desired.of(widened.declared).present)

    def run(self) -> Resolution:
        """Decide every address: declared ones first, because they may refer to removed ones."""
        widened = self.widened
        for address in widened.declared.resources:
            former = widened.config.resources[address].renamed_from
            self.resources[address] = self._declared(replace(widened.declared.resources[address], renamed_from=former))
        if widened.baseline.is_compared:
            for address in widened.removed:
                self._removed(address)
            for address in (*widened.declared.resources, *widened.removed):
                self._remove_left(address)
            self._report()
        self._keep_containers()
        self.resources = {address: self._with_sids(declared) for address, declared in self.resources.items()}
        return Resolution(
            widened=widened,
            config=replace(widened.declared, resources=dict(sorted(self.resources.items()))),
            matching=self.matching,
            references=self.references,
            records=self.records,
            deleted=self.deleted,
            returns=self.returns,
            withheld=self.withheld,
            covered=self.covered,
            left=self.left,
            kept=frozenset(self.kept),
            forgotten=frozenset(self.forgotten),
            problems=tuple(self.problems),
        )

    def _sides(self, address: Address) -> Sides | None:
        return _sides_of(self.matching.live.get(address), self.references)

    # --- declared resources ------------------------------------------------------------------------------------------

    def _declared(self, declared: Declared) -> Declared:
        """Record the origin of a declared resource, and add the fields that return to it."""
        address = declared.address
        if not self.selection.covers(declared):
            return declared
        sides, past = self._sides(address), self.widened.pasts[address]
        self.records[address] = self.origins.decide(self.widened.recorded[address], sides, declared)
        declared = self._with_former_name(declared, sides)
        for message in _left_behind(declared, self.former[address], self.references):
            hint = "To delete it, declare it under another handle with absent: true, and approve that."
            self._note("left-behind", message, hint, address, severity="warning")
        if sides is None or declared.absent or not past.declarations or not self.widened.baseline.is_compared:
            return declared
        values = {**declared.values, **self._returning(address, past, sides, declared)}
        ordered = {path: values[path] for path in declared.kind.by_path if path in values}
        return replace(declared, values=ordered, exact=is_exact(past, sides, ordered))

    def _with_former_name(self, declared: Declared, sides: Sides | None) -> Declared:
        """The declared resource, without a former name from the baseline that nothing live has any more."""
        own = self.widened.declared.resources[declared.address].renamed_from
        if declared.renamed_from == own or (sides is not None and sides.live.name == declared.renamed_from):
            return declared
        state, above = self.references.state, self.matching.live.get(declared.parent) if declared.parent else None
        parents = () if above is None else above.lineage
        if sides is not None:
            siblings = state.collection(declared.kind, parents)
            if any(live.name == declared.renamed_from for live in siblings):
                return declared  # an interrupted rename, which this plan completes
        return replace(declared, renamed_from=own)

    # --- removed resources -------------------------------------------------------------------------------------------

    def _removed(self, address: Address) -> None:
        """Decide what happens to a removed resource; its containers were decided before."""
        past, placeholder = self.widened.pasts[address], self.widened.config.resources.get(address)
        before = past.declarations[0]
        if placeholder is None or not self.selection.covers(placeholder) or self.spared & {*self._around(address)}:
            return
        container = next((one for one in self._around(address) if one in self.kept), None)
        gone = next((one for one in self._around(address) if self._is_deleted(one)), None)
        if container is not None or (str(address) in self.unclear and address not in self.matching.live):
            self._keep(address, self.unclear[str(address)] if container is None else None)
            return
        if gone is not None:
            self.covered[address] = gone
            if before.lifecycle.prevent_destroy:
                self.resources[address] = placeholder  # it protects what contains it
            self.records[address] = past.record or Record(None)
            return
        sides = self._sides(address)
        if sides is None:
            self._forget(address, past)
            return
        record = self.origins.decide(past, sides, None)
        is_always = self.widened.config.on_removal.get(before.kind.name) == "delete"
        may_delete = record.origin == "created" or is_always or _is_beside_former(sides.live, record, self.state)
        may_delete = may_delete and not before.kind.singleton
        if may_delete and not self.selection.covers_delete(address):
            self.spared.add(address)  # it contains a target, or what is excluded; what is in it was not read
            return
        self.records[address] = record
        is_unchanged = is_as_before(past, sides, record, self.references.is_available)
        standing = resource_standing(past.presence(exists=True), "none", "as before" if is_unchanged else "changed")
        if not standing:
            self._forget(address, past)
            return
        self._withhold_if_elsewhere(before, sides)
        if may_delete:
            if (before.kind.name, address.root, sides.live.name) in self.implied:
                self.withheld.setdefault(address, _implied(address, sides.live))
            if not is_always and self.origins.is_unidentified(record):
                self.withheld.setdefault(address, _unidentified(address))
            self._delete(address, before, sides, standing)
        else:
            self._return(address, past, before, sides)

    def _withhold_if_elsewhere(self, before: Declared, sides: Sides) -> None:
        """Withhold the removal of a resource that another ledger declares."""
        above = () if before.parent is None else (*reversed(list(self._around(before.parent))), before.parent)
        lineage = (*(self.widened.config.resources[one] for one in above), before)
        live = {**self.matching.live, before.address: sides.live}
        if owner := self.widened.baseline.declared_elsewhere(tuple(lineage_of(lineage, live, self.state))):
            self.withheld[before.address] = _declared_elsewhere(before.address, owner)

    def _remove_left(self, address: Address) -> None:
        """Remove what else the entries of a record created, if a replace was interrupted."""
        widened, one = self.widened, self.widened.config.resources.get(address)
        is_kept = one is None or not self.selection.covers(one) or widened.baseline.override is not None
        if is_kept or address in {*self.kept, *self.covered}:
            return
        declared, past = widened.declared.resources.get(address), widened.recorded[address]
        taken = {*widened.config.resources, *widened.baseline.records, *self.left}
        found = left_resources(
            past, declared, state=self.state, matching=self.matching, baseline=widened.baseline, taken=taken
        )
        for left in found:
            before = left.declared
            if left.live.sid in self.left_sids:
                continue  # two records claim it, which an undo of an earlier release could leave
            self.left_sids.add(left.live.sid)
            if widened.config.on_removal.get(before.kind.name) == "forget" or (
                before.address.collection in widened.config.prune
            ):
                continue
            sides = self.references.sides(left.live)
            is_same = is_as_before(Past(left.record, before), sides, left.record, self.references.is_available)
            self.left[before.address] = left.record
            if not self.selection.covers_delete(before.address):
                continue  # remembered until a plan covers it
            self.records[before.address] = left.record
            self._withhold_if_elsewhere(before, sides)
            if self.origins.is_unidentified(past.record or left.record):
                self.withheld.setdefault(before.address, _unidentified(before.address))
            self._delete(before.address, before, sides, "removed" if is_same else "removed_conflict")
            if declared is not None and self.resources[address].renamed_from == before.natural_key:
                self.resources[address] = replace(self.resources[address], renamed_from=declared.renamed_from)

    def _around(self, address: Address) -> Iterator[Address]:
        """Yield the addresses of the resources that contain a resource."""
        before = self.widened.config.resources.get(address)
        while before is not None and before.parent is not None:
            yield before.parent
            before = self.widened.config.resources.get(before.parent)

    def _is_deleted(self, address: Address) -> bool:
        declared = self.resources.get(address)
        return address in self.deleted or (declared is not None and declared.absent)

    def _keep(self, address: Address, problem: Problem | None) -> None:
        self.kept.add(address)
        self.records[address] = self.widened.pasts[address].record or Record(None)
        if problem is not None:
            self.withheld[address] = _unclear(address, problem)

    def _forget(self, address: Address, past: Past) -> None:
        self.forgotten.add(address)
        self.records[address] = past.record or Record(None)

    def _delete(self, address: Address, before: Declared, sides: Sides, standing: Standing) -> None:
        self.deleted[address] = standing
        lifecycle = Lifecycle(prevent_destroy=before.lifecycle.prevent_destroy)
        self.resources[address] = replace(
            before,
            absent=True,
            renamed_from="",
            lifecycle=lifecycle,
            pin=sides.live.sid,
            values=_identity(before, sides),
        )

    def _return(self, address: Address, past: Past, before: Declared, sides: Sides) -> None:
        """Return the fields of a resource that is not deleted; one that is replaced for that cannot be pinned."""
        returning = self._returning(address, past, sides, None)
        if not returning:
            self._forget(address, past)
            return
        values = {**_identity(before, sides), **returning}
        self.resources[address] = replace(
            before,
            absent=False,
            renamed_from="",
            lifecycle=Lifecycle(),
            pin=None if before.kind.singleton or before.kind.discriminator in returning else sides.live.sid,
            values={path: values[path] for path in before.kind.by_path if path in values},
            exact=is_exact(past, sides, values),
        )

    def _with_sids(self, declared: Declared) -> Declared:
        """A resource whose fields return to SIDs, where what they refer to is not declared any more."""
        values = {
            path: replace(value, content=self.references.sid_of(value.content))
            for path in self.returns.get(declared.address, ())
            if isinstance((value := declared.values[path]).content, Reference)
            if value.content.is_by_name or (not value.content.built_in and value.content.address not in self.resources)
        }
        return replace(declared, values={**declared.values, **values}) if values else declared

    def _keep_containers(self) -> None:
        """Add the undeclared containers of a removed resource that is changed."""
        for address in list(self.resources):
            for above in self._around(address):
                live, before = self.matching.live.get(above), self.widened.config.resources[above]
                if above not in self.resources and live is not None:
                    self.resources[above] = replace(
                        before,
                        absent=False,
                        pin=live.sid,
                        lifecycle=Lifecycle(),
                        values=_identity(before, self.references.sides(live)),
                    )

    # --- fields ------------------------------------------------------------------------------------------------------

    def _returning(self, address: Address, past: Past, sides: Sides, desired: Declared | None) -> dict[str, Value]:
        """The removed fields that return, with the values that they return to."""
        before = past.declarations[0]
        ignored = {*(desired or before).lifecycle.ignore_changes, *before.lifecycle.ignore_changes}
        ignored |= self.widened.forgotten_fields.get(address, frozenset())
        found = returning_fields(past, self.records[address], sides, desired, ignored, self.references.is_available)
        if found.kept and desired is None and not before.kind.singleton:
            listed = ", ".join(found.kept)
            message = f"{address} stays in the account, and is no longer managed; the API cannot reset {listed}"
            self._note("not-returned", message, "Declare it to change it.", address)
        else:
            for path in found.kept:
                message = f"{address}: {path} keeps its value; it is no longer managed"
                self._note("not-returned", message, "Declare it to change it.", address)
        if found.returns:
            self.returns[address] = found.returns
        return found.values

    # --- problems ----------------------------------------------------------------------------------------------------

    def _note(self, code: str, message: str, hint: str, address: Address, *, severity: str = "notice") -> None:
        place = self.widened.declared.resources[address].place if address in self.widened.declared.resources else None
        self.problems.append(
            Problem(
                code,
                message,
                place,
                hint,
                severity="warning" if severity == "warning" else "notice",
                address=str(address),
            )
        )

    def _report(self) -> None:
        """Report entries of ``removed`` without effect, and former declarations that cannot be read."""
        self.problems += [_stale(one, self.widened) for one in self.widened.stale]
        for address in filter(self.selection.covers_delete, self.widened.unreadable):
            self._keep(address, _UNREADABLE)


def _stale(one: Removed, widened: Widened) -> Problem:
    """Report an entry of ``removed`` without effect."""
    meant = _removed_instead(one.address, widened)
    return Problem(
        "stale-removed",
        f"removed: {one.address} is declared, or was never applied" + (f". Did you mean {meant}?" if meant else ""),
        one.place,
        "Write this, or remove it:" if meant else "Remove it from the configuration.",
        severity="warning",
        address=str(one.address),
        fix=paste.forgotten(meant) if meant else "",
    )


def _removed_instead(address: Address, widened: Widened) -> Address | None:
    """Return the address, no longer declared, that an entry of ``removed`` probably means."""
    names = [
        (one, past.completed.natural_key)
        for one, past in widened.pasts.items()
        if past.completed is not None and past.completed.title == past.completed.natural_key
    ]
    meant = closest_address(address, widened.removed, names)
    return meant if meant in widened.removed else None


def _identity(before: Declared, sides: Sides) -> dict[str, Value]:
    """The values that cannot differ, and by which the resource is called."""
    return {
        path: value
        for path, value in before.values.items()
        if (before.kind.by_path[path].forces_replacement or before.kind.by_path[path].natural_key)
        and not before.kind.by_path[path].write_only
        and not isinstance(value.content, (Reference, Unknown))
        and sides.is_live(path, value.content)
    }


def _is_beside_former(live: Live, record: Record, state: State) -> bool:
    """Whether the resource of another type that existed before it is still there: an interrupted replace created it."""
    name, of_type = live.kind.discriminator, record.adopted.get(live.kind.discriminator)
    siblings = state.collection(live.kind, live.parents) if of_type is not None else ()
    return any(one.sid != live.sid and one.name == live.name and one.values.get(name) == of_type for one in siblings)


def _left_behind(declared: Declared, past: Past, references: References) -> Iterator[str]:
    """Describe the former resource of a handle whose name changed, if the API cannot rename its kind."""
    before, kind, matching = past.completed, declared.kind, references.matching
    if before is None or before.absent or declared.absent or kind.updatable or before.pin or declared.pin:
        return
    if before.natural_key in {"", declared.natural_key}:
        return
    above = matching.live.get(declared.parent) if declared.parent else None
    for live in references.state.collection(kind, () if above is None else above.lineage):
        if live.name == before.natural_key and live.sid not in matching.addresses:
            yield (
                f"{declared.address} has another name now, so the {kind.noun} {live.sid} that was applied under this "
                "handle stays in the account, and the ledger no longer remembers it"
            )


def _declared_elsewhere(address: Address, owner: str) -> Guard:
    return Guard(
        "declared_elsewhere",
        "withheld",
        f"{address} is no longer declared, but {owner} it for the same account; let only that configuration manage it "
        f"with removed: [{{address: {address}, action: forget}}]",
    )


def _implied(address: Address, live: Live) -> Guard:
    return Guard(
        "implied",
        "withheld",
        f"{address} is no longer declared, but a declared participant has its identity, and Twilio creates a "
        f"{live.kind.noun} for each participant; remove the participant, declare the {live.kind.noun} again, or keep "
        f"it with removed: [{{address: {address}, action: forget}}]",
    )


def _unclear(address: Address, problem: Problem) -> Guard:
    what, why, way_out = "which live resource it is", problem.message, "delete what is not needed, or "
    if problem.code == _UNREADABLE.code:
        what, way_out = "what to change", ""
    elif problem.code == "unset-secret":
        why = "its former name is unknown, because a variable or file has another value now, or none"
        way_out = "set that as it was, or delete the resource yourself and "
    return Guard(
        "unclear_removal",
        "withheld",
        f"{address} is no longer declared, but it is unclear {what}: {why}; {way_out}stop managing it with removed: "
        f"[{{address: {address}, action: forget}}]",
    )


def _unidentified(address: Address) -> Guard:
    approval = shlex.quote(str(Approval(address)))
    return Guard(
        "unidentified",
        "withheld",
        f"{address} is no longer declared, but the ledger was written with another key, so it is unknown whether this "
        "is the resource that was created or one that was made again since; use the former credentials or "
        f"RECONCILER_PLAN_KEY, delete it with --approve {approval}, or keep it with removed: [{{address: {address}, "
        "action: forget}]",
    )
