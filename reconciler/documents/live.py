"""The live resources at the addresses of an approved plan, as the comparison with a fresh plan needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.address import Address, AddressError
from reconciler.documents.plan import PlanFile
from reconciler.documents.values import Digests, Mask
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class LiveAt:
    """A live resource at an address of an approved plan.

    Attributes:
        sid: its SID.
        parents: the SIDs of the resources that contain it, outermost first.
        name: its natural key, in a form that may be shown.
        created: its creation date as returned by the API; empty if unknown.
        digests: the digests of its sensitive fields, as in a plan file.
    """

    sid: str
    parents: tuple[str, ...]
    name: str
    created: str
    digests: Mapping[str, str]


def live_at(plan: Plan, approved: PlanFile, *, key: bytes, hidden: Iterable[str] = ()) -> dict[str, LiveAt]:
    """Collect the live resources that the creates and replaces of an approved plan may have created, by address.

    Args:
        plan: the fresh plan.
        approved: the approved plan.
        key: for the digests; the one that the plan file was made with.
        hidden: secrets of the configuration.
    """
    mask, digests = Mask(hidden), Digests(plan.account_sid, key)
    found = {}
    for change in approved.changes:
        if change.action not in {"create", "replace"}:
            continue
        try:
            address = Address.parse(change.address)
        except AddressError:
            continue  # an edited file: nothing is live there
        live = plan.live.get(address)
        if live is None:
            continue
        found[change.address] = LiveAt(
            sid=live.sid,
            parents=live.parents,
            name=mask.long(plan.title_of(address)),
            created=live.created,
            digests={
                item.path: digests.of(content, change.address, item.path)
                for item in change.fields
                if item.sensitive and (content := live.values.get(item.path)) is not None
            },
        )
    return found
