"""Live resources that only the ledger identifies: of several with one name, it knows the SID of its own.

Takes a widened configuration, the account, and the matching by name; returns the matching with the removed resources
that have no match, but whose SID has the recorded digest. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.address import Address
from reconciler.config.model import Declared
from reconciler.planning.match import Matching
from reconciler.planning.widening import Widened
from reconciler.state import Live, State

_BY_NAME = frozenset({"ambiguous-name", "two-addresses"})
_MISSING = frozenset({"dead-pin"})


def identify(widened: Widened, state: State, matching: Matching) -> Matching:
    """Add the live resources of removed ones that have the recorded SIDs.

    Problems with the name of one whose SID is known are dropped: it is found by the SID, or it is missing.
    """
    live, addresses, sids = dict(matching.live), dict(matching.addresses), dict(matching.sids)
    codes = {problem.address: problem.code for problem in matching.problems}
    solved: set[str] = set()
    for address in widened.removed:
        code = codes.get(str(address), "")
        if address in live or widened.config.resources[address].kind.singleton:
            continue
        if code in _MISSING:
            solved.add(str(address))
        digest = _own_digest(widened, address)
        if not digest:
            continue
        if code in _BY_NAME:
            solved.add(str(address))
        found = _of_digest(widened, address, digest, state, live)
        if found is not None and found.sid not in addresses:
            live[address], addresses[found.sid], sids[address] = found, address, found.sid
    if not solved and len(live) == len(matching.live):
        return matching
    problems = tuple(problem for problem in matching.problems if problem.address not in solved)
    return replace(matching, live=live, addresses=addresses, sids=sids, problems=problems)


def _own_digest(widened: Widened, address: Address) -> str:
    """Return the digest of the SID of a removed resource; empty if it is unknown, or another key made it."""
    record = widened.pasts[address].record
    digest = "" if record is None or record.origin != "created" else record.sid_digest
    return digest if digest and widened.baseline.is_own_digest(digest) else ""


def _of_digest(
    widened: Widened, address: Address, digest: str, state: State, matched: Mapping[Address, Live]
) -> Live | None:
    """Return the live resource of a name that a removed one had whose SID has a digest."""
    declared: Declared = widened.config.resources[address]
    above = matched.get(declared.parent) if declared.parent is not None else None
    if declared.parent is not None and above is None:
        return None
    names = {before.natural_key for before in widened.pasts[address].declarations}
    members = state.collection(declared.kind, () if above is None else above.lineage)
    candidates = (one for one in members if one.name in names or declared.kind.match_by_content)
    return next((one for one in candidates if widened.baseline.digest_of(one.sid) == digest), None)
