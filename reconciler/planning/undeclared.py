"""Live settings that are declared nowhere: values of the singletons of the account and of the declared services.

Takes a `PlanContext`; returns the settings, the most severe first: pre-webhooks, which can reject messages, then other
URLs, then the rest. A value that Twilio gives a new account or service is not reported, except the account's defaults.
What a value means, and what its initial value is, are facts of the kinds. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.address import Address
from reconciler.change import FieldChange
from reconciler.config.ignored import ignores_field
from reconciler.config.model import Declared
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import OnChange, Ref, Risk
from reconciler.kinds.relations import settings_of
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.context import PlanContext
from reconciler.planning.diff import holds_secret, with_shown_urls
from reconciler.state import Collection, Live


@dataclass(frozen=True, slots=True)
class UndeclaredSetting:
    """One live value that is declared nowhere.

    Attributes:
        address: the singleton that has it.
        kind: its kind.
        service: the name of its service, as it may be shown; empty for the account's.
        value: the live value, as the former side of a field change.
        risk: the risk of the value.
    """

    address: Address
    kind: Kind
    service: str
    value: FieldChange
    risk: Risk

    @property
    def field(self) -> Field:
        """The field."""
        return self.kind.by_path[self.value.path]


def shown_settings(context: PlanContext) -> tuple[UndeclaredSetting, ...]:
    """Return the undeclared settings that the configuration does not ignore, the gravest first."""
    patterns = context.config.unmanaged_ignore
    return tuple(
        item
        for item in undeclared_settings(context)
        if not any(ignores_field(pattern, item.address, item.value.path) for pattern in patterns)
    )


def possible_settings(context: PlanContext) -> Iterator[tuple[Address, str]]:
    """Yield the undeclared settings, as address and field; for a plan, which reads none, all that there could be."""
    if context.selection.settings:
        yield from ((item.address, item.value.path) for item in undeclared_settings(context))
        return
    for owner, _ in _owners(context):
        for kind in settings_of(owner.kind if owner is not None else None):
            address = Address(kind.section) if owner is None else owner.address.child(*kind.section)
            yield from ((address, field.path) for field in kind.fields)


def undeclared_settings(context: PlanContext) -> list[UndeclaredSetting]:
    """Return every undeclared setting, the gravest first; none unless they are looked for."""
    if not context.selection.settings:
        return []
    found = [item for owner in _owners(context) for item in _of_owner(context, *owner)]
    return sorted(found, key=lambda item: (_rank(item), item.address, list(item.kind.by_path).index(item.value.path)))


def _rank(item: UndeclaredSetting) -> int:
    if item.field.shape is not Shape.URL:
        return 2
    return 0 if item.risk == "high" else 1


def _owners(context: PlanContext) -> Iterator[tuple[Declared | None, tuple[str, ...]]]:
    """Yield the account (None), and each declared resource that exists and has settings, with the SIDs above them."""
    yield None, ()
    for declared in context.covered():
        live = context.matching.live.get(declared.address)
        is_declared = declared.address not in context.selection.remembered
        if live is not None and is_declared and not declared.kind.singleton and settings_of(declared.kind):
            yield declared, live.lineage


def _of_owner(context: PlanContext, owner: Declared | None, parents: tuple[str, ...]) -> Iterator[UndeclaredSetting]:
    for kind in settings_of(owner.kind if owner is not None else None):
        address = Address(kind.section) if owner is None else owner.address.child(*kind.section)
        live = context.state.singleton(kind, parents)
        if live is None or not context.selection.covers_collection(address):
            continue
        declared = context.config.resources.get(address)
        service = context.naming.service_of(owner.address if owner is not None else None)
        for field in kind.fields:
            content = live.values.get(field.path)
            if _is_declared(declared, field) or _is_initial(context, live, field, content):
                continue
            value = _value(context, declared, field, content)
            yield UndeclaredSetting(address, kind, service, value, _risk(field))


def _is_declared(declared: Declared | None, field: Field) -> bool:
    if field.write_only:
        return True  # never returned
    return declared is not None and (field.path in declared.values or field.path in declared.lifecycle.ignore_changes)


def _is_initial(context: PlanContext, live: Live, field: Field, content: Content) -> bool:
    """Whether a value is what Twilio gives a new account or service."""
    if field.is_empty(content):
        return True
    initial = live.kind.initial.get(field.path)
    if initial is not None:
        return bool(field.comparable(content) == field.comparable(initial))
    ref = field.marker(Ref)
    if ref is None or not ref.initial:
        return False
    collection = Collection(ref.kind, live.parents)
    if collection in context.state.unreadable:
        return True  # what may not be read is reported as such
    target = context.state.get(content) if isinstance(content, str) else None
    return target is not None and target.kind == BY_NAME[ref.kind] and target.is_built_in and target.name in ref.initial


def _value(context: PlanContext, declared: Declared | None, field: Field, content: Content) -> FieldChange:
    is_hidden = declared is not None and declared.is_sensitive(field.path)
    is_reference = field.shape is Shape.REF and isinstance(content, str)
    change = FieldChange(
        path=field.path,
        before=content,
        after=None,
        before_name=context.naming.of_sid(str(content)) if is_reference else "",
        sensitive=is_hidden or holds_secret(field, content),
    )
    return with_shown_urls(change, declared, field)


def _risk(field: Field) -> Risk:
    """Only a webhook that can reject messages is grave where it is; a default is not, as long as it stays."""
    effect = field.marker(OnChange)
    risk: Risk = effect.risk if effect is not None else "low"
    return risk if field.shape is Shape.URL or risk == "low" else "medium"
