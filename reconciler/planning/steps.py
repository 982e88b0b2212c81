"""Builds the parts that every change is made of: its description and its steps.

Takes a `PlanContext` and a declared resource; returns a `Change` or a `Step`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.change import Action, Change, FieldChange, Op, Step
from reconciler.config.model import Declared, Reference, Unknown
from reconciler.errors import Problem
from reconciler.kinds.fields import Content, Field
from reconciler.kinds.hooks import Fault
from reconciler.planning.context import PlanContext
from reconciler.planning.naming import title
from reconciler.state import Live


def build_change(
    context: PlanContext,
    declared: Declared,
    live: Live | None,
    action: Action,
    *,
    fields: tuple[FieldChange, ...],
    steps: tuple[Step, ...],
    reason: str,
) -> Change:
    """Build the change of a declared resource, not yet rated or guarded."""
    return Change(
        address=declared.address,
        kind=declared.kind,
        action=action,
        sid=None if live is None or live.kind.singleton else live.sid,
        name=title(declared, live),
        parent=declared.parent,
        service=context.naming.service_of(declared.parent),
        fields=fields,
        steps=steps,
        reason=reason,
        source=declared.place,
    )


def build_step(
    context: PlanContext,
    declared: Declared,
    op: Op,
    values: Mapping[str, Content | Reference | Unknown],
    *,
    sid: str | None = None,
    also_needs: tuple[str, ...] = (),
    adopts: Mapping[str, Content | Reference | Unknown] | None = None,
) -> Step:
    """Build a step of a declared resource, which depends on the steps that create what its values refer to."""
    return Step(
        id=f"{declared.address}#{op}",
        op=op,
        address=declared.address,
        kind=declared.kind,
        parent=declared.parent,
        sid=sid,
        values=values,
        adopts=adopts,
        needs=(*context.needs_of(declared.kind, declared.parent, values), *also_needs),
    )


def problems_of(declared: Declared, faults: Iterable[Fault]) -> list[Problem]:
    """Turn the errors among a kind's faults into problems; its warnings are reported by validation."""
    return [
        Problem(
            "cannot-be",
            fault.message,
            value.place if (value := declared.values.get(fault.path)) is not None else declared.place,
            fault.hint,
            address=str(declared.address),
        )
        for fault in faults
        if fault.severity != "warning"
    ]


def is_empty(field: Field, content: Content | Reference | Unknown) -> bool:
    """Whether a content is known to be empty."""
    return not isinstance(content, (Reference, Unknown)) and field.is_empty(content)


def plain(content: Content | Reference | Unknown) -> Content:
    """Simplify a content for a kind's own checks, which only test whether it is set and which type is chosen."""
    if isinstance(content, Reference):
        return str(content.address)
    return content.reason if isinstance(content, Unknown) else content
