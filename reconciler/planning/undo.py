"""The plan of an undo: each resource of a report, from what the apply left back to what it was before.

Takes the targets of a report and the current configuration; gives a configuration of just these resources, with the
values from before, and `absent` for those that the apply created. The planner plans it like any other, so matching,
order, guards, risk, and limits are those of every plan. What someone else changed since is withheld. Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from reconciler.address import Address
from reconciler.change import Change, Guard
from reconciler.config.model import Approval, Config, Declared, Value
from reconciler.errors import MatchError, Place, Problem
from reconciler.kinds import KINDS
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Ref
from reconciler.planning.baseline import DeclaredElsewhere, nowhere
from reconciler.planning.guards import quoted
from reconciler.planning.handles import in_addresses_of
from reconciler.planning.live_identity import lineage_of
from reconciler.planning.options import PlanOptions
from reconciler.planning.plan import Plan, UndoneAddress, make_plan
from reconciler.planning.undo_resources import REASONS, UndoResources
from reconciler.planning.undo_state import UndoState
from reconciler.planning.undo_targets import (
    DigestOf,
    PastReference,
    Target,
    plain,
)
from reconciler.planning.undo_unsealed import CLAIMS, without_license
from reconciler.state import Live, State

_NOT_APPROVALS = frozenset({"done-approval", "unused-approval"})
_REMOVALS: tuple[Literal["delete"], Literal["replace"]] = ("delete", "replace")


class Undo:
    """The undo of one report.

    Args:
        config: the current configuration, whose limits, approvals, and protections hold.
        targets: what the apply did.
        place: the report, as it was named.
        digest_of: makes digests of sensitive values.
        unsealed: the report, or the plan file, if it has no valid seal; empty if both are unchanged, so that the report
            licenses deletes of the resources that its apply created.

    Attributes:
        unsealed: the same.
    """

    def __init__(
        self, config: Config, targets: Sequence[Target], place: str, digest_of: DigestOf, *, unsealed: str = ""
    ) -> None:
        self._config = config
        self._present = config
        self._targets = tuple(sorted(targets, key=lambda target: target.address))
        self._by_address = {target.address: target for target in self._targets}
        self._texts = {str(target.address): target.address for target in self._targets}
        self._place = Place(place)
        self._digest_of = digest_of
        self.unsealed = unsealed
        self._anchors = dict(self._find_anchors())

    @property
    def is_sealed(self) -> bool:
        """Whether the report, and the plan file, prove what the apply did, and that it is to be undone."""
        return not self.unsealed

    def draft(self) -> Config:
        """Return a configuration that makes a fetch read every resource that the undo is about."""
        resources = {address: self._anchor(address, sids[-1]) for address, sids in self._anchors.items()}
        for target in self._targets:
            if target.action in {"delete", "replace"} or (target.action == "create" and not target.new_sid):
                names = plain((target.before if target.action != "create" else target.after) or {})
                former = target.kind.name_of(plain(target.after or {})) if target.action == "replace" else ""
                declared = self._declared(target, self._draft_values(target, names))
                resources[target.address] = replace(declared, renamed_from=former)
            else:
                sid = target.new_sid or target.old_sid
                declared = self._declared(target, self._draft_values(target, {}))
                resources[target.address] = replace(declared, pin=sid or None)
        for kind in {target.kind for target in self._targets if target.action in {"create", "replace"}}:
            # What a fetch reads before something is deleted depends on the kind alone.
            address = Address((*kind.section, kind.sid_prefix + "0" * 32))
            resources[address] = Declared(address, kind, self._place, absent=True, pin=address.parts[-1])
        return self._with(resources)

    def described(self) -> Mapping[Address, Declared]:
        """Return what says which values are sensitive: the configuration's resources, and what the report hides."""
        found = dict(self._present.resources)
        for target in self._targets:
            collection = target.address.collection
            replaced = () if target.kind.singleton else filter(None, (target.old_sid, target.new_sid))
            for address in (target.address, *map(collection.child, replaced)) if target.hidden else ():
                declared = found.get(address) or self._declared(target, {})
                found[address] = replace(declared, sensitive=declared.sensitive | target.hidden)
        return found

    def plan(self, state: State, options: PlanOptions, declared_elsewhere: DeclaredElsewhere = nowhere) -> Plan:
        """Plan the undo.

        Args:
            state: the account, as far as `draft` needs it.
            options: the options of the plan.
            declared_elsewhere: names the other ledger that declares a live resource; see `Baseline`.

        Raises:
            MatchError: the account does not fit.
        """
        found = UndoState(self._targets, self._anchors, state, self._digest_of)
        # The configuration may have given the resources other handles since.
        identities = dict(self._identities(found))
        self._present = in_addresses_of(identities, self._config)
        found.judge({address: item.lifecycle.ignore_changes for address, item in self._present.resources.items()})
        licensed = tuple(self._licensed(found)) if self.is_sealed else ()
        made, builder = self._make(found, state, options, licensed)
        names = {approval.address for approval in licensed}
        given = {(approval.address, approval.action) for approval in licensed}
        changes = tuple(_beyond_license(self._explained(change), given) for change in made.changes)
        if not self.is_sealed:
            approved = {(item.address, item.action) for item in (*self._present.approvals, *options.approved)}
            changes = tuple(without_license(change, approved) for change in changes)
        owners = _Owners(builder.resources, found.live, state, declared_elsewhere)
        changes = tuple(map(owners.withhold, changes))
        return replace(
            made,
            changes=(*map(self._explained, builder.withheld), *changes),
            unmanaged=(),
            unlisted=(),
            unsearched=(),
            unverified=(),
            warnings=tuple(problem for problem in made.warnings if not _is_about_license(problem, names)),
            irreversible=tuple((item.address, item.message) for item in builder.irreversible),
            undone={
                Address.parse(target.recorded): replace(_undone(target, found, builder, changes), entry=target.entry)
                for target in self._targets
            },
            identities=self._as_recorded(identities),
        )

    def _as_recorded(self, identities: Mapping[Address, Declared]) -> dict[Address, Declared]:
        """Return what identifies each resource by its address in the report."""
        recorded = {address: identities[address] for address in self._anchors if address in identities}
        for target in self._targets:
            address = Address.parse(target.recorded)
            one = identities[target.address]
            recorded[address] = replace(one, address=address, parent=address.owner(target.kind.section))
        return recorded

    def _make(
        self, found: UndoState, state: State, options: PlanOptions, licensed: tuple[Approval, ...]
    ) -> tuple[Plan, UndoResources]:
        """Plan; one resource that cannot be as before does not keep the others from it.

        Raises:
            MatchError: a problem is about none of the resources.
        """
        rejected: dict[Address, str] = {}
        while True:
            builder = UndoResources(self._present, self._place, found, state, self._anchors)
            builder.build(rejected)
            resources = {**dict(self._protected(builder.resources)), **builder.resources}
            try:
                return make_plan(self._with(resources, licensed), state, options), builder
            except MatchError as error:
                problems = {self._texts.get(problem.address): problem.message for problem in error.problems}
                new = {address: text for address, text in problems.items() if address and address not in rejected}
                if not new:
                    raise
                rejected |= new

    def _protected(self, resources: Mapping[Address, Declared]) -> Iterator[tuple[Address, Declared]]:
        """Yield what the configuration declares and protects inside of resources that are to be deleted."""
        present = self._present.resources
        removed = [address for address, one in resources.items() if one.absent]
        for address, declared in present.items():
            if declared.lifecycle.prevent_destroy and any(address.is_within(one) for one in removed):
                at: Declared | None = declared
                while at is not None and at.address not in resources:
                    yield at.address, replace(at, values={}, renamed_from="")
                    at = present.get(at.parent) if at.parent is not None else None

    # --- the configuration -------------------------------------------------------------------------------------------

    def _identities(self, found: UndoState) -> Iterator[tuple[Address, Declared]]:
        """Yield what identifies each resource of the report, as it is live, or else as the apply left it."""
        for target in self._targets:
            live = found.live.get(target.address)
            contents: Mapping[str, Content] = plain(target.after or target.before or {})
            if live is not None and not target.kind.match_by_content:
                contents = live.values
            values = {path: Value(content, self._place) for path, content in contents.items() if content is not None}
            pin = None if live is None or target.kind.singleton else live.sid
            yield target.address, replace(self._declared(target, values), pin=pin)
        for address in self._anchors:
            live = found.live.get(address)
            if live is not None:
                values = {path: Value(one, self._place) for path, one in live.values.items() if one is not None}
                yield address, replace(self._anchor(address, live.sid), values=values)

    def _find_anchors(self) -> Iterator[tuple[Address, tuple[str, ...]]]:
        """Find the resources that contain targets and are not targets."""
        for target in self._targets:
            parts = () if target.parent is None else target.parent.parts
            for length in range(1, len(target.parents) + 1):
                address = Address(parts[: 2 * length])
                if address not in self._by_address:
                    yield address, target.parents[:length]

    def _anchor(self, address: Address, sid: str) -> Declared:
        containers = {kind.parent for kind in KINDS}
        kind = next(kind for kind in KINDS if kind.name in containers and kind.section == address.parts[-2:-1])
        return Declared(address, kind, self._place, parent=address.owner(kind.section), pin=sid)

    def _declared(self, target: Target, values: Mapping[str, Value]) -> Declared:
        return Declared(target.address, target.kind, self._place, parent=target.parent, values=values)

    def _draft_values(self, target: Target, names: Mapping[str, Content]) -> dict[str, Value]:
        """Return values that make a fetch read what they refer to, and find the resource by its name."""
        values: dict[str, Value] = {}
        for field in target.kind.fields:
            reference = field.marker(Ref)
            past = (target.before or {}).get(field.path)
            if reference is not None and isinstance(past, PastReference):
                if past.sid:
                    values[field.path] = Value(past.sid, self._place)
            elif field.path in names:
                values[field.path] = Value(names[field.path], self._place)
        return values

    def _with(self, resources: Mapping[Address, Declared], licensed: tuple[Approval, ...] = ()) -> Config:
        """Return the current configuration with other resources, and without what concerns only its own."""
        own = tuple(approval for approval in self._present.approvals if approval.address in resources)
        return replace(
            self._present,
            resources=dict(sorted(resources.items())),
            prune={},
            approvals=(*own, *licensed),
            warnings=(),
            unmanaged_ignore=(),
            acknowledge=(),
            acknowledged=(),
        )

    def _licensed(self, found: UndoState) -> Iterator[Approval]:
        """Yield approvals for deletes of the resources that the apply created.

        Not if the current configuration declares something in it that the apply did not create: that is newer. Its own
        approvals of the same delete hold instead, with their bounds.
        """
        own = {(approval.address, approval.action) for approval in self._present.approvals}
        for target in self._targets:
            if target.action not in {"create", "replace"} or not target.is_certain or not target.new_sid:
                continue
            newer = any(
                address.is_within(target.address) and address not in self._by_address
                for address, declared in self._present.resources.items()
                if not declared.absent and not declared.kind.singleton
            )
            if not newer:
                verdict, at_most = found.verdicts[target.address], self._most_destroyed(target, found)
                addresses = [target.address]
                if verdict.leftover is not None:
                    addresses.append(target.address.collection.child(verdict.leftover.sid))
                for address in addresses:
                    licenses = (Approval(address, action, self._place, at_most) for action in _REMOVALS)
                    yield from (one for one in licenses if (one.address, one.action) not in own)

    def _most_destroyed(self, target: Target, found: UndoState) -> tuple[tuple[str, int], ...]:
        """Return the bounds of a license: contents that others made and no undo restores are not licensed.

        The contents of the apply that are gone by now license no others in their place.
        """
        inside = {kind.section[-1]: kind for kind in KINDS if kind.parent == target.kind.name and kind.destroys}
        own = [
            other.kind
            for other in self._targets
            if other.action == "create" and other.parent == target.address and other.address in found.live
        ]
        return tuple((one.name, own.count(inside[one.name])) for one in target.kind.counts if one.name in inside)

    def _explained(self, change: Change) -> Change:
        target = self._by_address.get(change.address)
        reasons = REASONS if self.is_sealed else CLAIMS
        return change if target is None else replace(change, reason=reasons[target.action])


class _Owners:
    """Withholds changes of resources that another ledger declares.

    Args:
        resources: the resources of the undo's configuration.
        live: the live resource at each address of the report.
        state: the account.
        declared_elsewhere: names the other ledger that declares a live resource.
    """

    def __init__(
        self,
        resources: Mapping[Address, Declared],
        live: Mapping[Address, Live],
        state: State,
        declared_elsewhere: DeclaredElsewhere,
    ) -> None:
        self._resources = resources
        self._state = state
        self._declared_elsewhere = declared_elsewhere
        pinned = {address: state.get(one.pin) for address, one in resources.items() if one.pin}
        self._live = {**live, **{address: one for address, one in pinned.items() if one is not None}}

    def withhold(self, change: Change) -> Change:
        """Withhold the change of a resource that another ledger declares."""
        if change.action == "create" or change.guard is not None:
            return change
        lineage, at = list[Declared](), self._resources.get(change.address)
        while at is not None:
            lineage.insert(0, at)
            at = self._resources.get(at.parent) if at.parent is not None else None
        owner = self._declared_elsewhere(tuple(lineage_of(lineage, self._live, self._state)))
        if not owner:
            return change
        does = "change" if change.action == "update" else "delete"
        message = f"{owner} {change.address} for the same account, so the undo does not {does} it"
        return replace(change, guard=Guard("declared_elsewhere", "withheld", message))


def _undone(target: Target, found: UndoState, builder: UndoResources, changes: Sequence[Change]) -> UndoneAddress:
    """Describe what the undo does with an address, for the ledger."""
    verdict = found.verdicts[target.address]
    # A key that cannot be set back is still the new one, so the record says so, and the next plan sends the old one.
    if target.action == "update" and target.overwrote:
        return UndoneAddress("withheld")
    if verdict.decision == "withheld" or any(change.address == target.address for change in builder.withheld):
        return UndoneAddress("withheld")
    creates = target.action in {"delete", "replace"}
    if verdict.decision == "nothing":
        sid = "" if verdict.live is None else verdict.live.sid
        return UndoneAddress("nothing", creates, sid, existed=target.action != "create")
    addresses = {target.address}
    for live in (verdict.live, verdict.leftover):
        if live is not None and not target.kind.singleton:
            addresses.add(target.address.collection.child(live.sid))
    own = [change for change in changes if change.address in addresses]
    # What a deleted resource contains goes with it.
    own = own or [
        change for change in changes if change.action == "delete" and target.address.is_within(change.address)
    ]
    written = [change for change in own if change.guard is None or change.guard.is_partial]
    if own and not written:
        return UndoneAddress("withheld")
    # The old resource of a replace may be there already: it was never deleted, or is created again.
    is_there = verdict.leftover is not None and verdict.live is not None
    return UndoneAddress(
        "write" if own else "nothing",
        creates,
        verdict.live.sid if is_there and verdict.live is not None else "",
        changes=tuple(change.address for change in written),
        existed=target.action != "create",
        # What is noted of a resource that exists stays different; one that is created again is as before, or drifted.
        # What replaced it may stay beside it, because a guard keeps it.
        is_partial=any(change.guard is not None for change in own)
        or (target.action == "update" and any(item.address == target.address for item in builder.irreversible)),
    )


def _beyond_license(change: Change, licensed: Container[tuple[Address, str]]) -> Change:
    """Say how to approve a delete of more than the apply created."""
    if change.guard is None or change.guard.name != "bound_exceeded" or (change.address, change.action) not in licensed:
        return change
    what, _, _ = change.guard.message.partition("; ")
    option = quoted(str(Approval(change.address, "replace" if change.action == "replace" else "delete")))
    message = f"{what}, which the apply did not create; approve the {change.action} with --approve {option}"
    return replace(change, guard=replace(change.guard, message=message))


def _is_about_license(problem: Problem, names: set[Address]) -> bool:
    return problem.code in _NOT_APPROVALS and problem.address in {str(address) for address in names}
