"""The values that an undo declares: those from before the apply, as far as they can be set back. Pure.

Takes recorded values; gives values of a configuration, and a note for each value that stays different.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from reconciler.address import Address, looks_like_sid
from reconciler.config.model import Config, Reference, Value
from reconciler.errors import Place
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Example, Ref
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.diff import holds_secret
from reconciler.planning.undo_state import UndoState
from reconciler.planning.undo_targets import (
    PastDigest,
    PastReference,
    PastUnknown,
    PastValue,
    PastValues,
    Target,
    plain,
)
from reconciler.state import Live, State


@dataclass(frozen=True, slots=True)
class Irreversible:
    """A part of an apply that cannot be undone.

    Attributes:
        address: the resource.
        message: what remains different, and why.
    """

    address: Address
    message: str


class UndoValues:
    """Turns recorded values into declared ones.

    Args:
        config: the current configuration, which may still have a sensitive value.
        place: the report.
        found: the targets in the account.
        state: the account.
        present: the addresses that the undo's configuration has.

    Attributes:
        irreversible: what cannot be undone.
    """

    def __init__(
        self, config: Config, place: Place, found: UndoState, state: State, present: Container[Address]
    ) -> None:
        self.irreversible: list[Irreversible] = []
        self._config = config
        self._place = place
        self._found = found
        self._state = state
        self._present = present

    def note(self, address: Address, message: str) -> None:
        """Note a part that cannot be undone."""
        self.irreversible.append(Irreversible(address, message))

    def note_unknown(self, target: Target) -> None:
        """Note each value that an update overwrote and that was never known, such as a rotated key."""
        for path in target.overwrote:
            message = f"{path} is not set back: Twilio never returns it, so its old value is unknown"
            again = f"; to send the old one, declare it and apply with --rotate {target.address}"
            self.note(target.address, f"{message}{again}" if target.kind.by_path[path].write_only else message)

    def note_unset(self, target: Target, values: Mapping[str, Value]) -> None:
        """Note what a resource that is created again may have had, and what Twilio never returns."""
        contents = plain(target.before or {})
        unset = [
            field.path
            for field in target.kind.fields
            if field.write_only and field.path not in values and _fits(target.kind, field, contents)
        ]
        if unset:
            is_one = len(unset) == 1
            why = "it, so its old value is" if is_one else "them, so their old values are"
            verb = "is" if is_one else "are"
            self.note(target.address, f"{_listed(unset)} {verb} not set: Twilio never returns {why} unknown")

    def values(self, target: Target, past: PastValues, *, is_new: bool, is_replace: bool = False) -> dict[str, Value]:
        """Return the values to declare; what cannot be set back is noted."""
        values: dict[str, Value] = {}
        for field in target.kind.fields:
            if field.path not in past or (field.write_only and is_new):
                continue
            value = past[field.path]
            lacks = self._lacks(target, field) if is_new and value is not None else ""
            if lacks:
                self.note(
                    target.address,
                    f"{field.path} is not set: Twilio accepts it only with {lacks}, which it never returns",
                )
                continue
            if field.is_empty(value) if not isinstance(value, (PastReference, PastDigest, PastUnknown)) else False:
                why = field.why_not_clearable()
                if not why or (is_replace and field.forces_replacement):
                    # False is what a boolean without a value is, and what a plan of the configuration shows.
                    values[field.path] = Value(False if field.shape is Shape.BOOL else None, self._place)
                elif not is_new and not self._goes_along(target, field):
                    self.note(target.address, f"{field.path} stays as it is: {why}")
                elif is_new and self._is_inherited(target, field):
                    self.note(
                        target.address, f"{field.path} takes the default of new ones, which cannot be cleared: {why}"
                    )
                continue
            found = self._value(target, field, value)
            if found is not None:
                values[field.path] = found
        return values

    @staticmethod
    def _lacks(target: Target, field: Field) -> str:
        """Return what a new resource needs beside an optional value, and no report has; empty if nothing."""
        beside = () if field.required else target.kind.resend_with.get(field.path, ())
        return " and ".join(path for path in beside if target.kind.by_path[path].write_only)

    def _goes_along(self, target: Target, field: Field) -> bool:
        """Whether a value goes away by itself, because it does not fit to the others as they were before."""
        contents = {path: content for path, content in plain(target.before or {}).items() if content is not None}
        live = self._found.live[target.address].values.get(field.path)
        faults = target.kind.check({**contents, field.path: live})
        return any(fault.path == field.path and fault.severity != "warning" for fault in faults)

    def _is_inherited(self, target: Target, field: Field) -> bool:
        """Whether a new resource takes a value for a field that it does not set."""
        lineage = self._found.lineage(target.parent) or ()
        for own, name, default in target.kind.defaults:
            kind = BY_NAME[name]
            live = self._state.singleton(kind, lineage[: 1 if kind.parent else 0])
            if own == field.path and live is not None and live.values.get(default):
                return True
        return False

    def _value(self, target: Target, field: Field, past: PastValue) -> Value | None:
        if isinstance(past, PastUnknown):
            self.note(
                target.address, f"{field.path} is not set back: Twilio never returns it, so its old value is unknown"
            )
            return None
        if isinstance(past, PastDigest):
            return self._secret(target, field, past)
        if isinstance(past, PastReference):
            content = self._reference(field, past)
            if content is None:
                self.note(target.address, f"{field.path} is not set back: {past.address or past.sid} no longer exists")
                return None
            return Value(content, self._place)
        return Value(past, self._place, sensitive=holds_secret(field, past))

    def _secret(self, target: Target, field: Field, past: PastDigest) -> Value | None:
        """Return a sensitive value if the configuration still has it."""
        current = self._config.resources.get(target.address)
        value = None if current is None else current.values.get(field.path)
        if value is not None and self._is_digest_of(target, field, value, past):
            return replace(value, place=self._place)
        self.note(
            target.address,
            f"{field.path} is not set back: its old value is sensitive, so the report does not contain it",
        )
        return None

    def _is_digest_of(self, target: Target, field: Field, value: Value, past: PastDigest) -> bool:
        if not isinstance(value.content, str):
            return False
        live = Live(target.kind, "", values={field.path: value.content})
        return self._found.comparison.is_before(target, field.path, past, live)

    def _reference(self, field: Field, past: PastReference) -> Content | Reference | None:
        """Return the resource that a reference named: by address, if it is in this undo, or else by its SID."""
        marker = field.marker(Ref)
        assert marker is not None
        live = self._state.get(past.sid) if past.sid else None
        if past.address is None:
            return past.sid if live is not None else None
        if past.address in self._present:
            return Reference(past.address, marker.kind)
        if live is not None:
            return past.sid
        kind = BY_NAME[marker.kind]
        name = past.address.parts[-1]
        owner = past.address.owner(kind.section)
        if name not in kind.built_in or looks_like_sid(name):
            return None
        lineage = self._found.lineage(owner)
        if lineage is None:
            return Reference(past.address, marker.kind, built_in=name) if owner in self._present else None
        same = [item for item in self._state.collection(kind, lineage) if item.name == name]
        return same[0].sid if len(same) == 1 else None


def _fits(kind: Kind, field: Field, contents: Mapping[str, Content]) -> bool:
    """Whether a resource with these contents can have a value for a field."""
    example = field.marker(Example)
    if example is None:
        return True
    faults = kind.check({**contents, field.path: example.value})
    return not any(fault.path == field.path and fault.severity != "warning" for fault in faults)


def _listed(paths: list[str]) -> str:
    *most, last = paths
    return last if not most else f"{', '.join(most)}{',' if len(most) > 1 else ''} and {last}"
