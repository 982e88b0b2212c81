"""Temporary refusals, after which clients must retry.

Takes the requests over HTTP and refuses those that arrive too early: more writes in a second than allowed, a write to a
resource that another request is writing, or to a service that is still being deleted. Everything here is off by
default, kept in memory, and lost with the process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from reconciler.emulator.contract import SERVICE_PREFIX, Match, Operation
from reconciler.emulator.errors import ApiError
from reconciler.emulator.store import Store

# Error dictionary. Which rate limit applies where, and that the others have status 409, is our decision.
BEING_DELETED = 50002
TOO_MANY_IN_SERVICE = 50063
TOO_MANY_IN_CONVERSATION = 50074
BUSY_RESOURCE = 20162
BUSY_IDENTITY = 50213
BUSY_CONVERSATION = 50391
BUSY_PARTICIPANTS = 50419

_SECOND = timedelta(seconds=1)
_WRITTEN_IN_SERVICE = {"Users", "Roles", "ConversationWithParticipants"}

# The subject of a limit or a conflict: the SID of its container, and what it is.
Key = tuple[str, ...]
Form = Mapping[str, Sequence[str]]


class _Target(NamedTuple):
    """A write with the service and conversation that it concerns, however the path named them."""

    operation: Operation
    tail: str
    values: Mapping[str, str]
    service: str
    conversation: str | None


class Transients:
    """Decides which requests are refused temporarily.

    Args:
        store: The account, to resolve names.
        writes_per_second: The maximum number of writes in one second to a service (creating and deleting conversations,
            all of users and roles) and, separately, to a conversation (itself, its participants and messages). About 30
            at Twilio (docs, limits). No limit by default.
        conflicts: Whether two concurrent writes conflict: updates of one resource, users of one identity, conversations
            of one unique name, participants of one conversation (error dictionary).
        deletion: How long a deleted service is still being deleted.
    """

    def __init__(self, store: Store, *, writes_per_second: int | None, conflicts: bool, deletion: timedelta) -> None:
        self._store = store
        self._limit = writes_per_second
        self._conflicts = conflicts
        self._deletion = deletion
        self._written: dict[Key, deque[datetime]] = {}
        self._busy: set[Key] = set()
        self._deleted: dict[str, datetime] = {}

    def begin(self, match: Match, method: str, form: Form, now: datetime) -> Key | None:
        """Let a request begin; return the key to pass to ``end``, if any.

        Raises:
            ApiError: The request is refused for now.
        """
        self._refuse_deleted(match, now)
        operation = match.operations.get(method)
        if operation is None or method == "GET":
            return None
        target = self._target(operation, match.values)
        claim = self._claim(target, form) if self._conflicts else None
        if claim is not None and claim[0] in self._busy:
            raise ApiError(409, claim[1], "Another request is changing this; try again")
        self._count(target, now)
        if claim is None:
            return None
        self._busy.add(claim[0])
        return claim[0]

    def end(self, key: Key | None) -> None:
        """Note that a request was answered."""
        if key is not None:
            self._busy.discard(key)

    def deleted(self, match: Match, now: datetime) -> None:
        """Note that a resource was deleted."""
        if self._deletion and match.path == "/v1/Services/{Sid}":
            self._deleted[match.values["Sid"]] = now + self._deletion

    def _refuse_deleted(self, match: Match, now: datetime) -> None:
        sid = match.values.get("ChatServiceSid")
        if match.path == "/v1/Services/{Sid}":
            sid = match.values["Sid"]
        until = self._deleted.get(sid) if sid is not None else None
        if until is not None and now < until:
            raise ApiError(409, BEING_DELETED, f"The service {sid} is being deleted; try again later")

    def _target(self, operation: Operation, values: Mapping[str, str]) -> _Target:
        tail = operation.path.removeprefix(SERVICE_PREFIX)
        if not tail.startswith("/v1/Configuration"):
            # The account's configuration is not an alias of the default service's.
            tail = tail.removeprefix("/v1/")
        service = values.get("ChatServiceSid")
        if service is None:
            account = self._store.get("account", self._store.account_sid)
            service = (account and account.facts["configuration"]["default_chat_service_sid"]) or ""
        name = values.get("ConversationSid")
        if tail == "Conversations/{Sid}":
            name = values["Sid"]
        conversation = self._sid("conversation", service, name) if name is not None else None
        return _Target(operation, tail, values, service, conversation)

    def _sids(self, target: _Target) -> tuple[str, ...]:
        """Return the path below the service with SIDs for all names, so that one resource has one path."""
        values = dict(target.values)
        if target.conversation is not None:
            values["Sid" if target.tail == "Conversations/{Sid}" else "ConversationSid"] = target.conversation
        for tail, name, kind, parent in (
            ("Users/{Sid}", "Sid", "user", target.service),
            ("Users/{UserSid}/Conversations/{ConversationSid}", "UserSid", "user", target.service),
            ("/v1/Configuration/Addresses/{Sid}", "Sid", "address", self._store.account_sid),
            ("Conversations/{ConversationSid}/Participants/{Sid}", "Sid", "participant", target.conversation or ""),
        ):
            if tail == target.tail:
                values[name] = self._sid(kind, parent, values[name])
        return (target.tail, *(values[name] for name in sorted(values) if name != "ChatServiceSid"))

    def _sid(self, kind: str, service: str, key: str) -> str:
        row = self._store.get(kind, key, service) or self._store.named(kind, service, key)
        return row.sid if row else key

    def _count(self, target: _Target, now: datetime) -> None:
        if self._limit is None:
            return
        family = target.tail.partition("/")[0]
        deletes = target.tail == "Conversations/{Sid}" and target.operation.method == "DELETE"
        key: Key = (target.service,)
        code = TOO_MANY_IN_SERVICE
        if not (family in _WRITTEN_IN_SERVICE or target.tail == "Conversations" or deletes):
            if target.conversation is None:
                return
            key, code = (target.service, target.conversation), TOO_MANY_IN_CONVERSATION
        moments = self._written.setdefault(key, deque())
        while moments and moments[0] <= now - _SECOND:
            moments.popleft()
        if len(moments) >= self._limit:
            raise ApiError(429, code, f"More than {self._limit} writes per second")
        moments.append(now)

    def _claim(self, target: _Target, form: Form) -> tuple[Key, int] | None:
        """Return the resource that a write locks while it runs, and the code that other writes to it get."""
        tail, values, service = target.tail, target.values, target.service
        if target.operation.is_update:
            return ("update", service, *self._sids(target)), BUSY_RESOURCE
        if tail in {"Users", "Users/{Sid}"}:
            identity = form.get("Identity", [""])[-1]
            if "Sid" in values:
                row = self._store.get("user", values["Sid"], service)
                identity = (row.name if row else None) or values["Sid"]
            return ("identity", service, identity), BUSY_IDENTITY
        if tail in {"Conversations", "Conversations/{Sid}"}:
            name: str | None = form.get("UniqueName", [""])[-1]
            if target.conversation is not None:
                row = self._store.get("conversation", target.conversation, service)
                name = row.name if row else None
            return (("name", service, name), BUSY_CONVERSATION) if name else None
        if target.conversation is not None and tail.split("/")[2] == "Participants":
            return ("participants", target.conversation), BUSY_PARTICIPANTS
        return None
