"""Compares three sides: the baseline (B), the configuration (D), and the account (L).

Takes the ledger's record of one address and its live resource; returns B of each field, the value that a removed field
returns to, and the standings of fields and of the resource. Pure. The tables are in the guide ("How the baseline
works"), and `tests/planning/test_three_way.py` has every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from functools import cached_property
from typing import Literal, TypeAlias

from reconciler.address import Address
from reconciler.change import Standing
from reconciler.config.model import Declared, Reference, Unknown, Value
from reconciler.config.unknown_values import can_equal
from reconciler.kinds.base import Kind
from reconciler.kinds.comparable import canonical_json
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Ref
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import NOT_DECLARED, Baseline, Record
from reconciler.planning.diff import SidOf, holds_secret, same
from reconciler.redaction.urls import holds_random_part
from reconciler.state import Live


class Mark(Enum):
    """States of a field that are not values."""

    UNDECLARED = "not declared"
    UNKNOWN = "not known"
    NO_RETURN = "stays as it is"


FieldState: TypeAlias = "Value | Literal[Mark.UNDECLARED, Mark.UNKNOWN]"
"""B of a field."""

ReturnValue: TypeAlias = "Content | Reference | Literal[Mark.NO_RETURN]"
"""The value that a field returns to once it is no longer declared."""

IsAvailable = Callable[[Reference, Field], bool]
"""Whether the target of a reference exists, or will, and is of the type that the field takes."""

Presence: TypeAlias = Literal["none", "absent", "declared"]
"""Whether a side declares a resource, declares it as absent, or says nothing."""


@dataclass(frozen=True)
class Past:
    """The declarations of an address in the baseline and in the attempted entries.

    Attributes:
        record: The record of the address; None without one.
        completed: The declaration in the baseline; None if it has none, or there is no baseline.
        attempted: The declarations in the attempted entries, newest first.
        is_readable: Whether all of them could be read.
    """

    record: Record | None = None
    completed: Declared | None = None
    attempted: tuple[Declared | None, ...] = ()
    is_readable: bool = True

    @cached_property
    def declarations(self) -> tuple[Declared, ...]:
        """The declarations that declare fields, newest first; `absent` does not."""
        every = (*self.attempted, self.completed)
        return tuple(one for one in every if one is not None and not one.absent)

    @cached_property
    def managed(self) -> tuple[str, ...]:
        """The fields that any of them declares, in the order of the kind."""
        paths = {path for one in self.declarations for path in one.values}
        return tuple(path for path in self.declarations[0].kind.by_path if path in paths) if paths else ()

    @property
    def is_completed(self) -> bool:
        """Whether an apply of a declaration with fields was completed."""
        return self.completed is not None and not self.completed.absent

    @property
    def removal_attempted(self) -> bool:
        """Whether an attempted entry may have removed the resource, or replaced it."""
        return any(one is None or one.absent or self._is_replaced_by(one) for one in self.attempted)

    def _is_replaced_by(self, other: Declared) -> bool:
        if self.completed is None or self.completed.absent:
            return False
        before = self.completed.values
        return any(
            field.forces_replacement
            and field.path in other.values
            and (field.path not in before or before[field.path].content != other.values[field.path].content)
            for field in other.kind.fields
        )

    def presence(self, *, exists: bool) -> Presence:
        """B of the resource as a whole."""
        if self.is_completed:
            return "none" if not exists and self.removal_attempted else "declared"
        if exists and self.declarations:
            return "declared"
        is_explained = exists and any(one is None or not one.absent for one in self.attempted)
        return "absent" if self.completed is not None and not is_explained else "none"

    def field(self, path: str, sides: Sides, returns: ReturnValue) -> FieldState:
        """Return B of a field of a live resource. Attempts count by field, so an interrupted apply does not conflict.

        Args:
            path: The field.
            sides: The live resource.
            returns: The value that the field returns to.
        """
        attempts = [_value(one, path) for one in self.attempted]
        completed = _value(self.completed, path)
        for attempt in attempts:
            if isinstance(attempt, Value) and sides.was_live(path, attempt.content):
                if sides.is_set(path, completed, attempt.content):
                    return completed
                return attempt
        is_returned = returns is not Mark.NO_RETURN and sides.is_live(path, returns)
        is_returned = is_returned and not sides.is_set(path, completed, returns)
        if is_returned and any(one is Mark.UNDECLARED for one in (*attempts, completed)):
            return Mark.UNDECLARED
        if returns is Mark.NO_RETURN and any(one is Mark.UNDECLARED for one in attempts):
            return Mark.UNDECLARED
        if any(isinstance(one, Value) and sides.may_be_live(path, one.content) for one in attempts):
            return Mark.UNKNOWN
        found = completed
        if not self.is_completed and self.declarations:
            found = _value(self.declarations[0], path)
        if not self.is_readable and found is Mark.UNDECLARED:
            return Mark.UNKNOWN
        return Mark.UNKNOWN if isinstance(found, Value) and isinstance(found.content, Unknown) else found


def _value(declared: Declared | None, path: str) -> Value | Literal[Mark.UNDECLARED]:
    found = None if declared is None or declared.absent else declared.values.get(path)
    return Mark.UNDECLARED if found is None else found


@dataclass(frozen=True)
class Sides:
    """One live resource, and the comparison of contents with it.

    Attributes:
        live: The live resource.
        sid_of: Resolves references.
        is_namesake: Whether a SID is that of a resource with the name of a reference's target: what a replace that was
            interrupted left, or is to be replaced.
    """

    live: Live
    sid_of: SidOf
    is_namesake: Callable[[Reference, str], bool]

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return self.live.kind

    def is_live(self, path: str, content: Content | Reference | Unknown) -> bool:
        """Whether a content means the same as the live one."""
        if isinstance(content, Unknown):
            return False
        before = self.live.values.get(path)
        return same(self.kind.by_path[path], content, before, self.sid_of) or self.kind.tolerates(path, content, before)

    def was_live(self, path: str, content: Content | Reference | Unknown) -> bool:
        """Whether a content of the baseline is the live one; a reference also if its target has another SID now."""
        before = self.live.values.get(path)
        if isinstance(content, Reference) and isinstance(before, str) and self.is_namesake(content, before):
            return True
        return self.is_live(path, content)

    def is_set(self, path: str, state: FieldState, content: Content | Reference | Unknown | Mark) -> bool:
        """Whether a live value is what B declares, and another one would only tolerate it: it is not by itself so."""
        if not isinstance(state, Value) or isinstance(state.content, Unknown) or isinstance(content, (Unknown, Mark)):
            return False
        field, before = self.kind.by_path[path], self.live.values.get(path)
        return (
            self.kind.tolerates(path, content, before)
            and same(field, state.content, before, self.sid_of)
            and not same(field, content, before, self.sid_of)
        )

    def may_be_live(self, path: str, content: Content | Reference | Unknown) -> bool:
        """Whether a content that is not known may be the live one."""
        return isinstance(content, Unknown) and (not content.written or can_equal(content, self.live.values.get(path)))

    def means_same(self, path: str, one: Content | Reference | Unknown, other: Content | Reference | Unknown) -> bool:
        """Whether two declared contents mean the same."""
        if isinstance(one, Reference) and isinstance(other, Reference):
            return one.address == other.address
        if isinstance(one, Reference) or isinstance(other, Reference):
            sids = {self.sid_of(item) if isinstance(item, Reference) else item for item in (one, other)}
            return len(sids) == 1
        if isinstance(one, Unknown) or isinstance(other, Unknown):
            return isinstance(one, Unknown) and one == other
        field = self.kind.by_path[path]
        return bool(field.comparable(one) == field.comparable(other))


def past_of(baseline: Baseline, record: Record | None, address: Address) -> Past:
    """Look up the declarations that a record refers to.

    Args:
        baseline: The baseline.
        record: The record.
        address: Its address.
    """
    if record is None:
        return Past()
    numbers = [record.baseline or NOT_DECLARED, *record.attempted]
    known = {number: baseline.declarations.get(number, {}).get(address) for number in numbers}
    return Past(
        record,
        known[numbers[0]],
        tuple(known[number] for number in reversed(record.attempted)),
        all(number == NOT_DECLARED or number in baseline.declarations for number in numbers),
    )


# --- returning -------------------------------------------------------------------------------------------------------


def return_value(past: Past, record: Record | None, path: str, is_available: IsAvailable) -> ReturnValue:
    """Return the value that a field returns to once it is no longer declared.

    Args:
        past: The former declarations of the resource.
        record: Its record, with the adopted values that this plan decides.
        path: The field.
        is_available: Whether the target of a reference exists, or will.
    """
    field = past.declarations[0].kind.by_path[path]
    if field.natural_key or field.write_only:
        return Mark.NO_RETURN
    if field.forces_replacement and (record is None or path not in record.adopted):
        return Mark.NO_RETURN
    is_clearable = not field.why_not_clearable()
    if record is None or path not in record.adopted:
        return None if is_clearable else Mark.NO_RETURN
    value = record.adopted[path]
    if isinstance(value, Reference):
        return value if is_available(value, field) else Mark.NO_RETURN
    return value if is_clearable or not field.is_empty(value) else Mark.NO_RETURN


def is_as_before(past: Past, sides: Sides, record: Record | None, is_available: IsAvailable) -> bool:
    """Whether a live resource is as B in every known field that B declares."""
    ignored = past.declarations[0].lifecycle.ignore_changes if past.declarations else frozenset()
    for path in past.managed:
        if path in ignored or sides.kind.by_path[path].write_only:
            continue
        state = past.field(path, sides, return_value(past, record, path, is_available))
        if isinstance(state, Value) and not sides.was_live(path, state.content):
            return False
    return True


# --- standings -------------------------------------------------------------------------------------------------------


def declared_standing(state: FieldState, desired: Value, path: str, sides: Sides) -> Standing:
    """Return the standing of a declared field that differs from the account."""
    if state is Mark.UNDECLARED:
        return "newly_declared"
    if state is Mark.UNKNOWN:
        return "unknown"
    if sides.means_same(path, state.content, desired.content):
        return "drifted"
    if sides.was_live(path, state.content):
        return "pending"
    if sides.kind.by_path[path].shape is Shape.JSON and not isinstance(desired.content, Unknown):
        return _json_standing(state.content, desired.content, sides.live.values.get(path))
    return "conflict"


def _json_standing(before: object, desired: object, live: object) -> Standing:
    """Return the standing of JSON that was changed on both sides: only the inner values that still differ count."""
    found = {*_inner_standings(before, desired, live)}
    return found.pop() if len(found) == 1 else "conflict"


def _inner_standings(before: object, desired: object, live: object) -> Iterator[Standing]:
    if isinstance(before, Mapping) and isinstance(desired, Mapping) and isinstance(live, Mapping):
        for key in {*desired, *live}:
            sides = [side.get(key, Mark.UNDECLARED) for side in (before, desired, live)]
            yield from _inner_standings(*sides)
    elif not _same_json(desired, live):
        yield "drifted" if _same_json(before, desired) else "pending" if _same_json(before, live) else "conflict"


def _same_json(one: object, other: object) -> bool:
    if one is Mark.UNDECLARED or other is Mark.UNDECLARED:
        return one is other
    return canonical_json(one) == canonical_json(other)


def removed_standing(state: FieldState, path: str, sides: Sides, returns: ReturnValue) -> Standing:
    """Return the standing of a field that is no longer declared."""
    if state is Mark.UNDECLARED or returns is Mark.NO_RETURN:
        return "up_to_date"
    if sides.is_live(path, returns) and not sides.is_set(path, state, returns):
        return "up_to_date"
    if isinstance(state, Value) and sides.was_live(path, state.content):
        return "removed"
    return "removed_conflict"


def resource_standing(
    before: Presence, desired: Presence, live: Literal["missing", "as before", "changed"]
) -> Standing:
    """Return the standing of a resource as a whole; empty if only its fields are compared, or it is unmanaged."""
    exists = live != "missing"
    if desired == "declared":
        if exists:
            return ""
        return "drifted" if before == "declared" else "pending"
    if not exists:
        return "up_to_date"
    if desired == "absent":
        return "drifted" if before == "absent" else "pending"
    if before != "declared":
        return ""
    return "removed" if live == "as before" else "removed_conflict"


# --- origin ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Origins:
    """Decides the origin and the adopted values of resources.

    Attributes:
        baseline: The baseline.
        is_available: Whether the target of a reference exists, or will.
        reference_to: The reference that a live SID is, for a field of a resource; None if there is none.
    """

    baseline: Baseline
    is_available: IsAvailable
    reference_to: Callable[[Live, str], Reference | None]

    def decide(self, past: Past, sides: Sides | None, desired: Declared | None) -> Record:
        """Add the origin and the adopted values that this plan determines to the record of an address.

        Args:
            past: Its former declarations.
            sides: Its live resource; None if it is missing.
            desired: Its declaration in the configuration; None if there is none.
        """
        record = self._decided(past, sides, desired)
        if sides is None or desired is None or desired.absent or not past.is_readable:
            return record
        return self._with_dropped(record, sides.live, desired, past.managed)

    def _decided(self, past: Past, sides: Sides | None, desired: Declared | None) -> Record:
        names = tuple(desired.values) if desired is not None and not desired.absent else ()
        old = past.record or Record(None)
        if not past.is_readable:
            return old  # the origin must not be lost because of a text that this release cannot read
        if past.record is None or not past.declarations:
            counts_as_created = self.baseline.is_first or (
                desired is not None and desired.address in self.baseline.begun
            )
            is_adopted = sides is not None and not counts_as_created
            record = replace(old, origin="adopted" if is_adopted else "created", adopted={}, sid_digest="")
            if sides is None:
                return record
            differing = [
                path
                for path in names
                if not counts_as_created or not sides.is_live(path, desired.values[path].content)  # type: ignore[union-attr]
            ]
            return self._with_adopted(record, sides.live, differing, desired)
        if sides is None:
            if past.removal_attempted or not past.is_completed:
                return replace(old, origin="created", adopted={}, sid_digest="")
            return old
        if self._is_another(old, sides.live):
            record = replace(old, origin="adopted", adopted={}, sid_digest="")
            return self._with_adopted(record, sides.live, (*names, *past.managed), desired or past.declarations[0])
        if not past.is_completed and not is_as_before(past, sides, old, self.is_available):
            record = replace(old, origin="adopted", sid_digest="")
            return self._with_adopted(record, sides.live, (*names, *past.managed), desired or past.declarations[0])
        return self._with_adopted(old, sides.live, [one for one in names if one not in past.managed], desired)

    def is_unidentified(self, record: Record) -> bool:
        """Whether it is unknown if a live resource is the created one: another key made the digest of its SID.

        Or its create was interrupted, so that there is no digest, and an entry is signed with another key.
        """
        if record.origin != "created":
            return False
        if not record.sid_digest:
            return not self.baseline.has_fingerprints
        return not self.baseline.is_own_digest(record.sid_digest)

    def _is_another(self, record: Record, live: Live) -> bool:
        is_comparable = bool(record.sid_digest) and self.baseline.is_own_digest(record.sid_digest)
        digest = self.baseline.digest_of(live.sid) if is_comparable else ""
        return bool(digest) and digest != record.sid_digest

    def _with_dropped(self, record: Record, live: Live, desired: Declared, managed: tuple[str, ...]) -> Record:
        """Add the values that the API drops with a declared change, and remove those that are there again."""
        for leader, paths in live.kind.dropped_with.items():
            undeclared = [path for path in paths if path not in {*desired.values, *managed}]
            undeclared = [path for path in undeclared if live.values.get(path) is not None]
            if leader not in desired.values:
                continue
            if desired.values[leader].content != live.values.get(leader):
                record = self._with_adopted(record, live, undeclared, desired)
            else:
                kept = {path: value for path, value in record.adopted.items() if path not in undeclared}
                record = replace(record, adopted=kept)
        return record

    def _with_adopted(
        self, record: Record, live: Live, paths: tuple[str, ...] | list[str], declared: Declared | None
    ) -> Record:
        """Add the live values of fields, without those that can never return or may not be stored."""
        adopted: dict[str, Content | Reference] = {}
        for path in dict.fromkeys(paths):
            field, content = live.kind.by_path[path], live.values.get(path)
            if field.natural_key or field.write_only or path in record.adopted:
                continue
            if field.forces_replacement and not _is_replaced(live, path, declared):
                continue
            if (declared is not None and declared.is_sensitive(path)) or _may_hold_secret(field, content, declared):
                continue
            if _is_reference(live.kind, path) and content:
                reference = self.reference_to(live, path)
                if reference is not None:
                    adopted[path] = reference
            else:
                adopted[path] = content
        return replace(record, adopted={**adopted, **record.adopted}) if adopted else record


def _may_hold_secret(field: Field, content: Content, declared: Declared | None) -> bool:
    """Whether a live value may not be stored: plans do not show it either."""
    if holds_secret(field, content):
        return True
    value = None if declared is None else declared.values.get(field.path)
    shown = value.content if value is not None and isinstance(value.content, str) else ""
    return field.shape is Shape.URL and isinstance(content, str) and holds_random_part(content, shown)


def _is_replaced(live: Live, path: str, declared: Declared | None) -> bool:
    """Whether a declaration replaces a resource by one of another type, which the same name and values can undo."""
    value = None if declared is None else declared.values.get(path)
    if value is None or isinstance(value.content, Unknown) or live.kind.match_by_content:
        return False
    return path == live.kind.discriminator and value.content != live.values.get(path)


def _is_reference(kind: Kind, path: str) -> bool:
    return kind.by_path[path].marker(Ref) is not None
