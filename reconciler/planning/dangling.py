"""SIDs that lead nowhere, and a second proxy for one person: what the account would refuse, or answers with silence.

Takes a `PlanContext`, or a `State` alone; gives warnings. Pure. Says nothing about what was not read.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.model import Declared
from reconciler.errors import Problem
from reconciler.kinds import BY_NAME
from reconciler.kinds.markers import Ref
from reconciler.planning.context import PlanContext
from reconciler.state import Collection, Live, State

_ADDRESS = BY_NAME["address_configuration"]
_PARTICIPANT = BY_NAME["participant"]
_POINTS_TO = "auto_creation.service"
_SERVICES = Collection("service")


def dangling(context: PlanContext) -> Iterator[Problem]:
    """Warnings about what the configuration and the account refer to and the account does not have."""
    for declared in context.covered():
        yield from _missing_sids(context, declared)
        if declared.kind == _PARTICIPANT:
            yield from _second_proxy(context, declared)
    for live, sid in dead_services(context.state):
        address = context.matching.addresses.get(live.sid)
        declared_here = context.config.resources.get(address) if address is not None else None
        if declared_here is not None and _POINTS_TO in declared_here.values:
            continue  # reported as the configuration's own SID, or changed by the plan
        yield Problem(
            "dead-service",
            f"the address {context.title(declared_here, live)} starts conversations in {sid}, a service that does "
            "not exist",
            declared_here.place if declared_here is not None else None,
            f"Set {_POINTS_TO} to a service that exists.",
            severity="warning",
            address=str(context.live_address(live)),
        )


def dead_services(state: State) -> Iterator[tuple[Live, str]]:
    """Each live address that starts conversations in a service that does not exist, with that service's SID."""
    if _SERVICES not in state.complete:
        return
    for live in state.collection(_ADDRESS, ()):
        sid = live.values.get(_POINTS_TO)
        if isinstance(sid, str) and sid and state.get(sid) is None:
            yield live, sid


def _missing_sids(context: PlanContext, declared: Declared) -> Iterator[Problem]:
    for path, value in declared.values.items():
        ref, sid = declared.kind.by_path[path].marker(Ref), value.content
        if ref is None or not isinstance(sid, str) or not sid or declared.is_sensitive(path):
            continue
        kind = BY_NAME[ref.kind]
        parents: tuple[str, ...] | None = ()
        where = "the account"
        if ref.scope == "service":
            root = declared.address.parts[:2]
            above = next((live for at, live in context.matching.live.items() if at.parts == root), None)
            parents, where = (None if above is None else (above.sid,)), root[1]
        found = context.state.get(sid)
        if found is not None and (found.kind, found.parents) == (kind, parents):
            continue
        if parents is not None and Collection(kind.name, parents) not in context.state.complete:
            continue
        yield Problem(
            "unknown-sid",
            f"{path} of {declared.address} is {sid}, and there is no such {kind.noun} in {where}",
            value.place,
            "Correct the SID, or refer to the resource by its handle.",
            severity="warning",
            address=str(declared.address),
        )


def _second_proxy(context: PlanContext, declared: Declared) -> Iterator[Problem]:
    """A new participant whose address already takes part, unmanaged, by another proxy address."""
    address = declared.values.get("address")
    parents = context.parents(declared)
    if address is None or parents is None or declared.address in context.matching.live:
        return
    for live in context.state.collection(_PARTICIPANT, parents):
        if live.values.get("address") == address.content and live.sid not in context.matching.addresses:
            yield Problem(
                "second-proxy",
                f"{declared.address} gives a second proxy address to somebody who takes part already ({live.sid})",
                declared.place,
                "They would get every message twice. Pin the live participant with sid, or delete it first.",
                severity="warning",
                address=str(declared.address),
            )
