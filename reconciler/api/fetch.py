"""Reading the account: from what has to be read to a `State`, with the fewest and most parallel requests.

Takes a `Config`, whose scope says what is needed, and a `ReadClient`, which cannot write; gives a `State`. Everything
in one round is asked at once; a list goes page by page. Checks after round one that the account is the declared one, so
that nothing of another account is read any further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.api import wire
from reconciler.api.client import ReadClient
from reconciler.api.reader import ReadSession, account_of, gather_or_cancel, is_unreadable_collection, to_live
from reconciler.config.model import Config
from reconciler.config.selection import EVERYTHING, Selection
from reconciler.errors import Intercepted, Malformed, MatchError, Problem, Refusal, Refused
from reconciler.json_text import Json
from reconciler.kinds import ACCOUNT, BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.relations import holding_below, holding_beside
from reconciler.planning import scope
from reconciler.planning.match import match
from reconciler.planning.plan import Plan
from reconciler.planning.scope import Read
from reconciler.report import Progress
from reconciler.state import Collection, Participation, State

_FEW = 50
"""How many names are looked up one by one rather than by paging on; they are asked for at once, pages are not."""
_NO_PATH = frozenset({".", ".."})
"""Names that a URL's path cannot hold."""
_MOST_SEARCHED = 20
"""In how many conversations of a service that are not read anyway holders of a role are looked up; our decision."""


async def fetch(config: Config, client: ReadClient, progress: Progress, selection: Selection = EVERYTHING) -> State:
    """Read what the files name, prune or refer into, as far as the plan covers it.

    Raises:
        MatchError: when the account is not the one that the files declare.
        UsageError: when the account is not the one that the environment names.
        ApiError: when the API could not be asked or refused.
    """
    reading = _Fetch(client, progress)
    state = await reading.first_round(config, selection)
    for depth in scope.depths():
        matched = match(config, state, KINDS.parents, selection)
        reads = scope.next_round(config, matched.live, depth, selection)
        await reading.round(reads, state)
    return state


async def fetch_role_holders(state: State, services: Sequence[str], client: ReadClient, progress: Progress) -> None:
    """Look through the users of services, for who holds which role; kept in the state.

    Args:
        state: gets the holders.
        services: SIDs of the services to look through.
        client: how to read.
        progress: who is told.
    """
    reading = _Fetch(client, progress)
    holding = holding_beside()
    user, role_sid = holding.kind, holding.field.response[-1]
    identity = user.by_path[user.natural_key].response[-1]

    async def look_through(service: str) -> None:
        try:
            # A user who moves to a page that was read already must not hide that a role is held.
            users = await reading.counted(
                client.list(wire.collection_path(user, (service,)), user.list_key, user.page_size, surely=True)
            )
        except Refused as error:
            if not is_unreadable_collection(error):
                raise
            state.unreadable[Collection(user.name, (service,))] = error.refusal
            return
        held: dict[str, dict[str, str]] = {}
        for body in users:
            if isinstance(body, dict) and body.get(role_sid):
                held.setdefault(str(body[role_sid]), {})[str(body.get("sid"))] = str(body.get(identity))
        state.role_holders[service] = held

    await gather_or_cancel([look_through(service) for service in services])


async def fetch_participants(state: State, services: Sequence[str], client: ReadClient, progress: Progress) -> None:
    """Look through participants in services, for who holds which role; kept in the state.

    Those in conversations that were read anyway, and those in the first page of each service's conversations: a service
    may have any number of them, and the list begins with the most active (source: docs, conversation resource).

    Args:
        state: gets the holders.
        services: SIDs of the services to look through.
        client: how to read.
        progress: who is told.
    """
    reading = _Fetch(client, progress)
    holding = holding_below()
    participant, path, role_sid = holding.kind, holding.field.path, holding.field.response[-1]

    async def look_through(service: str) -> None:
        holders: dict[str, dict[str, str]] = {}
        for live_one in state:
            if live_one.kind == participant and live_one.parents[0] == service and live_one.values.get(path):
                holders.setdefault(str(live_one.values[path]), {})[live_one.sid] = live_one.parents[1]
        conversations, is_complete = await reading.first_conversations(service)
        left = [sid for sid in conversations if Collection(participant.name, (service, sid)) not in state.complete]
        lists = await gather_or_cancel([reading.participants(service, sid) for sid in left])
        for conversation, participants in zip(left, lists, strict=True):
            is_complete = is_complete and participants is not None
            for body in participants or ():
                if isinstance(body, dict) and body.get(role_sid):
                    holders.setdefault(str(body[role_sid]), {})[str(body.get("sid"))] = conversation
        state.participants[service] = Participation(holders, is_complete)

    await gather_or_cancel([look_through(service) for service in services])


async def fetch_collections(
    state: State, collections: Sequence[Collection], client: ReadClient, progress: Progress
) -> None:
    """Read further lists into a state.

    Args:
        state: gets what is in them.
        collections: which lists.
        client: how to read.
        progress: who is told.
    """
    reads = [Read(BY_NAME[collection.kind], collection.parents) for collection in collections]
    await _Fetch(client, progress).round(reads, state)


async def fetch_planned(plan_of: Callable[[], Plan], state: State, client: ReadClient, progress: Progress) -> Plan:
    """Plan, read what only the plan shows to be needed, and plan again.

    Args:
        plan_of: makes a plan of the state as it is.
        state: gets what is read.
        client: how to read.
        progress: who is told.
    """
    made = plan_of()
    while made.role_holders_to_fetch or made.participants_to_fetch or made.collections_to_fetch:
        await fetch_role_holders(state, sorted(made.role_holders_to_fetch), client, progress)
        await fetch_participants(state, sorted(made.participants_to_fetch), client, progress)
        await fetch_collections(state, sorted(made.collections_to_fetch, key=str), client, progress)
        made = plan_of()
    return made


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one read found.

    Attributes:
        bodies: the resources.
        is_complete: whether that is all there are.
        refusal: why it may not be read; None where it may.
    """

    bodies: Sequence[Json]
    is_complete: bool = False
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class _Single:
    """What a read by name found.

    Attributes:
        body: the resource; None if there is none.
        is_sure: whether the answer is about that name for sure, and not about another path.
    """

    body: Json | None
    is_sure: bool = True


def _keep(reads: Sequence[Read], answers: Sequence[_Answer], state: State) -> None:
    """Put what was read into a state."""
    for read, answer in zip(reads, answers, strict=True):
        collection = Collection(read.kind.name, read.parents)
        for body in answer.bodies:
            state.add(to_live(read.kind, body, read.parents))
        if answer.refusal is not None:
            state.unreadable[collection] = answer.refusal
        elif answer.is_complete:
            state.complete.add(collection)


class _Fetch(ReadSession):
    """What one fetch reads."""

    async def first_round(self, config: Config, selection: Selection) -> State:
        reads = scope.first_round(config, selection)
        answers = await gather_or_cancel([self._read(read) for read in reads])
        configuration = next(
            answer.bodies[0] for read, answer in zip(reads, answers, strict=True) if read.kind == ACCOUNT
        )
        account_sid, default_service_sid = account_of(configuration)
        _check_declared(config, account_sid)
        self.check_credentials(account_sid)
        state = State(account_sid=account_sid, default_service_sid=default_service_sid)
        _keep(reads, answers, state)
        return state

    async def first_conversations(self, service: str) -> tuple[list[str], bool]:
        """The SIDs of the first page of a service's conversations, and whether those are all."""
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
        """The participants of a conversation; None if they may not be read."""
        kind = holding_below().kind
        path = wire.collection_path(kind, (service, conversation))
        try:
            found: Sequence[Json] = await self.counted(
                self.client.list(path, kind.list_key, kind.page_size, surely=True)
            )
        except Refused as error:
            if not is_unreadable_collection(error):
                raise
            return None
        return found

    async def round(self, reads: Sequence[Read], state: State) -> None:
        _keep(reads, await gather_or_cancel([self._read(read) for read in reads]), state)

    async def _read(self, read: Read) -> _Answer:
        try:
            if read.names is None or read.kind.singleton:
                return _Answer(await self._bodies(read), is_complete=True)
            return await self._named(read, read.names)
        except Refused as error:
            if read.kind == ACCOUNT or not is_unreadable_collection(error):
                raise
            return _Answer((), refusal=error.refusal)

    async def _named(self, read: Read, names: frozenset[str]) -> _Answer:
        """What is wanted of a list that may be very long: page by page while much is missing, then one by one.

        Few names in a long list cost one page and one request each, all at once; many names in a list cost its pages. A
        name that a path may not carry unchanged is only missing when the whole list lacks it.
        """
        found: list[Json] = []
        missing = set(names)
        path = wire.collection_path(read.kind, read.parents)
        pages = self.client.pages(path, read.kind.list_key, read.kind.page_size)
        async for page, is_last in self.counted_pages(pages):
            found.extend(page)
            for body in page:
                decoded = wire.decode(read.kind, body)
                missing -= {decoded.sid, read.kind.name_of(decoded.values)}
            if is_last and not (pages.has_moved and missing):
                return _Answer(found, is_complete=True)
            if is_last:
                # What is missing may have moved to a page that had been read.
                break
            if len(missing) <= _FEW and missing.isdisjoint(_NO_PATH):
                break
        singles = await gather_or_cancel([self.counted(self._single(read, name)) for name in sorted(missing)])
        if any(not single.is_sure for single in singles):
            return _Answer(await self._bodies(read), is_complete=True)
        return _Answer([*found, *(single.body for single in singles if single.body is not None)])

    async def _single(self, read: Read, name: str) -> _Single:
        """Read one resource by its name or SID."""
        if name in _NO_PATH:
            return _Single(None, is_sure=False)
        try:
            body = await self.client.get(wire.instance_path(read.kind, read.parents, name))
        except (Refused, Intercepted) as error:
            if not wire.is_plain_in_path(name):
                return _Single(None, is_sure=False)
            if isinstance(error, Refused) and error.refusal.status == 404:
                return _Single(None)
            raise
        return _Single(body, is_sure=_is_named(read.kind, body, name))

    async def _bodies(self, read: Read) -> Sequence[Json]:
        path = wire.collection_path(read.kind, read.parents)
        if read.kind.singleton:
            return [await self.counted(self.client.get(path))]
        found: Sequence[Json] = await self.counted(
            self.client.list(path, read.kind.list_key, read.kind.page_size, surely=read.surely)
        )
        return found


def _is_named(kind: Kind, body: Json, name: str) -> bool:
    """Whether an answer is the resource of that name or SID, and not what another path leads to."""
    try:
        decoded = wire.decode(kind, body)
    except Malformed:
        return False
    return name in {decoded.sid, kind.name_of(decoded.values)}


def _check_declared(config: Config, account_sid: str) -> None:
    if config.account_sid is not None and config.account_sid != account_sid:
        problem = Problem(
            "wrong-account",
            f"the credentials are for account {account_sid}, and the files are for {config.account_sid}",
            config.account_place,
            "use the other account's credentials, another environment (--env), or a new file of --emulator, which gets "
            "the account of the files",
        )
        raise MatchError([problem], config.lines)
