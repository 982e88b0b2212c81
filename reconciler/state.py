"""The live account as far as it was read: resources keyed by SID, in the configuration's vocabulary.

Built by `reconciler.api.fetch` from the results of `reconciler.api.wire.decode`; read by match, diff, plan, and export.
Holds the API's responses, normalized by `wire`, and which collections were read in full; independent of the
configuration. It never contains secrets: the API does not return them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Mapping
from dataclasses import field
from typing import NamedTuple

from reconciler.errors import Refusal
from reconciler.kinds import flex
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Shape
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import HIDDEN, url_holds_secret


@dataclass(frozen=True, slots=True)
class Live:
    """One resource as returned by the API.

    Attributes:
        kind: its kind.
        sid: its SID; for a singleton its path, which is also unique.
        parents: SIDs of the containing resources, outermost first; empty at the top.
        values: every readable field by dotted path, in the configuration's vocabulary; references as SIDs; None if the
            API has null, "", or no such key.
        created: its creation date as returned by the API; empty if it has none.
        updated: its update date as returned by the API; empty if it has none.
    """

    kind: Kind
    sid: str
    parents: tuple[str, ...] = ()
    values: Mapping[str, Content] = field(default_factory=dict)
    created: str = ""
    updated: str = ""

    @property
    def lineage(self) -> tuple[str, ...]:
        """The SIDs that contain its children: its own parents, then itself."""
        return (*self.parents, self.sid)

    @property
    def name(self) -> str:
        """Return its natural key as text; empty for singletons."""
        return self.kind.name_of(self.values)

    @property
    def title(self) -> str:
        """Return its natural key in a form that may be shown."""
        if self.kind.compose_key is None:
            return self.name
        return self.kind.name_of({path: self._shown(path, content) for path, content in self.values.items()})

    def _shown(self, path: str, content: Content) -> Content:
        if self.kind.by_path[path].shape is not Shape.URL or not isinstance(content, str):
            return content
        return HIDDEN if url_holds_secret(content) else content

    @property
    def is_built_in(self) -> bool:
        """Whether Twilio creates it in every service, by its exact name and type: the API does not mark it."""
        return self.kind.is_built_in(self.values)


class Collection(NamedTuple):
    """A list in the API.

    Attributes:
        kind: the name of the kind of its members.
        parents: SIDs of the containing resources, outermost first.
    """

    kind: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Participation:
    """The holders of roles in the conversations of a service.

    Attributes:
        holders: by role SID, the participants who hold it: the conversation's SID by the participant's SID.
        is_complete: whether the participants of every conversation were read.
    """

    holders: Mapping[str, Mapping[str, str]]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """How many resources a list has.

    Attributes:
        number: as far as it was read.
        is_exact: whether the list was read to its end.
        newest: the time of the newest resource, if the list begins with it; empty otherwise.
        refusal: what the API answered if the list may not be read; None if it may.
    """

    number: int
    is_exact: bool = True
    newest: str = ""
    refusal: Refusal | None = None


class State:
    """The part of the live account that was read.

    Args:
        account_sid: the account that answered.
        default_service_sid: the account's default service, or "" if it has none.
        resources: everything that was read.
        complete: the collections that were read in full, so that absence means absence.
        role_holders: for services whose users were read, the users who hold each role, by role SID: their identities by
            SID; for a service that is missing here, they were not read.
        participants: for services whose participants were read, the holders of each role.
        counts: the counts of resources that are to be deleted: by SID and by the name of the count.
        unreadable: the collections and singletons that may not be read, with the API's answer.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        default_service_sid: str = "",
        resources: Iterable[Live] = (),
        complete: Iterable[Collection] = (),
        role_holders: Mapping[str, Mapping[str, Mapping[str, str]]] | None = None,
        unreadable: Mapping[Collection, Refusal] | None = None,
        participants: Mapping[str, Participation] | None = None,
    ) -> None:
        self.account_sid = account_sid
        self.default_service_sid = default_service_sid
        self._flex: dict[tuple[str, frozenset[str]], bool] = {}
        self._by_sid: dict[str, Live] = {}
        self._by_collection: dict[Collection, dict[str, Live]] = {}
        self.complete: set[Collection] = set(complete)
        self.role_holders: dict[str, Mapping[str, Mapping[str, str]]] = dict(role_holders or {})
        self.participants: dict[str, Participation] = dict(participants or {})
        self.unreadable: dict[Collection, Refusal] = dict(unreadable or {})
        self.counts: dict[str, dict[str, Counted]] = {}
        for live in resources:
            self.add(live)

    def add(self, live: Live) -> None:
        """Store one resource, replacing an earlier reading of it (a page may repeat it)."""
        self._flex.clear()
        self._by_sid[live.sid] = live
        self._by_collection.setdefault(Collection(live.kind.name, live.parents), {})[live.sid] = live

    def add_all(self, collection: Collection, resources: Iterable[Live]) -> None:
        """Store resources of one collection, in the same way."""
        self._flex.clear()
        found = {live.sid: live for live in resources}
        self._by_sid.update(found)
        self._by_collection.setdefault(collection, {}).update(found)

    def get(self, sid: str) -> Live | None:
        """Return the resource with a SID, if it was read."""
        return self._by_sid.get(sid)

    def is_protected(self, live: Live, replacements: frozenset[str] = frozenset()) -> bool:
        """Whether Twilio created a resource: in every service, or in a service of Flex.

        Args:
            live: the resource.
            replacements: SIDs of roles that an apply created to replace others. They do not count as signs of Flex:
                between create and delete, a role whose type changes exists in both types.
        """
        if live.is_built_in:
            return True
        return (
            live.name in live.kind.built_in_by_flex
            and bool(live.parents)
            and self.is_flex(live.parents[0], replacements)
        )

    def is_flex(self, service_sid: str, replacements: frozenset[str] = frozenset()) -> bool:
        """Whether a service is probably Flex's own, as far as the account was read; see `flex.is_flex_service`.

        Args:
            service_sid: the service.
            replacements: see `is_protected`.
        """
        key = (service_sid, replacements)
        if key not in self._flex:
            service = self.get(service_sid)
            roles = [role for role in self.collection(flex.ROLES, (service_sid,)) if role.sid not in replacements]
            webhook = self.singleton(flex.WEBHOOK, ()) if service_sid == self.default_service_sid else None
            self._flex[key] = flex.is_flex_service(
                service.name if service is not None else "",
                [role.values for role in roles],
                webhook.values if webhook is not None else None,
            )
        return self._flex[key]

    def singleton(self, kind: Kind, parents: tuple[str, ...]) -> Live | None:
        """Return the singleton of a kind in a parent, if it was read."""
        return next(iter(self.collection(kind, parents)), None)

    def members(self, kind: Kind, parents: tuple[str, ...]) -> Mapping[str, Live]:
        """Return the resources read of a collection by SID, in no particular order."""
        return self._by_collection.get(Collection(kind.name, parents), {})

    def collection(self, kind: Kind, parents: tuple[str, ...]) -> tuple[Live, ...]:
        """Return the resources read of a collection, in order of SID, so that the API's order never matters."""
        members = self._by_collection.get(Collection(kind.name, parents), {})
        return tuple(members[sid] for sid in sorted(members))

    def of_kind(self, kind: Kind) -> Iterator[Live]:
        """Yield every resource of a kind that was read, in no particular order."""
        for collection, members in self._by_collection.items():
            if collection.kind == kind.name:
                yield from members.values()

    @property
    def sids(self) -> KeysView[str]:
        """The SIDs of everything that was read."""
        return self._by_sid.keys()

    def __iter__(self) -> Iterator[Live]:
        """Yield every resource that was read, in order of SID."""
        return (self._by_sid[sid] for sid in sorted(self._by_sid))

    def __len__(self) -> int:
        """Return the number of resources read."""
        return len(self._by_sid)
