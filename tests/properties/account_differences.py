"""How an account differs from what it was before, apart from what the API cannot set back.

Rows of two snapshots are compared by their names and by those of what contains them, since a SID does not come back.
Every exception has its reason beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.config.model import Config, Declared
from reconciler.planning.plan import Plan

Row = Mapping[str, Any]

_BY_ITSELF = {
    # A resource that was deleted and created again has another SID, and so has what contains it.
    "sid",
    "parent",
    # Twilio sets them.
    "date_created",
    "date_updated",
    "last_active",
    "state_changed",
    # The instants at which the durations end; these are compared.
    "timers.date_inactive",
    "timers.date_closed",
    # Generated from the SID of the conversation; the address that it stands for is compared.
    "bindings.projected_address",
}

_STAYS = {
    # Source: the community provider's documentation: defaults can be overwritten, not cleared.
    ("account", "configuration.default_inactive_timer"),
    ("account", "configuration.default_closed_timer"),
    # Source: OpenAPI description: there is no documented way to clear a timer.
    ("conversation", "durations.inactive"),
    ("conversation", "durations.closed"),
    # Source: OpenAPI description: null until webhooks are configured; afterwards only GET and POST are accepted.
    ("account", "webhooks.method"),
    ("service", "webhooks.method"),
    # Source: a live test of the community provider: an empty name keeps the old one.
    ("conversation", "friendly_name"),
    # Source: OpenAPI description: no parameter removes a binding.
    ("conversation", "bindings.address"),
    ("conversation", "bindings.name"),
    # No source says that an empty value clears it (the community provider sends one, and no test checks the answer).
    ("address", "auto_creation.conversation_service_sid"),
}
"""What cannot be emptied, by kind and path: it may have a value where it had none, but never another one."""


def check_sameness(before: Mapping[str, Row], after: Mapping[str, Row], files: list[Config], made: Plan) -> None:
    """Everything that was there is there as it was, and nothing else is.

    Args:
        before: The account after the first configuration was applied.
        after: The account after it was applied again.
        files: The first configuration and the one that was applied in between.
        made: What a plan would still do.
    """
    old, new = by_name(before), by_name(after)
    kept, declared, between = _kept(new, made), _declared(files[0]), _declared(files[1])
    came_along = {
        name.partition("/conversation:")[0] + f"/user:{name.rpartition(':')[2]}" for name in between
    } - between.keys()
    doubled = {name for name in {*old, *new} if f"{name}'" in {*old, *new}}
    retyped = {name for name in old.keys() & new.keys() if "/role:" in name and old[name]["type"] != new[name]["type"]}
    retyped -= declared.keys()
    for name in sorted(old.keys() | new.keys()):
        one, other = old.get(name), new.get(name)
        if any(f"{name}/".startswith(prefix) for prefix in kept):
            continue
        if one is None and name in came_along:
            continue  # a user that Twilio created with a participant, and that no configuration declared
        if name.rstrip("'") in doubled and "/role:" in name:
            continue  # a guard kept a role that was to be replaced by one of another type; a warning names what is left
        assert one is not None, f"left over: {name}"
        assert other is not None, f"lost: {name}"
        found = differences(one, other, declared.get(name, frozenset()))
        # A role that was not declared is known by its name. That is not enough if two have it, or if the only one with
        # it is of another type now, which its holders cannot have.
        found = {path: values for path, values in found.items() if not (doubled | retyped) & {*map(str, values)}}
        assert found == {}, f"{name}: {found}"


def differences(one: Row, other: Row, declared: frozenset[str]) -> dict[str, tuple[Any, Any]]:
    """The values that differ and that the API could set back; `declared` are the fields that were declared before."""
    return {
        path: (one.get(path), other.get(path))
        for path in sorted((one.keys() | other.keys()) - _BY_ITSELF)
        if one.get(path) != other.get(path)
        if not (path not in one and (one["kind"], path) in _STAYS)
        if not _cannot_return(one, other, path, declared)
    }


def _cannot_return(one: Row, other: Row, path: str, declared: frozenset[str]) -> bool:
    """Whether a value that was not declared before does not return."""
    match one["kind"]:
        case "conversation":
            # Source: OpenAPI description: the API returns the instants, from which no duration can be read.
            return path.startswith("durations.") and path.replace("durations", "timers") not in declared
        case "role":
            # Source: OpenAPI description: the type cannot change. An adopted role that was replaced by one of another
            # type is not deleted, and takes only permissions of its own type.
            return not declared and bool(one["type"] != other["type"])
        case "credential":
            # Source: OpenAPI description: secrets are never returned.
            return not declared and path.startswith("secrets.")
        case _:
            return False


def _kept(rows: Mapping[str, Row], made: Plan) -> tuple[str, ...]:
    """The beginnings of the names of what guards keep as it is."""
    names = {row["sid"]: name for name, row in rows.items()}
    found = []
    for change in made.changes:
        if change.guard is not None and change.sid in names:
            found.append(f"{names[change.sid]}/")
        if change.guard is not None and change.guard.name == "no_room" and change.parent is not None:
            # It has all the webhooks that fit. Which ones depends on which came first.
            found.append(f"{names[made.live[change.parent].sid]}/webhook:")
    return tuple(found)


def _declared(config: Config) -> dict[str, frozenset[str]]:
    """The fields of the declared resources by their names in snapshots; those of webhooks have others."""
    return {_declared_name(one, config): frozenset(one.values) for one in config.resources.values()}


def _declared_name(declared: Declared, config: Config) -> str:
    """The name that `by_name` gives a resource."""
    kind, name = declared.kind.name, declared.natural_key
    above = "/account:"
    if declared.parent is not None:
        above = _declared_name(config.resources[declared.parent], config)
    if kind == "credential":
        name = f"{declared.values['type'].content} {name}"
    elif kind == "participant":
        name = str(declared.values["identity"].content) if "identity" in declared.values else ""
    return f"{above}/{kind}:{name}"


# --- names and values ------------------------------------------------------------------------------------------------


def by_name(snapshot: Mapping[str, Row]) -> dict[str, dict[str, Any]]:
    """A snapshot by the names of the resources and of what contains them, with names in the place of SIDs."""
    names: dict[str, str] = {}
    for sid in snapshot:
        _name(sid, snapshot, names)
    return {
        names[sid]: {path: names.get(value, value) if isinstance(value, str) else value for path, value in _flat(row)}
        | {"sid": sid}
        for sid, row in snapshot.items()
    }


def _name(sid: str, snapshot: Mapping[str, Row], names: dict[str, str]) -> str:
    if sid not in names:
        row = snapshot[sid]
        above = _name(row["parent"], snapshot, names) if row["parent"] in snapshot else ""
        name = f"{above}/{row['kind']}:{_own_name(row)}"
        while name in names.values():
            name += "'"
        names[sid] = name
    return names[sid]


def _own_name(row: Row) -> str:
    match row["kind"]:
        case "account":
            return ""
        case "webhook":
            own = row["configuration"]
            return f"{row['target']} {own.get('url') or own.get('flow_sid')}"
        case "credential":
            return f"{row['type']} {row['friendly_name']}"
        case "participant":
            binding = row["messaging_binding"] or {}
            return str(row["name"] or f"{binding.get('address')} {binding.get('proxy_address')}")
        case _:
            return str(row["name"])


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a row in one spelling, without those that mean that nothing is set."""
    match value:
        case dict():
            for key, item in value.items():
                yield from _flat(item, f"{path}.{key}" if path else key)
        case "" | None | False | []:
            pass
        case list():
            yield path, sorted(value)
        case str() if path == "attributes":
            if json.loads(value):
                yield path, json.loads(value)
        case str() if path.endswith("method"):
            yield path, value.upper()
        case _:
            yield path, value
