"""What a report licenses that has no valid seal: nothing. Pure.

Anyone may have written such a report, so what it says about the apply is only a claim. Each change that the undo plans
from it still needs a decision: deletes, replaces, and high-risk updates are refused until they are approved.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Action, Change, Guard
from reconciler.config.model import Approval
from reconciler.planning.guards import quoted

CLAIMS: Mapping[Action, str] = {
    "create": "created by the apply, as the unsealed report says",
    "update": "changed by the apply, as the unsealed report says",
    "replace": "replaced by the apply, as the unsealed report says",
    "delete": "deleted by the apply, as the unsealed report says",
}


def without_license(change: Change, approved: Container[tuple[Address, str]]) -> Change:
    """Refuse a change that only an unsealed report asks for, unless it is approved.

    Args:
        change: the change, with the guard that stops it already, if there is one.
        approved: the address and action of each approval.
    """
    if change.guard is not None or (change.address, change.action) in approved:
        return change
    if change.action == "delete":
        lacks, what = f"that its apply created {change.address}", "the delete"
    elif change.action == "replace":
        lacks, what = f"that its apply replaced {change.address}", "the replace"
    elif change.action == "update" and change.risk == "high":
        lacks, what = f"which values {change.address} had before its apply", "the high-risk update"
    else:
        return change
    option = quoted(str(Approval(change.address, change.action)))
    message = (
        f"the report has no valid seal, so it does not prove {lacks}; approve {what} with --approve {option}, or under "
        "`approvals` in the configuration"
    )
    return replace(change, guard=Guard("approval", "refused", message))
