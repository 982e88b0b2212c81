"""What a configuration asks for, read from the YAML as plain dictionaries.

A reading of its own, in a few rules of the configuration's format: names, pins, `absent`, `prune`, `renamed_from`,
`lifecycle`, and references to roles. It shares no code and no types with the reconciler, so that it can judge it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.oracles.account import Row, State

Body: TypeAlias = Mapping[str, Any]

SECTIONS = {
    "services": "service",
    "roles": "role",
    "users": "user",
    "conversations": "conversation",
    "participants": "participant",
    "webhooks": "webhook",
    "addresses": "address",
    "credentials": "credential",
}
BELOW = {"service": ("roles", "users", "conversations"), "conversation": ("participants", "webhooks")}
BUILT_IN = {
    "service admin": "service",
    "service user": "service",
    "channel admin": "conversation",
    "channel user": "conversation",
}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, eq=False)
class Resource:
    """One declared resource.

    Attributes:
        kind: in the emulator's words.
        address: as a command line takes it.
        handle: its key.
        body: what is declared.
        parent: what it is declared in; None at the top.
    """

    kind: str
    address: str
    handle: str
    body: Body
    parent: Resource | None

    @property
    def is_absent(self) -> bool:
        return bool(self.body.get("absent"))

    @property
    def lifecycle(self) -> Body:
        found: Body = self.body.get("lifecycle") or {}
        return found

    @property
    def service(self) -> Resource:
        return self if self.parent is None else self.parent.service

    @property
    def name(self) -> str:
        """Its natural key."""
        match self.kind:
            case "user":
                return str(self.body.get("identity", self.handle))
            case "conversation":
                return str(self.body.get("unique_name", self.handle))
            case "address":
                return str(self.body.get("address", self.handle))
            case "participant":
                return participant_name(
                    self.body.get("identity"), self.body.get("address"), self.body.get("proxy_address")
                )
            case "webhook":
                return webhook_name(self.body.get("target"), self.body)
            case _:
                return str(self.body.get("friendly_name", self.handle))

    @property
    def type(self) -> str | None:
        """What tells it apart from others of its name; None for nothing."""
        found = self.body.get("type") if self.kind in {"role", "credential"} else None
        return None if found is None else str(found)


def step(handle: str) -> str:
    """A handle as it follows a section in an address."""
    return f".{handle}" if _PLAIN.match(handle) else f'["{handle}"]'


def participant_name(identity: object, address: object, proxy: object) -> str:
    return str(identity) if identity else f"{address} via {proxy}"


def webhook_name(target: object, configuration: Body) -> str:
    return f"{target} {configuration.get('flow_sid') or configuration.get('url')}"


def live_name(row: Row) -> str:
    """The natural key of a live resource."""
    match row["kind"]:
        case "participant":
            binding = row["messaging_binding"] or {}
            return participant_name(row["name"], binding.get("address"), binding.get("proxy_address"))
        case "webhook":
            return webhook_name(row["target"], row["configuration"])
        case "credential":
            return str(row["friendly_name"])
        case _:
            return str(row["name"])


class Configuration:
    """A configuration as it is written down.

    Args:
        root: the YAML.
    """

    def __init__(self, root: Body) -> None:
        self.root = root
        self.resources = list(self._read(root, ("services", "addresses", "credentials"), None, ""))

    def _read(self, body: Body, sections: tuple[str, ...], parent: Resource | None, above: str) -> Iterator[Resource]:
        for section in sections:
            for handle, item in (body.get(section) or {}).items():
                resource = Resource(SECTIONS[section], f"{above}{section}{step(handle)}", handle, item or {}, parent)
                yield resource
                yield from self._read(resource.body, BELOW.get(resource.kind, ()), resource, f"{resource.address}.")

    # --- Which live resource is meant ---------------------------------------------------------------------------------

    def names(self, resource: Resource, sid: str, state: State, *, former: bool = False) -> bool:
        """Whether a declared resource means a live resource, or by its former name did.

        A role of the right name and another type is meant, too, where no other role has the name, and where neither it
        nor another role of the right type is renamed: its type changes. What must be absent is only of its own type.
        """
        row = state[sid]
        if row["kind"] != resource.kind or not self._parent_is(resource, row, state):
            return False
        pin = resource.body.get("sid")
        if pin is not None and not former:
            return bool(pin == sid or (pin == "default" and sid == default_service(state)))
        name = resource.body.get("renamed_from") if former else resource.name
        if name != live_name(row):
            return False
        if resource.kind == "credential":
            return bool(row["type"] == resource.type)
        if resource.kind == "role" and resource.type is not None and row["type"] != resource.type:
            return (
                not resource.is_absent
                and not self._is_renamed(resource, row)
                and not any(
                    other["kind"] == "role"
                    and (other["parent"], other["type"]) == (row["parent"], resource.type)
                    and other["name"] in {name, resource.body.get("renamed_from")}
                    for other in state.values()
                )
            )
        return True

    def _is_renamed(self, resource: Resource, row: Row) -> bool:
        """Whether another resource of a role's type has its name as the former one."""
        return any(
            other.parent == resource.parent
            and other.kind == resource.kind
            and not other.is_absent
            and other.body.get("renamed_from") == live_name(row)
            and other.type in {None, row["type"]}
            for other in self.resources
            if other is not resource
        )

    def _parent_is(self, resource: Resource, row: Row, state: State) -> bool:
        if resource.parent is None:
            return bool(row["parent"] == account_sid(state))
        parent: str | None = row["parent"]
        if parent is None or parent not in state:
            return False
        if self.names(resource.parent, parent, state):
            return True
        # What is renamed in place keeps what is in it.
        is_live = any(self.names(resource.parent, sid, state) for sid in state)
        return (
            not is_live
            and self.names(resource.parent, parent, state, former=True)
            and not self._is_kept_by_another(resource.parent, parent, state)
        )

    def _is_kept_by_another(self, resource: Resource, sid: str, state: State) -> bool:
        """Whether another resource is a live resource by its present name, and takes over no other one."""
        return any(
            other is not resource
            and not other.is_absent
            and self.names(other, sid, state)
            and not any(self.names(other, key, state, former=True) for key in state)
            for other in self.resources
        )

    def resources_of(self, sid: str | None, state: State, *, former: bool = False) -> list[Resource]:
        """The declared resources that mean a live resource."""
        if sid is None or sid not in state:
            return []
        return [resource for resource in self.resources if self.names(resource, sid, state, former=former)]

    # --- What may be deleted ------------------------------------------------------------------------------------------

    def is_pruned(self, sid: str, state: State) -> bool:
        """Whether a live resource is in a collection that is pruned, and declared nowhere."""
        row = state[sid]
        if row["kind"] not in SECTIONS.values():
            return False
        above: list[Body] = [self.root]
        if row["parent"] != account_sid(state):
            above = [resource.body for resource in self.resources_of(row["parent"], state)]
        section = next(name for name, kind in SECTIONS.items() if kind == row["kind"])
        present = [resource for resource in self.resources_of(sid, state) if not resource.is_absent]
        return not present and any(_prunes(body.get("prune"), section, live_name(row)) for body in above)

    def keeps(self, sid: str, state: State) -> bool:
        """Whether a lifecycle prevents that a resource is destroyed, or anything in it."""
        protected = [resource for resource in self.resources if resource.lifecycle.get("prevent_destroy")]
        inside = [key for key in state if sid in line(key, state)]
        meant = set(self.resources_of(sid, state))
        return any(
            self.names(resource, key, state) or self.names(resource, key, state, former=True)
            for resource in protected
            for key in inside
        ) or any(_is_within(resource, meant) for resource in protected)

    def assigned_by_sid(self, sid: str) -> bool:
        """Whether anything that is present gets this SID as a value."""
        return _mentions(self.root, sid)


def _is_within(resource: Resource | None, above: set[Resource]) -> bool:
    return resource is not None and (resource in above or _is_within(resource.parent, above))


def _mentions(value: Any, sid: str) -> bool:
    match value:
        case dict():
            if value.get("absent"):
                return False
            return any(key not in {"sid", "approvals"} and _mentions(item, sid) for key, item in value.items())
        case _:
            return bool(value == sid)


def _prunes(prune: Any, section: str, name: str) -> bool:
    match prune:
        case list():
            return section in prune
        case dict() if section in prune:
            options = prune[section] or {}
            wanted, kept = _texts(options.get("match")), _texts(options.get("except"))
            return (not wanted or any(glob(item, name) for item in wanted)) and not any(
                glob(item, name) for item in kept
            )
        case _:
            return False


def _texts(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def glob(pattern: str, name: str) -> bool:
    """Whether a pattern matches a whole name: `*` any text, `?` one character, a backslash escapes those and itself."""
    if not pattern:
        return not name
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return any(glob(rest, name[start:]) for start in range(len(name) + 1))
    if head == "\\" and rest[:1] in {"*", "?", "\\"}:
        head, rest = rest[0], rest[1:]
    elif head == "?" and name:
        return glob(rest, name[1:])
    return name[:1] == head and glob(rest, name[1:])


def account_sid(state: State) -> str:
    return next(sid for sid, row in state.items() if row["kind"] == "account")


def default_service(state: State) -> str | None:
    """The SID of the account's default service."""
    found: str | None = state[account_sid(state)]["configuration"]["default_chat_service_sid"]
    return found


def line(sid: str | None, state: State) -> Iterator[str]:
    """A resource and everything that contains it."""
    while sid is not None and sid in state:
        yield sid
        sid = state[sid]["parent"]
