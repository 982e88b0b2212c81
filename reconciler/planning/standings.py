"""Determines the standing of each change to the baseline, and the decision of a plan about each address.

Takes a `Resolution` and changes; gives the same changes with their standings, and `Decision`s for the ledger. Pure;
guards decide which changes a conflict stops.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Change, FieldChange, Guard, Since, Standing
from reconciler.config.model import Approval, Declared, Unknown, Value
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import Decision, Record
from reconciler.planning.context import PlanContext
from reconciler.planning.removals import Resolution
from reconciler.planning.three_way import (
    FieldState,
    Mark,
    Past,
    Presence,
    Sides,
    declared_standing,
    resource_standing,
    return_value,
)
from reconciler.planning.widening import kind_of

REMOVED = "removed from the configuration"
_SHORT = 7
"""The number of characters of a commit's name that are shown."""


@dataclass(frozen=True)
class Standings:
    """Compares the changes of a plan with the baseline.

    Attributes:
        resolution: The configuration that contains everything that is removed.
        approved: The approvals, as address and action.
        ours: Whether the configuration wins every conflict.
    """

    resolution: Resolution
    approved: frozenset[tuple[Address, str]] = frozenset()
    ours: bool = False

    @property
    def head(self) -> Since | None:
        """The entry that the plan is compared with, for display; None if there is none."""
        baseline = self.resolution.widened.baseline
        entry = baseline.head
        if not baseline.is_compared or entry is None:
            return None
        return Since(entry.number, entry.at, entry.commit)

    def of(self, change: Change) -> Change:
        """Return a change with its standing."""
        address = change.address
        if not self.resolution.widened.baseline.is_compared or (change.action == "delete" and change.completes):
            return change
        if address in self.resolution.deleted and change.action == "delete":
            standing = self.resolution.deleted[address]
            since = self._since(address, removed=address.parts[-1])
            change = replace(change, reason=self._reason(address), source=None, standing=standing, since=since)
            return self._without_removal(change)
        past = self.resolution.widened.pasts.get(address, Past())
        declared = self.resolution.widened.declared.resources.get(address)
        sides = self.resolution.sides(address)
        if change.action == "delete":
            return change if declared is None else self._whole(change, past, declared, sides)
        if sides is None:
            return self._whole(change, past, declared, sides)
        fields = tuple(self._field(item, past, declared, sides, address) for item in change.fields)
        change = replace(change, fields=fields)
        record = self.resolution.records.get(address)
        if record is not None and record.origin == "adopted" and _is_renewal(change):
            note = (
                f"The old {change.kind.noun} existed before it was declared, and is deleted. To keep it, declare the "
                "new one under another handle."
            )
            change = replace(change, consequences=(*change.consequences, note))
        change = replace(change, reason=self._reason(address), source=None) if declared is None else change
        return self._without_removal(self._without_conflicts(change))

    def unclear(self) -> Iterator[Change]:
        """Yield the removals whose live resource is unclear, without steps."""
        resolution = self.resolution
        for address in sorted(resolution.kept & resolution.withheld.keys()):
            past = resolution.widened.pasts[address]
            before = past.declarations[0] if past.declarations else None
            kind = kind_of(address, past)
            if kind is None:
                continue
            parent = address.owner(kind.section)
            service = resolution.matching.live.get(address.root) if parent is not None else None
            yield Change(
                address=address,
                kind=kind,
                action="delete",
                sid=None,
                name=before.title if before is not None else "",
                parent=parent,
                service=service.title if service is not None else "",
                reason=self._reason(address),
                guard=resolution.withheld[address],
                standing="removed",
                since=self._since(address, removed=address.parts[-1]),
            )

    def _reason(self, address: Address) -> str:
        commit, is_certain = self.resolution.widened.baseline.removed_in(address.parts[-1])
        if not commit:
            return REMOVED
        short = commit[:_SHORT]
        return f"{REMOVED} (commit {short})" if is_certain else f"{REMOVED} (by commit {short} or an earlier one)"

    def _without_removal(self, change: Change) -> Change:
        """Withhold a removal that another ledger, or a key that does not fit, stops."""
        guard = self.resolution.withheld.get(change.address)
        if guard is None or (guard.name == "unidentified" and (change.address, "delete") in self.approved):
            return change
        return replace(change, guard=guard)

    def _without_conflicts(self, change: Change) -> Change:
        """Withhold the removed fields that the account changed, unless that is approved."""
        paths = [item.path for item in change.fields if item.standing == "removed_conflict"]
        if not paths or self.ours or (change.address, "update") in self.approved:
            return change
        approval = shlex.quote(str(Approval(change.address, "update")))
        names = ", ".join(paths)
        message = (
            f"{names} of {change.address} changed in the account since it was applied, and is no longer declared; let "
            f"it return with --approve {approval}, declare it again, or keep it with removed: [{{address: "
            f"{change.address}.{paths[0]}, action: forget}}]"
        )
        guard = Guard("conflict", "withheld", message)
        step = change.steps[0]
        if change.action != "update" or len(paths) == len(change.fields):
            return replace(change, guard=guard)
        kept = {path: content for path, content in step.values.items() if path not in paths}
        held = {path: content for path, content in step.values.items() if path in paths}
        later = replace(step, id=f"{change.address}#return", values=held, expects={}, needs=(), last=True)
        steps = (replace(step, values=kept), *change.steps[1:], later)
        return replace(change, steps=steps, guard=replace(guard, only_fields=tuple(paths)))

    def _whole(self, change: Change, past: Past, declared: Declared | None, sides: Sides | None) -> Change:
        before = past.presence(exists=sides is not None)
        if before == "declared" and (change.completes or _is_renamed(past, declared)):
            before = "none"
        desired: Presence = "absent" if change.action == "delete" else "declared"
        standing = resource_standing(before, desired, "missing" if sides is None else "changed")
        since = self._since(change.address) if standing == "drifted" else None
        change = replace(change, standing=standing, since=since)
        entry = self.resolution.widened.baseline.deleted_in(declared) if declared and change.kind.destroys else None
        if change.action == "create" and entry is not None and standing != "drifted":
            note = f"Deleted in entry {entry.number}; its history does not come back."
            change = replace(change, consequences=(*change.consequences, note))
        return change

    def _field(
        self, change: FieldChange, past: Past, declared: Declared | None, sides: Sides, address: Address
    ) -> FieldChange:
        returned = self.resolution.returns.get(address, {}).get(change.path)
        if returned is not None:
            since = self._since(address, removed=change.path.rsplit(".", 1)[-1])
            return replace(
                change,
                standing=returned.standing,
                since=since,
                returns=True,
                adopted=returned.is_adopted,
                source=None,
            )
        value = declared.values.get(change.path) if declared is not None else None
        if declared is None or value is None or change.path in declared.lifecycle.ignore_changes:
            return change
        if sides.kind.by_path[change.path].write_only:
            return replace(change, standing=_write_only_standing(past, change.path))
        state = self._state(past, change.path, sides, address)
        if sides.is_live(change.path, value.content) and not sides.is_set(change.path, state, value.content):
            return change
        standing = declared_standing(state, value, change.path, sides)
        since = self._since(address) if standing in {"drifted", "conflict"} else None
        return replace(change, standing=standing, since=since)

    def _state(self, past: Past, path: str, sides: Sides, address: Address) -> FieldState:
        if not past.declarations:
            return Mark.UNDECLARED if past.is_readable else Mark.UNKNOWN
        record = self.resolution.records.get(address)
        available = self.resolution.references.is_available
        return past.field(path, sides, return_value(past, record, path, available))

    def _since(self, address: Address, *, removed: str = "") -> Since | None:
        """Return the entry of a resource; with a removed key, together with the commit that removed it."""
        baseline = self.resolution.widened.baseline
        record = baseline.records.get(address)
        if record is None or baseline.override is not None:
            return None
        number = record.baseline or next((one for one in reversed(record.attempted) if one), 0)
        entry = baseline.entries.get(number)
        if entry is None:
            return None
        if not removed:
            return Since(entry.number, entry.at, entry.commit)
        commit, is_certain = baseline.removed_in(removed)
        return Since(entry.number, entry.at, commit if is_certain else "")

    def resent_fields(self, declared: Declared) -> frozenset[str]:
        """Return the write-only fields of a live resource whose declared value is not the last one sent."""
        past = self.resolution.widened.pasts.get(declared.address, Past())
        sides, baseline = self.resolution.sides(declared.address), self.resolution.widened.baseline
        if sides is None or not past.declarations or not baseline.is_compared or baseline.override is not None:
            return frozenset()
        return frozenset(
            path
            for path, value in declared.values.items()
            if (field := declared.kind.by_path[path]).write_only
            and not field.forces_replacement
            and path not in declared.lifecycle.ignore_changes
            and not isinstance(value.content, Unknown)
            and not _was_sent(past, path, value, sides, has_fingerprints=baseline.has_fingerprints)
        )

    def unchanged_placeholders(self, changes: Iterable[Change]) -> int:
        """Return the number of resources that are planned only as containers of others, and do not change."""
        changed = {change.address for change in changes}
        declared = self.resolution.widened.declared.resources
        return sum(
            1
            for address, one in self.resolution.config.resources.items()
            if address not in declared and not one.absent and address not in changed
        )


def _is_renamed(past: Past, declared: Declared | None) -> bool:
    """Whether the natural key of a missing resource has changed."""
    before = past.completed
    return before is not None and declared is not None and before.natural_key != declared.natural_key


def _write_only_standing(past: Past, path: str) -> Standing:
    if not past.declarations:
        return ""
    return "pending" if path in past.managed else "newly_declared"


def _was_sent(past: Past, path: str, value: Value, sides: Sides, *, has_fingerprints: bool) -> bool:
    """Whether the baseline, and every entry that may have sent the field since, declares the same value."""
    sent = [past.completed, *past.attempted] if past.is_completed else [past.declarations[0]]
    known = [one.values[path].content for one in sent if one is not None and path in one.values]
    if not has_fingerprints:
        known = [content for content in known if not isinstance(content, Unknown)] or [value.content]
    return bool(known) and all(sides.means_same(path, content, value.content) for content in known)


# --- decisions -------------------------------------------------------------------------------------------------------


def decide(resolution: Resolution, context: PlanContext, changes: Iterable[Change]) -> Mapping[Address, Decision]:
    """Decide the next record of each address in the ledger.

    Args:
        resolution: The configuration that contains everything that is removed.
        context: The configuration and the account.
        changes: The changes of the plan, guarded.
    """
    by_address = {change.address: change for change in changes}
    return dict(sorted(_decisions(resolution, context, by_address)))


def _decisions(
    resolution: Resolution, context: PlanContext, changes: Mapping[Address, Change]
) -> Iterator[tuple[Address, Decision]]:
    for address, record in resolution.records.items():
        change, container = changes.get(address), resolution.covered.get(address)
        if change is None and _is_spared(address, resolution, context):
            continue
        if container is not None:
            yield address, _covered(record, container, changes)
        elif address in resolution.kept:
            yield address, Decision(record, "withheld", "unknown")
        elif change is not None:
            yield address, _decision_of(record, change)
        elif address not in resolution.widened.declared.resources or address in context.desired.inside_absent:
            yield address, Decision(record, "forget", "up_to_date")
        else:
            yield address, Decision(record, "none", "up_to_date")
    for address in resolution.forgotten - resolution.records.keys():
        if context.selection.covers_delete(address):
            yield address, Decision(resolution.widened.baseline.records[address], "forget", "up_to_date")


def _is_spared(address: Address, resolution: Resolution, context: PlanContext) -> bool:
    """Whether a resource, or its container, cannot be deleted now, because it contains a target or what is excluded."""
    at: Address | None = address
    while at is not None:
        declared = resolution.config.resources.get(at)
        if declared is not None and declared.absent and at in resolution.matching.live:
            return not context.selection.covers_delete(at)
        before = resolution.widened.config.resources.get(at)
        at = None if before is None else before.parent
    return False


def _covered(record: Record, container: Address, changes: Mapping[Address, Change]) -> Decision:
    """Decide about a resource in a deleted one."""
    change = changes.get(container)
    if change is None:
        return Decision(record, "forget", "up_to_date")
    if change.is_withheld:
        return Decision(record, "withheld", "removed")
    return Decision(record, "change", "removed", covered_by=container)


def _decision_of(record: Record, change: Change) -> Decision:
    if change.is_withheld:
        return Decision(record, "withheld", change.standing)
    is_partial = change.guard is not None and change.guard.verdict == "withheld"
    return Decision(record, "change", change.standing, is_partial=is_partial, is_renewed=_is_renewal(change))


def _is_renewal(change: Change) -> bool:
    """Whether a change replaces a resource by one with another name."""
    keys = (item for item in change.fields if change.kind.by_path[item.path].natural_key)
    return change.action == "replace" and any(item.forces_replacement for item in keys)
