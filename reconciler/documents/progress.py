"""The steps of an approved plan that may be done already, as far as a fresh plan and the account show.

Takes an approved `PlanFile`, a fresh one, and the live resources at the addresses of the approved creates and replaces.
Decides whether a live resource is one that the approved plan creates, so that a planned parent, reference, or default
counts as the approved one. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.address import Address, AddressError
from reconciler.config.unknown_values import can_consist_of
from reconciler.documents.live import LiveAt
from reconciler.documents.parts import ChangePart, FieldPart
from reconciler.documents.plan import WHOLE, PlanFile, withheld_part
from reconciler.json_text import Json
from reconciler.kinds import BY_NAME
from reconciler.kinds.markers import Choice, OnChange
from reconciler.redaction.urls import MASK

_CLOCK_TOLERANCE = timedelta(minutes=5)
"""The maximum time that this machine's clock may be ahead of the API's."""


class Progress:
    """The steps of an approved plan that may be done already.

    Args:
        approved: the approved plan.
        fresh: the plan that would be applied.
        live: the live resources at the addresses of the approved plan's creates and replaces.

    Attributes:
        is_same_configuration: whether both plans are of the same configuration; otherwise nothing counts as done.
        approved_changes: by address.
        replaced: the approved replaces by the SID of the old resource, without those that are withheld as a whole.
    """

    def __init__(self, approved: PlanFile, fresh: PlanFile, live: Mapping[str, LiveAt]) -> None:
        self.is_same_configuration = (
            approved.config_digest == fresh.config_digest and approved.options.undo == fresh.options.undo
        )
        self.approved_changes = {change.address: change for change in approved.changes}
        self.replaced = {
            change.sid: change
            for change in approved.changes
            if change.action == "replace" and change.sid and withheld_part(change) < WHOLE
        }
        self._created_at = approved.created_at
        self._live = live
        self._unfinished = {change.address: {item.path for item in change.fields} for change in fresh.changes}
        self._created: dict[str, bool] = {}

    def is_same_name(self, kind: str, was: str, now: str) -> bool:
        """Whether a name is the approved one.

        Whether it contains the type depends on the other resources of that name, which the approved plan may change.
        """
        return was == now or (self.is_same_configuration and _is_same_label(kind, was, now))

    def is_same_value(self, was: Json, now: Json) -> bool:
        """Whether two values are equal as typed JSON, or a reference names a resource that the plan creates."""
        match was, now:
            case {"ref": str(address), "sid": None, **more}, {"ref": other, "sid": str(), **rest} if not (more or rest):
                return bool(address == other) and self._exists_now(address)
            case {"secret": str(name), **more}, {"secret": other, "digest": str(), **rest} if "digest" not in more:
                # Unset when it was approved: approved by name, with any value. The text around it is in the digest of
                # the configuration and in the shown part of a URL.
                return bool(self.is_same_configuration and name == other) and _is_shown_as(more, rest)
            case _:
                return _canonical(was) == _canonical(now)

    def is_created(self, address: str) -> bool:
        """Whether the live resource at an address may be the one that the approved plan creates there."""
        if address not in self._created:
            self._created[address] = False  # an address is never its own parent; an edited file may say so
            self._created[address] = self._may_be_created(address)
        return self._created[address]

    def _may_be_created(self, address: str) -> bool:
        approved, live = self.approved_changes.get(address), self._live.get(address)
        if not self.is_same_configuration or approved is None or live is None:
            return False
        if approved.action not in {"create", "replace"} or withheld_part(approved) == WHOLE or live.sid == approved.sid:
            return False
        if not self.is_same_name(approved.kind, _new_name(approved, live.name), live.name) or not _is_since(
            live.created, self._created_at
        ):
            return False
        if not self.is_same_place(address, approved.parents, live.parents):
            return False
        unfinished = self._unfinished.get(address, set())
        return all(
            item.after.get("digest", live.digests[item.path]) == live.digests[item.path]
            for item in approved.fields
            if isinstance(item.after, dict) and item.path in live.digests and item.path not in unfinished
        )

    def _exists_now(self, address: str) -> bool:
        """Whether a resource exists now that the approved plan creates, or that comes with a service it creates."""
        if address in self.approved_changes and self.approved_changes[address].action in {"create", "replace"}:
            return self.is_created(address)
        return self.is_created(_above(address, 0))

    def is_adopted(self, approved: ChangePart) -> bool:
        """Whether a change is of a part of a service that the approved plan creates and that exists already."""
        return (
            approved.action == "update"
            and approved.sid is None
            and approved.parents[:1] == (None,)
            and self.is_created(_above(approved.address, 0))
        )

    def is_same_place(self, address: str, approved: tuple[str | None, ...], now: tuple[str | None, ...]) -> bool:
        """Whether the SIDs above a resource are the approved ones, or of resources that the approved plan creates."""
        if len(approved) != len(now):
            return False
        return all(
            was == sid or (was is None and self.is_created(_above(address, index)))
            for index, (was, sid) in enumerate(zip(approved, now, strict=True))
        )

    def without_moved_defaults(self, change: ChangePart) -> ChangePart:
        """Remove the defaults that an approved replace of a role moves.

        If only the new role of the replace is known, because its saved values are lost, they are an update.
        """
        if change.action != "update" or not self.is_same_configuration:
            return change
        moved = {item.path for item in change.fields if self._is_moved_default(change, item)}
        if not moved:
            return change
        markers = [BY_NAME[change.kind].by_path[path].marker(OnChange) for path in moved]
        effects = {marker.sentence(had=True, has=True) for marker in markers if marker is not None}
        is_as_risky = any(marker is not None and marker.risk == change.risk for marker in markers)
        return replace(
            change,
            fields=tuple(item for item in change.fields if item.path not in moved),
            consequences=tuple(sentence for sentence in change.consequences if sentence not in effects),
            risk="low" if is_as_risky else change.risk,
        )

    def _is_moved_default(self, change: ChangePart, item: FieldPart) -> bool:
        """Whether a step of an approved replace makes this very change, from the old role to the new one."""
        return any(
            step.address == change.address
            and item.path in step.sets
            and item.before == approved.sid
            and self.is_same_value(step.sets[item.path], item.after)
            and approved.service == change.service
            and self.is_same_place(approved.address, approved.parents, change.parents)
            and self.is_created(approved.address)
            for approved in self.replaced.values()
            for step in approved.steps
        )


def _above(address: str, index: int) -> str:
    """Return the address of the n-th container of a resource, from the outermost; empty for a malformed address."""
    try:
        return str(Address(Address.parse(address).parts[: 2 * index + 2]))
    except AddressError:
        return ""


def _new_name(approved: ChangePart, otherwise: str) -> str:
    """Return the natural key that a change creates; the name of a replace is that of the old resource."""
    if approved.action == "create":
        return approved.name
    key = BY_NAME[approved.kind].natural_key if approved.kind in BY_NAME else ""
    after = next((item.after for item in approved.fields if item.path == key), None)
    return after if isinstance(after, str) else otherwise


def _is_same_label(kind: str, was: str, now: str) -> bool:
    """Whether two names differ only in the type that distinguishes resources of one name: ``agent (service)``."""
    field = BY_NAME[kind].by_path.get(BY_NAME[kind].discriminator) if kind in BY_NAME else None
    shorter, longer = sorted((was, now), key=len)
    choice = field.marker(Choice) if field is not None else None
    return choice is not None and any(longer == f"{shorter} ({word})" for word in choice.words)


def _canonical(value: Json) -> str:
    """Write JSON so that types differ: `true`, `1`, and `1.0` are three values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, default=list)


def _is_shown_as(was: Mapping[Any, Any], now: Mapping[Any, Any]) -> bool:
    """Whether a URL matches what was shown of it when its secrets were not set, each of which may be any text."""
    if was.keys() != now.keys():
        return False
    match was, now:
        case {"shown": str(before)}, {"shown": str(after)}:
            return before == after or can_consist_of(before.removesuffix("…").split(MASK), after.removesuffix("…"))
        case _:
            return _canonical(was) == _canonical(now)


def _is_since(created: str, planned: str) -> bool:
    """Whether a resource was created after a plan was made, allowing for clock skew."""
    if not created:
        return True
    try:
        return datetime.fromisoformat(created) >= datetime.fromisoformat(planned) - _CLOCK_TOLERANCE
    except (ValueError, TypeError):
        return False
