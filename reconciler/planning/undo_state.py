"""Finds the resources of a report in the account, and decides for each what an undo does with it. Pure.

Takes the targets of a report and a `State`; gives a `Verdict` for each. A live resource that has neither the values
before the apply nor those after it was changed by someone else, and is withheld. One that has the values before needs
no change, even if the step's outcome is known: the undo may have been interrupted and run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.address import Address
from reconciler.kinds.relations import is_held
from reconciler.planning.undo_targets import (
    Comparison,
    DigestOf,
    PastValues,
    Target,
    Verdict,
    plain,
)
from reconciler.state import Live, State

SINCE = "since the apply; see `reconciler drift`"


class UndoState:
    """The targets of a report in an account.

    Args:
        targets: what the apply did, parents first.
        anchors: the SIDs of other resources that contain targets, by address.
        state: the account.
        digest_of: makes digests of sensitive values.

    Attributes:
        live: the live resource at each address, as far as it exists.
        verdicts: what the undo does, by address; see `judge`.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        anchors: Mapping[Address, tuple[str, ...]],
        state: State,
        digest_of: DigestOf,
    ) -> None:
        self._state = state
        self._ignored: Mapping[Address, frozenset[str]] = {}
        self._comparison = Comparison(digest_of, self._former_sid, self._later_sid)
        self._new: dict[Address, Live] = {}
        self._targets = {target.address: target for target in targets}
        self._claimed = frozenset(target.new_sid for target in targets if target.new_sid)
        self.live: dict[Address, Live] = {
            address: live for address, sids in anchors.items() if (live := state.get(sids[-1])) is not None
        }
        self.verdicts: dict[Address, Verdict] = {}
        # A reference may name a resource that comes later, so everything is found before it is judged.
        for target in targets:
            found = self._find(target)
            if found is not None:
                self.live[target.address] = found
        for target in targets:
            new = self._find_new(target) if target.action == "replace" else None
            if new is not None:
                self._new[target.address] = new

    def judge(self, ignored: Mapping[Address, frozenset[str]]) -> None:
        """Decide what the undo does with each resource.

        Args:
            ignored: by address, the fields that the configuration ignores.
        """
        self._ignored = ignored
        for target in self._targets.values():
            self.verdicts[target.address] = self._verdict(target)
        self._spread()

    @property
    def comparison(self) -> Comparison:
        """Compares live resources with the report."""
        return self._comparison

    def lineage(self, parent: Address | None) -> tuple[str, ...] | None:
        """Return the SIDs above what a resource contains; None if that does not exist."""
        if parent is None:
            return ()
        live = self.live.get(parent)
        return None if live is None else live.lineage

    def _former_sid(self, address: Address) -> str:
        target, live = self._targets.get(address), self.live.get(address)
        if live is None or (target is not None and target.action == "create") or live is self._new.get(address):
            return ""
        return live.sid

    def _later_sid(self, address: Address) -> str:
        target = self._targets.get(address)
        if target is not None and target.action in {"delete", "replace"}:
            new = self._new.get(address)
            return "" if new is None else new.sid
        live = self.live.get(address)
        return "" if live is None else live.sid

    # --- which live resource it is -----------------------------------------------------------------------------------

    def _find(self, target: Target) -> Live | None:
        parents = self.lineage(target.parent)
        if parents is None:
            return None
        if target.kind.singleton:
            return self._state.singleton(target.kind, parents)
        for sid in (target.new_sid, target.old_sid):
            live = self._state.get(sid) if sid else None
            if live is not None and live.kind == target.kind and live.parents == parents:
                return live
        if target.action in {"delete", "replace"}:
            return self._named(target, parents, target.before or {}, self._comparison.is_as_before)
        if target.action == "create" and not target.new_sid:
            return self._named(target, parents, target.after or {}, self._comparison.is_as_after)
        return None

    def _find_new(self, target: Target) -> Live | None:
        """Find the new resource of a replace; if its SID is not known, by all of its values."""
        parents = self.lineage(target.parent)
        if target.new_sid or target.is_certain or parents is None:
            return self._state.get(target.new_sid) if target.new_sid else None
        members = self._state.collection(target.kind, parents)
        equal = [
            live
            for live in members
            if live.sid != target.old_sid
            and live.sid not in self._claimed
            and self._comparison.is_as_after(target, live)
        ]
        return equal[0] if len(equal) == 1 else None

    def _named(
        self,
        target: Target,
        parents: tuple[str, ...],
        values: PastValues,
        is_equal: Callable[[Target, Live], bool],
        without: Live | None = None,
    ) -> Live | None:
        """Find a resource by its natural key, or by all of its values if it has none; equal ones first."""
        name = target.kind.name_of(plain(values))
        members = [live for live in self._state.collection(target.kind, parents) if live is not without]
        equal = [
            live for live in members if live.sid not in self._claimed - {target.new_sid} and is_equal(target, live)
        ]
        if target.kind.match_by_content:
            return equal[0] if equal else None
        discriminator = target.kind.discriminator
        same = [
            live
            for live in members
            if name and live.name == name and live.sid not in self._claimed - {target.new_sid}
            # Of two roles of one name, the planner would take one for the other.
            if not discriminator or is_held(target.kind) or live.values.get(discriminator) == values.get(discriminator)
        ]
        return next((live for live in same if live in equal), same[0] if same else None)

    # --- what an undo does -------------------------------------------------------------------------------------------

    def _verdict(self, target: Target) -> Verdict:
        live = self.live.get(target.address)
        if live is None and self.lineage(target.parent) is None:
            return self._without_parent(target)
        match target.action:
            case "update":
                return self._of_update(target, live)
            case "create":
                return self._of_create(target, live)
            case "delete":
                return self._of_delete(target, live)
            case _:
                return self._of_replace(target, live)

    def _without_parent(self, target: Target) -> Verdict:
        above = self.verdicts.get(target.parent) if target.parent is not None else None
        if target.action == "create" or (above is not None and above.target.action == "create"):
            return Verdict(target, "nothing")
        if above is not None and above.decision == "write" and target.action == "delete":
            return Verdict(target, "write")
        return Verdict(target, "withheld", message=f"{target.parent}, which contains it, no longer exists")

    def _of_update(self, target: Target, live: Live | None) -> Verdict:
        if live is None:
            return Verdict(target, "withheld", message=f"it was deleted {SINCE}")
        foreign = self._comparison.foreign(target, live)
        if foreign:
            return Verdict(target, "withheld", live, message=f"{', '.join(foreign)} changed {SINCE}")
        return Verdict(target, "write" if self._comparison.changed(target, live) else "nothing", live)

    def _of_create(self, target: Target, live: Live | None) -> Verdict:
        if live is None:
            return Verdict(target, "nothing")
        return self._unless_changed(target, live, Verdict(target, "write", live))

    def _of_delete(self, target: Target, live: Live | None) -> Verdict:
        if live is None:
            return Verdict(target, "write")
        if live.sid == target.old_sid or self._comparison.is_as_before(target, live):
            return Verdict(target, "nothing", live)
        return Verdict(target, "withheld", live, message=f"{live.sid} has the same name and was created {SINCE}")

    def _of_replace(self, target: Target, live: Live | None) -> Verdict:
        new = self._new.get(target.address)
        old = self._restored(target, new)
        if new is None and old is None:
            if live is None:
                return Verdict(target, "write")
            return Verdict(target, "withheld", live, message=f"{live.sid} has the same name and was created {SINCE}")
        if new is None:
            return Verdict(target, "nothing", old)
        namesake = None if old is not None else self._namesake(target, new)
        if namesake is not None:
            message = f"{namesake.sid} has the name that it had before, and was created {SINCE}"
            return Verdict(target, "withheld", new, message=message)
        verdict = Verdict(target, "write", new) if old is None else Verdict(target, "write", old, leftover=new)
        return self._unless_changed(target, new, verdict)

    def _restored(self, target: Target, new: Live | None) -> Live | None:
        """Return the old resource of a replace: it was never deleted, or an interrupted undo created it again."""
        old = self._state.get(target.old_sid) if target.old_sid else None
        parents = self.lineage(target.parent)
        if old is not None or parents is None:
            return old
        found = self._named(target, parents, target.before or {}, self._comparison.is_as_before)
        is_equal = found is not None and self._comparison.is_as_before(target, found)
        return found if is_equal and found is not new else None

    def _namesake(self, target: Target, new: Live) -> Live | None:
        """Return the resource that has the former name of a replaced one: someone else made it since."""
        parents = self.lineage(target.parent)
        if parents is None:
            return None
        return self._named(target, parents, target.before or {}, self._comparison.is_as_before, without=new)

    def _unless_changed(self, target: Target, live: Live, verdict: Verdict) -> Verdict:
        """Withhold the delete of a resource that is not as the apply left it."""
        ignored = self._ignored.get(target.address, frozenset())
        after = target.after or {}
        changed = [
            path
            for path in target.kind.by_path
            if path in after and path not in ignored and not self._comparison.is_after(target, path, after[path], live)
        ]
        if not changed:
            return verdict
        return Verdict(target, "withheld", live, message=f"{', '.join(changed)} changed {SINCE}")

    def _spread(self) -> None:
        """Withhold the delete of a resource that contains one that is withheld."""
        for address in sorted(self.verdicts, reverse=True):
            verdict = self.verdicts[address]
            if verdict.decision != "withheld" or verdict.live is None:
                continue
            for other in self._above(address):
                above = self.verdicts.get(other)
                if above is not None and above.target.action == "create" and above.decision == "write":
                    message = f"{address}, which it contains, changed {SINCE}"
                    self.verdicts[other] = replace(above, decision="withheld", message=message)

    def _above(self, address: Address) -> Iterable[Address]:
        target: Target | None = self._targets[address]
        while target is not None and target.parent is not None:
            yield target.parent
            target = self._targets.get(target.parent)
