"""The decisions of an approved plan that a fresh plan of the same configuration keeps."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.address import Address, AddressError
from reconciler.documents.entries import ChangeEntry
from reconciler.documents.plan import WHOLE, PlanFile, withheld_part
from reconciler.planning.kept_decisions import Reviewed


def reviewed_decisions(approved: PlanFile) -> Reviewed:
    """Collect the decisions of an approved plan.

    They only narrow a plan, so an edited plan file gains nothing by them.

    Args:
        approved: the approved plan, of the same configuration as the plan that is to keep its decisions.
    """
    part = {entry.address: withheld_part(entry) for entry in approved.changes}
    deletes = [entry for entry in approved.changes if entry.action in {"delete", "replace"} and part[entry.address]]
    return Reviewed(
        creates=_addresses(
            entry for entry in approved.changes if entry.action == "create" and part[entry.address] < WHOLE
        ),
        withheld=_addresses(entry for entry in approved.changes if part[entry.address] == WHOLE),
        kept=frozenset(entry.sid for entry in deletes if entry.sid),
    )


def _addresses(entries: Iterable[ChangeEntry]) -> frozenset[Address]:
    """Parse the addresses; an edited file may have some that are invalid and name nothing."""
    found = set()
    for entry in entries:
        try:
            found.add(Address.parse(entry.address))
        except AddressError:
            continue
    return frozenset(found)
