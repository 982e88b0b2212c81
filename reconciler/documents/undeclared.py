"""Undeclared settings as entries of a document, without secrets.

Takes a `Plan` that looked for them; gives `UndeclaredPart`s, in the plan's order. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.documents.parts import UndeclaredPart
from reconciler.documents.values import Digests, Mask, ValueForms
from reconciler.planning.plan import Plan


def undeclared_entries(plan: Plan, *, key: bytes, hidden: Iterable[str] = ()) -> tuple[UndeclaredPart, ...]:
    """Describe the undeclared settings of a plan.

    Args:
        plan: the plan.
        key: the key of the digests of sensitive values.
        hidden: secrets of the configuration, which are masked in live values too.
    """
    mask, digests = Mask(hidden), Digests(plan.account_sid, key)
    entries = []
    for item in plan.undeclared:
        shown = ValueForms(str(item.address), mask, digests).field(item.value)
        entries.append(
            UndeclaredPart(
                address=str(item.address),
                kind=item.kind.name,
                service=mask.long(item.service),
                field=item.value.path,
                account=shown.before,
                account_name=shown.before_name,
                sensitive=shown.sensitive,
                risk=item.risk,
                meaning=item.field.description,
                clearable=not item.field.why_not_clearable(),
            )
        )
    return tuple(entries)
