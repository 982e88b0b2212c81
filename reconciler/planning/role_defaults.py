"""Moves a service's default roles from a role to its successor.

Takes a `PlanContext` and a role that is replaced or was renamed; returns the step or the change that moves the defaults
of the role's service. Only defaults that the configuration neither sets nor ignores move. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Change, FieldChange, Step
from reconciler.config.model import Declared, Reference, Unknown
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field
from reconciler.kinds.markers import Ref
from reconciler.kinds.relations import defaults_kind_of, is_held
from reconciler.planning.context import PlanContext
from reconciler.state import Live


def repoint_defaults(
    context: PlanContext, declared: Declared, live: Live, values: Mapping[str, Content | Reference | Unknown]
) -> tuple[tuple[Step, ...], str]:
    """Build the step that moves the service's defaults from a live role to its successor.

    Args:
        context: configuration and account.
        declared: the successor.
        live: the role to be deleted.
        values: the values of the successor.

    Returns:
        The step, if there is a default to move, and the reason why one cannot be moved; empty if all can.
    """
    if not is_held(declared.kind) or declared.parent is None:
        return (), ""
    chooser = defaults_kind_of(declared.kind)
    address = declared.parent.child(*chooser.section)
    moved: dict[str, Content | Reference] = {}
    stuck = ""
    for field in _defaults_on(context, live, declared.parent):
        reference = field.marker(Ref)
        if any(address.is_within(one) for one in context.selection.excludes):
            stuck = f"{field.path}, which --exclude leaves out"
        elif reference is not None and reference.of_type != values.get(declared.kind.discriminator):
            only = f"{declared.kind.noun}s of type {live.values.get(declared.kind.discriminator)}"
            stuck = f"{field.path}, which takes only {only}"
        else:
            moved[field.path] = Reference(declared.address, declared.kind.name)
    if not moved:
        return (), stuck
    step = Step(
        id=f"{declared.address}#repoint",
        op="update",
        address=address,
        kind=chooser,
        parent=declared.parent,
        values=moved,
        needs=(f"{declared.address}#create",),
    )
    return (step,), stuck


def with_moved_defaults(context: PlanContext, changes: list[Change]) -> list[Change]:
    """Move the defaults that still point to the former role of a rename, if both roles exist.

    An interrupted rename leaves them so. Without a journal (a fresh checkout), the account decides: a role that has the
    former name and was created after the new one is not the one that `renamed_from` refers to.
    """
    completed = {live.sid for _, live in context.interrupted.to_complete()}
    for sid, successor in sorted(context.matching.left_over.items()):
        declared, old = context.config.resources[successor], context.state.get(sid)
        new = context.matching.live.get(successor)
        if sid in completed or old is None or new is None or declared.parent is None or successor in context.replaced:
            continue
        if not is_held(declared.kind) or not context.selection.covers(declared) or not _may_succeed(declared, new, old):
            continue
        chooser = defaults_kind_of(declared.kind)
        address = declared.parent.child(*chooser.section)
        if any(address.is_within(one) for one in context.selection.excludes):
            continue
        fields = [
            FieldChange(
                path=field.path,
                before=old.sid,
                after=Reference(successor, declared.kind.name),
                before_name=old.title,
                source=declared.place,
            )
            for field in _defaults_on(context, old, declared.parent)
            if (reference := field.marker(Ref)) is not None
            and reference.of_type == new.values.get(new.kind.discriminator)
        ]
        if fields:
            changes = _with_fields(context, changes, chooser, declared.parent, fields)
    return changes


def _defaults_on(context: PlanContext, role: Live, service: Address) -> Iterable[Field]:
    """Return the defaults of a service that point to a live role and the configuration neither sets nor ignores."""
    chooser = defaults_kind_of(role.kind)
    configuration = context.state.singleton(chooser, role.parents)
    managed = context.config.resources.get(service.child(*chooser.section))
    if configuration is None:
        return ()
    return (
        field
        for field in chooser.fields
        if field.marker(Ref) is not None
        if configuration.values.get(field.path) == role.sid
        if managed is None or field.path not in {*managed.values, *managed.lifecycle.ignore_changes}
    )


def _with_fields(
    context: PlanContext, changes: list[Change], chooser: Kind, service: Address, fields: list[FieldChange]
) -> list[Change]:
    """Add fields to the update of a service's configuration; add the update if there is none."""
    address = service.child(*chooser.section)
    change = next((change for change in changes if change.address == address), None)
    if change is None:
        change = Change(
            address=address,
            kind=chooser,
            action="update",
            sid=None,
            name="",
            parent=service,
            service=context.naming.service_of(service),
            steps=(Step(f"{address}#update", "update", address, chooser, service),),
            reason="follows a renamed role",
        )
    else:
        changes = [other for other in changes if other.address != address]
    step = change.steps[0]
    step = replace(step, values={**step.values, **{item.path: item.after for item in fields}})
    order = list(chooser.by_path)
    merged = tuple(sorted([*change.fields, *fields], key=lambda item: order.index(item.path)))
    return [*changes, replace(change, fields=merged, steps=(step, *change.steps[1:]))]


def _may_succeed(declared: Declared, new: Live, old: Live) -> bool:
    """Whether a role may have been created as the successor of another one, by their creation dates.

    Dates have a resolution of one second. Of two roles created in the same second, the successor has the same
    permissions. Declared permissions decide, so that an update of the new role does not change the result.
    """
    if new.created and old.created and new.created != old.created:
        return new.created > old.created
    permissions = new.kind.by_path["permissions"]
    value = declared.values.get("permissions")
    content = value.content if value is not None and not isinstance(value.content, Unknown) else None
    wanted = new.values.get("permissions") if content is None else content
    return bool(permissions.comparable(wanted) == permissions.comparable(old.values.get("permissions")))
