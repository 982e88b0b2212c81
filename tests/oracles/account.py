"""An emulated account, and pictures of what it holds that two accounts with other SIDs share.

Takes raw HTTP calls; gives snapshots. Knows nothing of plans or configurations: it is one side of a judgment on them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from reconciler.emulator import Emulator, Rules, Store

Row: TypeAlias = Mapping[str, Any]
State: TypeAlias = Mapping[str, Row]
"""Everything in an account by SID, as the emulator keeps it."""

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_EPHEMERAL = frozenset(
    {"date_created", "date_updated", "timers", "last_active", "next_index", "created_by", "channel_message_sid", "url"}
)
"""Facts that say when something was done and not what is there."""


class Account:
    """One emulated account.

    Args:
        emulator: the account; a new one when left out.
        rules: readings of unverified facts for a new one.
    """

    def __init__(self, emulator: Emulator | None = None, rules: Rules | None = None) -> None:
        self.emulator = emulator or Emulator(
            Store.open(":memory:"), rules=rules or Rules(), clock=lambda: NOON, entropy=random.Random(1)
        )

    def copied(self) -> Account:
        """The same account, apart from this one; SIDs of what is created in it are drawn anew."""
        copy = self.emulator.copied()
        copy._entropy = random.Random(2)
        return Account(copy)

    def close(self) -> None:
        self.emulator.store.close()

    def post(self, path: str, form: Mapping[str, Any] | None = None, **fields: Any) -> str:
        """Create or update something; gives its SID, and an empty text for a singleton.

        Raises:
            AssertionError: the API refuses.
        """
        reply = self.emulator.call("POST", path, {**(form or {}), **fields})
        assert reply.status in {200, 201}, (path, form, fields, reply.body)
        assert isinstance(reply.body, dict)
        return str(reply.body.get("sid", ""))

    def tries(self, path: str, form: Mapping[str, Any]) -> str:
        """Create or update something if the API lets it; gives its SID, and an empty text when it does not."""
        reply = self.emulator.call("POST", path, form)
        return str(reply.body.get("sid", "")) if reply.status < 300 and isinstance(reply.body, dict) else ""

    def delete(self, path: str) -> None:
        reply = self.emulator.call("DELETE", path)
        assert reply.status == 204, (path, reply.body)

    def state(self) -> State:
        return self.emulator.snapshot()

    # --- Short ways to say what is there ------------------------------------------------------------------------------

    def service(self, name: str) -> str:
        """Create a service; gives its path."""
        return f"/v1/Services/{self.post('/v1/Services', FriendlyName=name)}"

    def role(self, service: str, name: str, kind: str = "service", *permissions: str) -> str:
        granted = permissions or (("joinConversation",) if kind == "service" else ("sendMessage",))
        return self.post(f"{service}/Roles", FriendlyName=name, Type=kind, Permission=list(granted))

    def user(self, service: str, identity: str, role: str = "", **fields: Any) -> str:
        return self.post(f"{service}/Users", {"Identity": identity, **({"RoleSid": role} if role else {}), **fields})

    def conversation(self, service: str, name: str, **fields: Any) -> str:
        """Create a conversation; gives its path."""
        return f"{service}/Conversations/{self.post(f'{service}/Conversations', UniqueName=name, **fields)}"

    def member(self, conversation: str, identity: str, role: str = "", **fields: Any) -> str:
        given = {"Identity": identity, **({"RoleSid": role} if role else {}), **fields}
        return self.post(f"{conversation}/Participants", given)

    def pair(self, conversation: str, address: str, proxy: str, **fields: Any) -> str:
        given = {"MessagingBinding.Address": address, "MessagingBinding.ProxyAddress": proxy, **fields}
        return self.post(f"{conversation}/Participants", given)

    def hook(self, conversation: str, url: str, *filters: str) -> str:
        form = {"Target": "webhook", "Configuration.Url": url, "Configuration.Filters": list(filters or MESSAGE_ADDED)}
        return self.post(f"{conversation}/Webhooks", form)

    def address(self, number: str, **fields: Any) -> str:
        given = {key.replace("__", "."): value for key, value in fields.items()}
        return self.post("/v1/Configuration/Addresses", {"Type": "sms", "Address": number, **given})

    def default_roles(self, service: str, **defaults: str) -> None:
        """Set default roles by ``user``, ``member`` and ``creator``."""
        named = {
            "user": "DefaultChatServiceRoleSid",
            "member": "DefaultConversationRoleSid",
            "creator": "DefaultConversationCreatorRoleSid",
        }
        self.post(f"{service}/Configuration", {named[key]: sid for key, sid in defaults.items()})

    def default_service(self, service: str) -> None:
        self.post("/v1/Configuration", DefaultChatServiceSid=service.rpartition("/")[2])

    def role_of(self, service: str, name: str) -> str:
        """The SID of a live role by its name."""
        sid = service.rpartition("/")[2]
        rows = self.state().items()
        return next(key for key, row in rows if row["kind"] == "role" and (row["parent"], row["name"]) == (sid, name))


MESSAGE_ADDED = ("onMessageAdded",)


def labels_of(state: State) -> dict[str, str]:
    """What each SID is called: names instead of SIDs, from the top of the account down."""
    labels: dict[str, str] = {}

    def label(sid: str) -> str:
        if sid not in labels:
            row = state[sid]
            parent = row["parent"]
            above = "" if parent is None or parent not in state else label(parent)
            labels[sid] = f"{above}/{row['kind']}:{_name_of(row)}" if row["kind"] != "account" else ""
        return labels[sid]

    for sid in state:
        label(sid)
    return labels


def _name_of(row: Row) -> str:
    """What a person would call a resource within its parent."""
    match row["kind"]:
        case "role":
            return f"{row['type']}:{row['name']}"
        case "participant" if row["messaging_binding"]:
            binding = row["messaging_binding"]
            return f"{row['name'] or ''}:{binding.get('address')}>{binding.get('proxy_address')}"
        case "webhook":
            shown = row["configuration"]
            return f"{row['target']}:{shown.get('url') or shown.get('flow_sid')}:{shown.get('filters')}"
        case "credential":
            return f"{row['type']}:{row['friendly_name']}"
        case "message":
            return str(row["index"])
        case _:
            return str(row["name"])


def picture(state: State) -> list[str]:
    """What an account holds, one line for each resource, as any account of the same content gives it.

    References are names; one to something that is gone says so. Two resources of one content are two lines.
    """
    labels = labels_of(state)
    return sorted(
        f"{labels[sid]} {json.dumps(_facts(row, labels), sort_keys=True, ensure_ascii=False)}"
        for sid, row in state.items()
    )


def _facts(row: Row, labels: Mapping[str, str]) -> Any:
    kept = {key: value for key, value in row.items() if key not in _EPHEMERAL | {"kind", "parent", "name"}}
    for key in ("attributes",):
        if isinstance(kept.get(key), str):
            kept[key] = json.loads(kept[key])
    return _named(kept, labels)


def _named(value: Any, labels: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _named(item, labels) for key, item in value.items() if key not in _EPHEMERAL}
        case list():
            named = [_named(item, labels) for item in value]
            return sorted(named, key=str)
        case str() if value in labels:
            return f"→{labels[value]}"
        case str() if SID.fullmatch(value) and value[:2] not in {"MG", "FW", "AC", "SM"}:
            return f"→gone {value[:2]}"
        case _:
            return value


def references(state: State) -> list[tuple[str, str, str]]:
    """Every reference that is live: the SID that has it, the field, and the SID it names."""
    found = []
    for sid, row in state.items():
        configuration, creation = row.get("configuration"), row.get("auto_creation")
        held = {"role_sid": row.get("role_sid")}
        if row["kind"] in {"account", "service"} and isinstance(configuration, dict):
            held |= {key: item for key, item in configuration.items() if key.endswith("_sid") and item}
        if isinstance(creation, dict):
            held["auto_creation"] = creation.get("conversation_service_sid")
        found += [(sid, field, str(value)) for field, value in held.items() if value and not value.startswith("MG")]
    return found
