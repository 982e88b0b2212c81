"""The decisions of an approved plan that a fresh plan of the same configuration keeps."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.address import Address, AddressError
from reconciler.documents.parts import ChangePart
from reconciler.documents.plan import WHOLE, PlanFile, withheld_part
from reconciler.planning.kept_decisions import Reviewed


def reviewed_decisions(approved: PlanFile, *, is_sealed: bool) -> Reviewed:
    """Collect the decisions of an approved plan.

    They only narrow a plan, so an edited plan file gains nothing by them. Conflicts are the exception.

    Args:
        approved: the approved plan, of the same configuration as the plan that is to keep its decisions.
        is_sealed: whether it was not edited, so that it approves the conflicts that it shows.
    """
    part = {change.address: withheld_part(change) for change in approved.changes}
    deletes = [change for change in approved.changes if change.action in {"delete", "replace"} and part[change.address]]
    return Reviewed(
        creates=_addresses(
            change for change in approved.changes if change.action == "create" and part[change.address] < WHOLE
        ),
        withheld=_addresses(change for change in approved.changes if part[change.address] == WHOLE),
        kept=frozenset(change.sid for change in deletes if change.sid),
        conflicts=_addresses(
            change
            for change in approved.changes
            if is_sealed and any(item.standing == "conflict" for item in change.fields)
        ),
    )


def _addresses(changes: Iterable[ChangePart]) -> frozenset[Address]:
    """Parse the addresses; an edited file may have some that are invalid and name nothing."""
    found = set()
    for change in changes:
        try:
            found.add(Address.parse(change.address))
        except AddressError:
            continue
    return frozenset(found)
