"""Reports dangling references: SIDs of resources that do not exist, and a second proxy address for one participant.

Takes a `PlanContext`, or a `State` alone; returns warnings. Pure. Collections that were not read are not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.model import Declared
from reconciler.errors import Problem
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.relations import Use, destinations_of
from reconciler.planning.context import PlanContext
from reconciler.planning.naming import title
from reconciler.state import Collection, Live, State


def dangling(context: PlanContext) -> Iterator[Problem]:
    """Report references, in the configuration and the account, to resources that do not exist."""
    kinds = {kind for kind, _ in context.config.collections if kind.references or kind.exclusive_pair}
    for declared in context.covered() if kinds else ():
        if declared.kind.references:
            yield from _missing_sids(context, declared)
        if declared.kind.exclusive_pair:
            yield from _second_proxy(context, declared)
    for live, use, sid in dead_destinations(context.state):
        address = context.matching.addresses.get(live.sid)
        declared_here = context.config.resources.get(address) if address is not None else None
        if declared_here is not None and use.field.path in declared_here.values:
            continue  # reported as the configuration's own SID, or changed by the plan
        yield Problem(
            "dead-service",
            f"the {live.kind.noun} {title(declared_here, live)} {use.ref.verb} {sid}, a {use.ref.kind} that "
            "does not exist",
            declared_here.place if declared_here is not None else None,
            f"Set {use.field.path} to a {use.ref.kind} that exists.",
            severity="warning",
            address=str(context.naming.address_of(live)),
        )


def dead_destinations(state: State) -> Iterator[tuple[Live, Use, str]]:
    """Yield live resources that direct traffic to one that does not exist, with the field and the missing SID."""
    for kind in KINDS:
        if kind.parent is not None or Collection(kind.name) not in state.complete:
            continue
        for use in destinations_of(kind):
            for live in state.collection(use.kind, ()):
                sid = live.values.get(use.field.path)
                if isinstance(sid, str) and sid and state.get(sid) is None:
                    yield live, use, sid


def _missing_sids(context: PlanContext, declared: Declared) -> Iterator[Problem]:
    for path, ref in declared.kind.references.items():
        value = declared.values.get(path)
        if value is None or not isinstance(sid := value.content, str) or not sid or declared.is_sensitive(path):
            continue
        kind = BY_NAME[ref.kind]
        parents: tuple[str, ...] | None = ()
        where = "the account"
        if ref.scope == "service":
            root = declared.address.root
            above = context.matching.live.get(root)
            parents, where = (None if above is None else (above.sid,)), root.parts[1]
        found = context.state.get(sid)
        if found is not None and (found.kind, found.parents) == (kind, parents):
            continue
        if parents is not None and Collection(kind.name, parents) not in context.state.complete:
            continue
        yield Problem(
            "unknown-sid",
            f"{path} of {declared.address} is {sid}, but there is no such {kind.noun} in {where}",
            value.place,
            "Correct the SID, or refer to the resource by its handle.",
            severity="warning",
            address=str(declared.address),
        )


def _second_proxy(context: PlanContext, declared: Declared) -> Iterator[Problem]:
    """Report a new participant whose address is already in the conversation, unmanaged, with another proxy address."""
    path = declared.kind.exclusive_pair[0]
    address = declared.values.get(path)
    parents = context.parents(declared)
    if address is None or parents is None or declared.address in context.matching.live:
        return
    for live in context.state.collection(declared.kind, parents):
        if live.values.get(path) == address.content and live.sid not in context.matching.addresses:
            yield Problem(
                "second-proxy",
                f"{declared.address} adds a second proxy address for an existing participant ({live.sid})",
                declared.place,
                "That person would get every message twice. Pin the live participant with sid, or delete it first.",
                severity="warning",
                address=str(declared.address),
            )
