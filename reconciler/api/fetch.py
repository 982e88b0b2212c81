"""The live account as a `State`, read with few, mostly parallel requests.

Takes a `Config`, whose scope determines the reads, and a `ReadClient`, which cannot write; returns a `State`. The reads
of one round run concurrently; lists are read page by page. Round one reads the account's configuration and the
top-level lists; once the former shows that the account is the declared one, round two reads the contents of services.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from reconciler.api import wire
from reconciler.api.client import ReadClient
from reconciler.api.counting import count_of
from reconciler.api.reader import (
    ReadSession,
    account_of,
    both_or_cancel,
    gather_or_cancel,
    is_unreadable_collection,
    to_live,
)
from reconciler.config.model import Config
from reconciler.config.selection import EVERYTHING, Selection
from reconciler.errors import Intercepted, Malformed, MatchError, Problem, ReconcilerError, Refusal, Refused
from reconciler.json_text import Json
from reconciler.kinds import ACCOUNT, BY_NAME, KINDS
from reconciler.kinds.relations import holding_below, holding_beside
from reconciler.lazy_dataclass import dataclass
from reconciler.planning import scope
from reconciler.planning.match import match
from reconciler.planning.scope import Read
from reconciler.report import Progress
from reconciler.state import Collection, Live, Participation, State

if TYPE_CHECKING:  # the planner is imported while the first requests are in flight
    from reconciler.planning.impact import CountRead
    from reconciler.planning.plan import Plan

_MOST_SINGLE_READS = 50
"""Up to this many missing names are read one by one, concurrently, instead of through further pages in sequence."""
_NOT_IN_PATHS = frozenset({".", ".."})
"""Names that a URL's path cannot contain."""
_MOST_SEARCHED = 20
"""The number of a service's conversations that are searched for holders of a role; our decision."""


async def fetch(config: Config, client: ReadClient, progress: Progress, selection: Selection = EVERYTHING) -> State:
    """Read the resources that the configuration declares, prunes, or refers to.

    Args:
        config: the configuration.
        client: reads the account.
        progress: receives the number of requests sent and answered.
        selection: the part of the configuration that the plan covers.

    Raises:
        MatchError: the account is not the one that the configuration declares.
        UsageError: the account is not the one in the environment.
        ApiError: the API could not be reached, or refused a request.
    """
    return await _Fetch(client, progress).read_account(config, selection)


async def fetch_role_holders(state: State, services: Sequence[str], client: ReadClient, progress: Progress) -> None:
    """Read the users of services, and add the holders of each role to the state.

    Args:
        state: receives the holders.
        services: SIDs of the services.
        client: reads the account.
        progress: receives the number of requests sent and answered.
    """
    session = _Fetch(client, progress)
    holding = holding_beside()
    user, role_sid = holding.kind, holding.field.response[-1]
    identity = user.by_path[user.natural_key].response[-1]

    async def read_users(service: str) -> None:
        try:
            # Consistent: a user who moves to a page that was already read must not hide that a role is held.
            users = await session.counted(
                client.list(wire.collection_path(user, (service,)), user.list_key, user.page_size, consistent=True)
            )
        except Refused as error:
            if not is_unreadable_collection(error):
                raise
            state.unreadable[Collection(user.name, (service,))] = error.refusal
            return
        holders: dict[str, dict[str, str]] = {}
        for body in users:
            if isinstance(body, dict) and body.get(role_sid):
                holders.setdefault(str(body[role_sid]), {})[str(body.get("sid"))] = str(body.get(identity))
        state.role_holders[service] = holders

    await gather_or_cancel([read_users(service) for service in services])


async def fetch_participants(state: State, services: Sequence[str], client: ReadClient, progress: Progress) -> None:
    """Read participants in services, and add the holders of each role to the state.

    Covers the conversations already in the state, and the first page of each service's conversations: a service may
    have any number of them, and the list begins with the most active (source: docs, conversation resource).

    Args:
        state: receives the holders.
        services: SIDs of the services.
        client: reads the account.
        progress: receives the number of requests sent and answered.
    """
    session = _Fetch(client, progress)
    holding = holding_below()
    participant, path, role_sid = holding.kind, holding.field.path, holding.field.response[-1]

    async def read_participants(service: str) -> None:
        holders: dict[str, dict[str, str]] = {}
        for live_one in state:
            if live_one.kind == participant and live_one.parents[0] == service and live_one.values.get(path):
                holders.setdefault(str(live_one.values[path]), {})[live_one.sid] = live_one.parents[1]
        conversations, is_complete = await session.first_conversations(service)
        unread = [sid for sid in conversations if Collection(participant.name, (service, sid)) not in state.complete]
        lists = await gather_or_cancel([session.participants(service, sid) for sid in unread])
        for conversation, participants in zip(unread, lists, strict=True):
            is_complete = is_complete and participants is not None
            for body in participants or ():
                if isinstance(body, dict) and body.get(role_sid):
                    holders.setdefault(str(body[role_sid]), {})[str(body.get("sid"))] = conversation
        state.participants[service] = Participation(holders, is_complete)

    await gather_or_cancel([read_participants(service) for service in services])


async def fetch_collections(
    state: State, collections: Sequence[Collection], client: ReadClient, progress: Progress
) -> None:
    """Read further collections, and add their resources to the state.

    Args:
        state: receives the resources.
        collections: the collections to read.
        client: reads the account.
        progress: receives the number of requests sent and answered.
    """
    reads = [Read(BY_NAME[collection.kind], collection.parents) for collection in collections]
    await _Fetch(client, progress).read_round(reads, state)


async def fetch_counts(state: State, counts: Sequence[CountRead], client: ReadClient, progress: Progress) -> None:
    """Count what the deletes of a plan destroy or affect, and add the numbers to the state.

    Args:
        state: receives the numbers.
        counts: what to count, each as far as needed.
        client: reads the account.
        progress: receives the number of requests sent and answered.
    """
    session = _Fetch(client, progress)
    found = await gather_or_cancel(
        [count_of(client, _path_of(read.live), read.count, read.limit, session.page_read) for read in counts]
    )
    for read, counted in zip(counts, found, strict=True):
        state.counts.setdefault(read.live.sid, {})[read.count.name] = counted


def _path_of(live: Live) -> str:
    return wire.instance_path(live.kind, live.parents, live.sid)


async def fetch_planned(build_plan: Callable[[], Plan], state: State, client: ReadClient, progress: Progress) -> Plan:
    """Build a plan, and read further parts of the account until the plan needs no more.

    Args:
        build_plan: builds a plan from the present state.
        state: receives the further parts.
        client: reads the account.
        progress: receives the number of requests sent and answered.
    """
    plan = build_plan()
    while plan.missing:
        await fetch_role_holders(state, sorted(plan.missing.role_holders), client, progress)
        await fetch_participants(state, sorted(plan.missing.participants), client, progress)
        await fetch_collections(state, sorted(plan.missing.collections, key=str), client, progress)
        await fetch_counts(state, plan.missing.counts, client, progress)
        plan = build_plan()
    return plan


@dataclass(frozen=True, slots=True)
class _ReadResult:
    """The result of one read.

    Attributes:
        resources: the resources. Each answer is decoded when it arrives, so that answers do not pile up in memory.
        is_complete: whether they are the whole collection.
        refusal: the API's refusal of the read; None if it was allowed.
        body: the answer, of a singleton.
    """

    resources: Sequence[Live]
    is_complete: bool = False
    refusal: Refusal | None = None
    body: Json = None


@dataclass(frozen=True, slots=True)
class _NamedResult:
    """The result of a read by name.

    Attributes:
        live: the resource; None if it does not exist.
        is_certain: whether the answer certainly concerns that name, not another path.
    """

    live: Live | None
    is_certain: bool = True


def _store(reads: Sequence[Read], results: Sequence[_ReadResult], state: State) -> None:
    """Add the results of reads to the state."""
    for read, result in zip(reads, results, strict=True):
        collection = Collection(read.kind.name, read.parents)
        state.add_all(collection, result.resources)
        if result.refusal is not None:
            state.unreadable[collection] = result.refusal
        elif result.is_complete:
            state.complete.add(collection)


class _Fetch(ReadSession):
    """The reads of one fetch."""

    async def read_account(self, config: Config, selection: Selection) -> State:
        """Read the account's configuration, the top-level lists, and what is needed of their contents.

        Contents are read as soon as the account is checked and its services are known, beside the other top-level
        lists: a list of a thousand addresses takes twenty requests, one after the other.
        """
        reads = scope.first_round(config, selection)
        deciding = [read for read in reads if read.kind == ACCOUNT or read.kind in KINDS.parents]
        others = [read for read in reads if read not in deciding]
        others_are_read = asyncio.Event()

        async def read_others() -> Sequence[_ReadResult]:
            results = await gather_or_cancel([self._read(read) for read in others])
            others_are_read.set()
            return results

        async def read_contents() -> State:
            results = await gather_or_cancel([self._read(read) for read in deciding])
            try:
                state = self._checked(config, deciding, results)
                for depth in scope.depths():
                    matched = match(config, state, KINDS.parents, selection)
                    await self.read_round(scope.next_round(config, matched.live, depth, selection), state)
            except ReconcilerError:
                # What cannot be read of the top-level lists is the error to report, whichever comes first.
                await others_are_read.wait()
                raise
            return state

        state, results = await both_or_cancel(read_contents(), read_others())
        _store(others, results, state)
        return state

    def _checked(self, config: Config, reads: Sequence[Read], results: Sequence[_ReadResult]) -> State:
        """Return the account with the results of reads, after a check that it is the right one."""
        configuration = next(result.body for read, result in zip(reads, results, strict=True) if read.kind == ACCOUNT)
        account_sid, default_service_sid = account_of(configuration)
        _check_declared(config, account_sid)
        self.check_credentials(account_sid)
        state = State(account_sid=account_sid, default_service_sid=default_service_sid)
        _store(reads, results, state)
        return state

    async def first_conversations(self, service: str) -> tuple[list[str], bool]:
        """Return the SIDs of the first page of a service's conversations, and whether the page is the only one."""
        kind = BY_NAME[holding_below().kind.parent or ""]
        pages = self.client.pages(wire.collection_path(kind, (service,)), kind.list_key, _MOST_SEARCHED)
        try:
            async for page, is_last in self.counted_pages(pages):
                return [str(body.get("sid")) for body in page if isinstance(body, dict)], is_last
        except Refused as error:
            if not is_unreadable_collection(error):
                raise
        return [], False

    async def participants(self, service: str, conversation: str) -> Sequence[Json] | None:
        """Return the participants of a conversation; None if the credentials may not read them."""
        kind = holding_below().kind
        path = wire.collection_path(kind, (service, conversation))
        try:
            bodies: Sequence[Json] = await self.counted(
                self.client.list(path, kind.list_key, kind.page_size, consistent=True)
            )
        except Refused as error:
            if not is_unreadable_collection(error):
                raise
            return None
        return bodies

    async def read_round(self, reads: Sequence[Read], state: State) -> None:
        """Run reads concurrently, and add their results to the state."""
        _store(reads, await gather_or_cancel([self._read(read) for read in reads]), state)

    async def _read(self, read: Read) -> _ReadResult:
        try:
            if read.names is None or read.kind.singleton:
                return await self._read_all(read)
            return await self._read_named(read, read.names)
        except Refused as error:
            if read.kind == ACCOUNT or not is_unreadable_collection(error):
                raise
            return _ReadResult((), refusal=error.refusal)

    async def _read_named(self, read: Read, names: frozenset[str]) -> _ReadResult:
        """Read the named resources of a list that may be very long: pages while many are missing, then one by one.

        A few names in a long list cost one page, and one concurrent request each; many names cost the pages of the
        list. A name that a path may not carry unchanged counts as missing only if the whole list lacks it.
        """
        found: list[Live] = []
        missing = set(names)
        path = wire.collection_path(read.kind, read.parents)
        pages = self.client.pages(path, read.kind.list_key, read.kind.page_size)
        async for page, is_last in self.counted_pages(pages):
            for body in page:
                live = to_live(read.kind, body, read.parents)
                found.append(live)
                missing -= {live.sid, live.name}
            if is_last and not (pages.has_moved and missing):
                return _ReadResult(found, is_complete=True)
            if is_last:
                # A missing resource may have moved to a page that was already read.
                break
            if len(missing) <= _MOST_SINGLE_READS and missing.isdisjoint(_NOT_IN_PATHS):
                break
        singles = await gather_or_cancel([self.counted(self._read_by_name(read, name)) for name in sorted(missing)])
        if any(not single.is_certain for single in singles):
            return await self._read_all(read)
        return _ReadResult([*found, *(single.live for single in singles if single.live is not None)])

    async def _read_by_name(self, read: Read, name: str) -> _NamedResult:
        """Read one resource by its name or SID."""
        if name in _NOT_IN_PATHS:
            return _NamedResult(None, is_certain=False)
        try:
            body = await self.client.get(wire.instance_path(read.kind, read.parents, name))
        except (Refused, Intercepted) as error:
            if not wire.is_plain_in_path(name):
                return _NamedResult(None, is_certain=False)
            if isinstance(error, Refused) and error.refusal.status == 404:
                return _NamedResult(None)
            raise
        try:
            live = to_live(read.kind, body, read.parents)
        except Malformed:
            return _NamedResult(None, is_certain=False)
        # Another path may have led to another resource.
        return _NamedResult(live, is_certain=name in {live.sid, live.name})

    async def _read_all(self, read: Read) -> _ReadResult:
        kind, path = read.kind, wire.collection_path(read.kind, read.parents)
        if kind.singleton:
            body = await self.counted(self.client.get(path))
            if kind == ACCOUNT:
                account_of(body)  # its error says more than that of an answer that is not a resource
            return _ReadResult([to_live(kind, body, read.parents)], is_complete=True, body=body)
        bodies: Sequence[Json] = await self.counted(
            self.client.list(path, kind.list_key, kind.page_size, consistent=read.consistent)
        )
        return _ReadResult([to_live(kind, body, read.parents) for body in bodies], is_complete=True)


def _check_declared(config: Config, account_sid: str) -> None:
    """Check that the account is the one that the configuration declares.

    Raises:
        MatchError: it is another account.
    """
    if config.account_sid is not None and config.account_sid != account_sid:
        problem = Problem(
            "wrong-account",
            f"the credentials belong to account {account_sid}, but the configuration is for {config.account_sid}",
            config.account_place,
            "use the credentials of that account, another environment (--env), or a new file with --emulator, which "
            "gets the account of the configuration",
        )
        raise MatchError([problem], config.lines)
