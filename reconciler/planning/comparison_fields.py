"""Compares the fields of two declarations of one resource.

Takes the pairs of two configurations; returns field changes and canonical forms of contents. Pure. Contents are equal
if they mean the same on both sides: a reference means the resource that it refers to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from reconciler.address import Address
from reconciler.change import FieldChange
from reconciler.config.model import Declared, Reference, Unknown, Value
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.planning.diff import holds_secret, inner_changes
from reconciler.planning.pairing import Pairs, as_written
from reconciler.redaction import HIDDEN
from reconciler.redaction.urls import declared_url, named_url

Meaning: TypeAlias = tuple[object, ...]
"""A content in canonical form: equal for equal meaning, whichever side it comes from."""

NOT_NAMED = Unknown("not declared in the first")
_LOOKUP = re.compile(r"\$\{(?:env|secret|var):[A-Za-z0-9_.-]+\}")


class FieldComparer:
    """Compares the fields of paired resources.

    Args:
        pairs: the resources of the two configurations.
        one_account: whether both are for the same account.

    Attributes:
        replaced: the resources of the second configuration with a changed immutable field.
    """

    def __init__(self, pairs: Pairs, *, one_account: bool) -> None:
        self.pairs = pairs
        self.one_account = one_account
        self.pins = {item.pin: address for address, item in pairs.after.items() if item.pin is not None}
        self.replaced = frozenset(
            address
            for address, item in pairs.after.items()
            if one_account and (old := pairs.counterpart(item)) is not None and self.is_replaced(old, item)
        )

    def meaning(self, field: Field, content: Content | Reference | Unknown, *, of_first: bool) -> Meaning:
        """Return the canonical form of a content, which is equal on both sides if the contents mean the same."""
        if isinstance(content, Unknown):
            return ("written", content.written or content.reason)
        if field.shape is not Shape.REF or not isinstance(content, (str, Reference)) or not content:
            return ("content", field.comparable(content))
        return self.target(content, of_first=of_first)

    def target(self, content: str | Reference, *, of_first: bool) -> Meaning:
        """Resolve a reference; returns the address in the first configuration if the resource has one there."""
        if not isinstance(content, Reference):
            address = self.pairs.sids.get(content)
            if address is None and content in self.pins and not of_first:
                return self.target_at(self.pins[content], of_first=False)
            return ("sid", content) if address is None else self.target_at(address, of_first=True)
        if content.built_in:
            return ("built-in", self._service(content.address, of_first=of_first), content.built_in)
        return self.target_at(content.address, of_first=of_first)

    def target_at(self, address: Address, *, of_first: bool) -> Meaning:
        """Return the meaning of a reference to an address."""
        item = (self.pairs.before if of_first else self.pairs.after).get(address)
        if item is not None and item.natural_key in item.kind.built_in:
            return ("built-in", self._service(address, of_first=of_first), item.natural_key)
        if of_first:
            return ("first", address)
        return ("first", self.pairs.former[address]) if address in self.pairs.former else ("second", address)

    def _service(self, address: Address, *, of_first: bool) -> Meaning:
        root = address.root
        return ("first", root) if of_first else self.target_at(root, of_first=False)

    def is_replaced(self, old: Declared, new: Declared) -> bool:
        """Whether an immutable field differs."""
        return any(
            field.forces_replacement and self._differs(field, old, new)
            for field in new.kind.fields
            if field.path in new.values and (field.path in old.values or field.path in old.derived)
        )

    def _differs(self, field: Field, old: Declared, new: Declared) -> bool:
        path = field.path
        was = old.values[path].content if path in old.values else old.derived.get(path)
        will = new.values[path].content
        if path in new.lifecycle.ignore_changes:
            return False
        # There is no live state here: a field that the first does not set is not one that the API never returns.
        if was is not None and not isinstance(was, (Unknown, Reference)) and new.kind.tolerates(path, will, was):
            return False
        return self.meaning(field, was, of_first=True) != self.meaning(field, will, of_first=False)

    def field_changes(self, old: Declared, new: Declared) -> Iterator[FieldChange]:
        """Compare every declared field; a field that the first does not declare is unknown before."""
        for path, value in new.values.items():
            field = new.kind.by_path[path]
            if path in new.lifecycle.ignore_changes:
                continue
            was = old.values.get(path)
            if was is None and path in old.derived:
                was = Value(old.derived[path], old.place)
            if was is None or path in old.lifecycle.ignore_changes:
                # A different immutable value would need a replace; whether it is different is unknown.
                yield self.field_change(field, NOT_NAMED, None, old, new)
            elif self._differs(field, old, new) or self._moves(value):
                is_forced = self.one_account and field.forces_replacement and self._differs(field, old, new)
                yield self.field_change(field, was.content, was, old, new, is_forced=is_forced)

    def _moves(self, value: Value) -> bool:
        """Whether a reference must follow a resource that is replaced."""
        content = value.content
        if isinstance(content, str):
            return self.pins.get(content) in self.replaced
        return isinstance(content, Reference) and content.address in self.replaced

    def field_change(
        self,
        field: Field,
        before: Content | Reference | Unknown,
        was: Value | None,
        old: Declared | None,
        new: Declared,
        *,
        is_forced: bool = False,
    ) -> FieldChange:
        """Describe the change of one field, with hidden parts masked."""
        value = new.values.get(field.path)
        after = value.content if value is not None else new.derived[field.path]
        hidden = is_hidden(new, field, value) or (old is not None and is_hidden(old, field, was))
        shown_before, shown_after = as_written(field, before), as_written(field, after)
        before_shown = after_shown = ""
        if hidden and field.shape is Shape.URL and not _is_listed(field, old, new):
            before_shown, after_shown = _shown_url(was), _shown_url(value)
        elif hidden:
            # The text around the name of a secret may itself be sensitive.
            shown_before, shown_after = _mask_unknown(shown_before), _mask_unknown(shown_after)
        return FieldChange(
            path=field.path,
            before=shown_before,
            after=shown_after,
            sensitive=hidden,
            secrets=value.secrets if value is not None else (),
            forces_replacement=is_forced,
            source=value.place if value is not None else None,
            before_source=was.place if was is not None else None,
            inside=inner_changes(shown_before, shown_after) if field.shape is Shape.JSON and not hidden else (),
            before_shown=before_shown,
            after_shown=after_shown,
        )


def is_hidden(declared: Declared, field: Field, value: Value | None) -> bool:
    """Whether a content must be hidden; the name of a secret alone may be shown."""
    content = value.content if value is not None else None
    if not isinstance(content, Unknown):
        return declared.is_sensitive(field.path) or holds_secret(field, content)
    literal = _LOOKUP.sub("", content.written)
    return bool(literal) and (field.path in declared.sensitive or field.secret or holds_secret(field, literal))


def _is_listed(field: Field, *sides: Declared | None) -> bool:
    """Whether either configuration lists a field under `sensitive`."""
    return any(side is not None and field.path in side.sensitive for side in sides)


def _shown_url(value: Value | None) -> str:
    """Mask the secret parts of a URL; variables and secrets are shown by name."""
    content = value.content if value is not None else None
    if isinstance(content, Unknown):
        return named_url(content.written)
    return declared_url([(content, False)]) if isinstance(content, str) else ""


def _mask_unknown(content: Content | Reference | Unknown) -> Content | Reference | Unknown:
    """Hide the written form of an unknown content."""
    return Unknown(HIDDEN) if isinstance(content, Unknown) and content.written else content
