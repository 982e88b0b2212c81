"""The resources of an undo's configuration: declared as before the apply, or `absent` if the apply created them. Pure.

Takes what the undo does with each resource of a report; gives `Declared` resources, and the changes that are withheld.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Action, Change, Guard
from reconciler.config.model import Config, Declared, Lifecycle, Reference, Value
from reconciler.errors import Place
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.planning.undo_state import UndoState
from reconciler.planning.undo_targets import (
    Target,
    Verdict,
    plain,
)
from reconciler.planning.undo_values import Irreversible, UndoValues
from reconciler.state import Live, State

REASONS: Mapping[Action, str] = {
    "create": "created by the apply that is undone",
    "update": "changed by the apply that is undone",
    "replace": "replaced by the apply that is undone",
    "delete": "deleted by the apply that is undone",
}
_INVERSE: Mapping[Action, Action] = {"create": "delete", "update": "update", "replace": "replace", "delete": "create"}


class UndoResources:
    """Builds the resources of an undo's configuration.

    Args:
        config: the current configuration.
        place: the report.
        found: the targets in the account.
        state: the account.
        anchors: see `UndoState`.

    Attributes:
        resources: the resources, by address.
        withheld: the changes that are withheld, without steps.
    """

    def __init__(
        self,
        config: Config,
        place: Place,
        found: UndoState,
        state: State,
        anchors: Mapping[Address, tuple[str, ...]],
    ) -> None:
        self._config = config
        self._place = place
        self._found = found
        self.resources: dict[Address, Declared] = {}
        self.withheld: list[Change] = []
        present = {*anchors} | {
            address
            for address, verdict in found.verdicts.items()
            if not (verdict.target.action == "create" and verdict.decision != "withheld")
        }
        self._values = UndoValues(config, place, found, state, present)
        for address in anchors:
            live = found.live.get(address)
            if live is not None:
                self._keep(address, live.kind, address.owner(live.kind.section), live)

    @property
    def irreversible(self) -> Sequence[Irreversible]:
        """What cannot be undone."""
        return self._values.irreversible

    def build(self, rejected: Mapping[Address, str]) -> None:
        """Build every resource.

        Args:
            rejected: why the planner rejects resources, which are withheld.
        """
        for verdict in self._found.verdicts.values():
            target, live = verdict.target, verdict.live
            if verdict.decision == "withheld" or target.address in rejected:
                is_changed = verdict.decision == "withheld"
                message = verdict.message if is_changed else rejected[target.address]
                self._withhold(verdict, _changed_since(message) if is_changed else _irreversible(message))
            elif verdict.decision == "nothing":
                if target.action == "update":
                    self._values.note_unknown(target)
                self._keep(target.address, target.kind, target.parent, live)
            elif target.action == "create":
                self._remove(target.address, target, live)
            elif target.action == "update":
                self._update(verdict)
            elif target.action == "delete":
                self._create(verdict)
            else:
                self._replace(verdict)
        self._drop_dangling()

    def _drop_dangling(self) -> None:
        """Drop references to resources that the undo does not have either."""
        for address, declared in self.resources.items():
            values = {}
            for path, value in declared.values.items():
                content = value.content
                if isinstance(content, Reference) and not content.built_in:
                    other = self.resources.get(content.address)
                    if other is None or other.absent:
                        message = f"{path} is not set back: {content.address} no longer exists"
                        self._values.note(address, message)
                        continue
                values[path] = value
            if len(values) < len(declared.values):
                self.resources[address] = replace(declared, values=values)

    # --- what is declared --------------------------------------------------------------------------------------------

    def _keep(self, address: Address, kind: Kind, parent: Address | None, live: Live | None) -> None:
        """Declare a live resource without values, so that what it contains and what refers to it finds it."""
        if live is not None and (parent is None or parent in self.resources):
            pin = None if kind.singleton else live.sid
            self.resources[address] = Declared(address, kind, self._place, parent=parent, pin=pin)

    def _remove(self, address: Address, target: Target, live: Live | None) -> None:
        if live is not None:
            self._declare(target, {}, address=address, pin=live.sid, absent=True)

    def _update(self, verdict: Verdict) -> None:
        target, live = verdict.target, verdict.live
        assert live is not None
        why = target.kind.why_final(live.values)
        changed = self._found.comparison.changed(target, live)
        if why:
            self._values.note(target.address, f"{', '.join(changed)} cannot change back: {why}")
            changed = {}
        self._values.note_unknown(target)
        values = self._values.values(target, changed, is_new=False)
        self._declare(target, values, pin=None if target.kind.singleton else live.sid)

    def _create(self, verdict: Verdict) -> None:
        target = verdict.target
        if target.before is None:
            self._withhold(verdict, _irreversible("its values before the apply are not in the report"))
            return
        values = self._values.values(target, target.before, is_new=True)
        lacking = _lacking(target.kind, values)
        if lacking:
            self._withhold(
                verdict,
                _irreversible(f"{lacking}, which is not in the report. Declare it in the configuration and apply"),
            )
            return
        if target.kind.destroys:
            self._values.note(target.address, f"created again with a new SID; {_lost_with(target.kind)} restored")
        self._values.note_unset(target, values)
        for kind in KINDS:
            if target.kind.name in kind.implies.values():
                self._values.note(target.address, f"created again; Twilio removed every {kind.noun} that it was")
        self._declare(target, values)

    def _replace(self, verdict: Verdict) -> None:
        target, live, leftover = verdict.target, verdict.live, verdict.leftover
        if leftover is not None:
            self._keep(target.address, target.kind, target.parent, live)
            self._remove(target.address.collection.child(leftover.sid), target, leftover)
            return
        if live is None:
            self._create(verdict)
            return
        names = [target.kind.name_of(plain(values or {})) for values in (target.before, target.after)]
        if target.kind.match_by_content or not names[0] or names[0] != names[1]:
            # Under two names they are two resources, and one without a name is not recognized.
            self._create(verdict)
            if target.address in self.resources and not self.resources[target.address].absent:
                self._remove(target.address.collection.child(live.sid), target, live)
            return
        values = self._values.values(target, target.before or {}, is_new=True, is_replace=True)
        lacking = _lacking(target.kind, values)
        if lacking:
            self._withhold(
                verdict,
                _irreversible(f"{lacking}, which is not in the report. Declare it in the configuration and apply"),
            )
        else:
            self._declare(target, values)

    def _declare(
        self,
        target: Target,
        values: Mapping[str, Value],
        *,
        address: Address | None = None,
        pin: str | None = None,
        absent: bool = False,
    ) -> None:
        if target.parent is not None and target.parent not in self.resources:
            return
        current = self._config.resources.get(target.address)
        lifecycle = Lifecycle() if current is None else replace(current.lifecycle, ignore_changes=frozenset())
        contents = {path: value.content for path, value in values.items()}
        self.resources[address or target.address] = Declared(
            address or target.address,
            target.kind,
            self._place,
            parent=target.parent,
            values=values,
            derived={} if absent or pin is not None else target.kind.derive(contents),
            pin=pin,
            absent=absent,
            lifecycle=lifecycle,
            sensitive=target.hidden | (frozenset() if current is None else current.sensitive),
            exact=target.action == "update",
        )

    # --- what is not undone ------------------------------------------------------------------------------------------

    def _withhold(self, verdict: Verdict, guard: Guard) -> None:
        """Show what an undo would have done, and why it does not."""
        target, live = verdict.target, verdict.live
        self._keep(target.address, target.kind, target.parent, live)
        self.withheld.append(
            Change(
                address=target.address,
                kind=target.kind,
                action=_INVERSE[target.action],
                sid=None if live is None or target.kind.singleton else live.sid,
                name=target.name,
                parent=target.parent,
                service=target.service,
                reason=REASONS[target.action],
                guard=guard,
                source=self._place,
            )
        )


def _changed_since(message: str) -> Guard:
    return Guard("changed_since", "withheld", message)


def _irreversible(message: str) -> Guard:
    return Guard("irreversible", "withheld", message)


def _lost_with(kind: Kind) -> str:
    """Say what a delete destroyed besides the resource, as a subject of "cannot be"."""
    inside = [other for other in KINDS if other.parent == kind.name]
    before = "its settings, and " if any(other.singleton for other in inside) else ""
    unnamed = [other.section[-1] for other in inside if not other.singleton and other.noun not in kind.destroys]
    after = f", and its {' and '.join(unnamed)}," if unnamed else ""
    return f"{before}{kind.destroys}{after} cannot be"


def _lacking(kind: Kind, values: Mapping[str, Value]) -> str:
    """Return why a resource cannot be created with these values; empty if it can."""
    contents = {path: value.content for path, value in values.items() if value.content is not None}
    missing = [field.path for field in kind.fields if field.required and field.path not in contents]
    if missing:
        return f"{kind.indefinite} requires `{missing[0]}`"
    return next((fault.message for fault in kind.check_create(contents) if fault.severity != "warning"), "")
